//! The command line: a role or an operator command per subcommand.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use chrono::Utc;
use clap::{Parser, Subcommand};

use crate::{
    config::Config,
    lifecycle::{Lifecycle, Stopped},
    roles,
    telemetry::{logs::Telemetry, metrics::Metrics},
};

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
    /// Answer Twilio's and LiveKit's webhooks, admit calls
    Gateway,
    /// Serve calls
    Worker,
    /// Bring the database schema up to date
    Migrate(roles::migrate::MigrateArgs),
    /// Create, change and list clinics
    Tenant(roles::tenant::TenantArgs),
    /// Export and verify call artifacts
    Audit(roles::audit::AuditArgs),
    /// Make and rotate the key file
    Keys(roles::keys::KeysArgs),
    /// Set up LiveKit's SIP side
    Livekit {
        /// What to do.
        #[command(subcommand)]
        command: LivekitCommand,
    },
    /// Check the configuration and exit
    CheckConfig,
    /// Ask a health endpoint: success if it answers 200
    Probe(roles::probe::ProbeArgs),
    /// Show what the pure parts of the pipeline make of an input; needs no server and no configuration
    Debug {
        /// Which part.
        #[command(subcommand)]
        command: roles::debug::DebugCommand,
    },
}

/// What to do with LiveKit.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum LivekitCommand {
    /// Make the inbound trunk and the dispatch rule, or leave them as they are
    Provision,
}

/// The configuration cannot be used (`EX_USAGE`).
const EXIT_CONFIG: u8 = 64;

/// Runs the command; the exit code says how it went.
pub async fn main(cli: Cli) -> ExitCode {
    if let Command::Debug { command } = &cli.command {
        return report(roles::debug::run(command).map(|()| ExitCode::SUCCESS));
    }
    let config = match Config::load(cli.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("neurality: {:#}", anyhow::Error::new(error));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let telemetry = match Telemetry::start(&config.telemetry, cli.command.role()) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("neurality: {:#}", anyhow::Error::new(error));
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let code = report(run(cli.command, config).await);
    telemetry.finish();
    code
}

/// The exit code; an error goes to standard error.
fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("neurality: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Gateway => {
            let deadline = Duration::from_secs(config.gateway.dial_timeout_secs);
            return serve(deadline, async |metrics, lifecycle| {
                roles::gateway::run(config, metrics, lifecycle).await
            })
            .await;
        }
        Command::Worker => {
            let deadline = Duration::from_secs(config.worker.drain_deadline_secs);
            return serve(deadline, async |metrics, lifecycle| {
                roles::worker::run(config, metrics, lifecycle).await
            })
            .await;
        }
        Command::Migrate(args) => roles::migrate::run(&config, args).await?,
        Command::Tenant(args) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "the edge of the process: here time enters"
            )]
            let now = Utc::now();
            roles::tenant::run(&config, args, now).await?;
        }
        Command::Audit(args) => roles::audit::run(&config, args).await?,
        Command::Keys(args) => roles::keys::run(&config, args).await?,
        Command::Livekit {
            command: LivekitCommand::Provision,
        } => {
            for (name, project) in config.livekit.all_projects() {
                let done = roles::livekit::provision(&project)
                    .await
                    .with_context(|| format!("provision livekit project `{name}`"))?;
                println!("project {name}:\n{done}");
            }
        }
        Command::CheckConfig => println!("the configuration is valid"),
        Command::Probe(args) => roles::probe::run(args).await?,
        Command::Debug { command } => roles::debug::run(&command)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a role until it is told to stop.
async fn serve(
    deadline: Duration,
    role: impl AsyncFnOnce(Arc<Metrics>, &Lifecycle) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let lifecycle = Lifecycle::new();
    role(Arc::new(Metrics::new()), &lifecycle).await?;
    Ok(match lifecycle.run_until_stopped(deadline).await? {
        Stopped::OnRequest => ExitCode::SUCCESS,
        Stopped::Failed => ExitCode::FAILURE,
    })
}

impl Command {
    const fn role(&self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Worker => "worker",
            _ => "operator",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
