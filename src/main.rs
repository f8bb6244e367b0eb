//! Parse, load the configuration, start telemetry, run one role.

use std::process::ExitCode;

use clap::Parser;
use neurality::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    neurality::cli::main(Cli::parse()).await
}
