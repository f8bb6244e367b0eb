//! The command line: a role or an operator command per subcommand.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::roles;

/// Voice agents for clinics.
#[derive(Debug, Parser)]
#[command(name = "neurality", version, about)]
pub struct Cli {
    /// YAML file; `NEURALITY__SECTION__KEY` variables override it.
    #[arg(long, global = true, env = "NEURALITY_CONFIG")]
    pub config: Option<PathBuf>,
    /// What to run.
    #[command(subcommand)]
    pub command: Command,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer Twilio's and LiveKit's webhooks, admit calls.
    Gateway,
    /// Serve calls.
    Worker,
    /// Check the configuration and exit.
    CheckConfig,
}
