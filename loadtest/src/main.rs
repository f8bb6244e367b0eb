//! The outside world as a program: see `loadtest --help`.

use std::process::ExitCode;

use clap::Parser;
use loadtest::cli::{self, Cli};
use tracing_subscriber::EnvFilter;

/// Counts what the media path allocates, for `bench-media`.
#[global_allocator]
static ALLOCATOR: loadtest::bench::Counting = loadtest::bench::Counting;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,livekit=error,loadtest=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .compact()
        .init();
    match cli::run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}
