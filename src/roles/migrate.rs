//! `neurality migrate`: brings the schema up to date, as its owner.

use std::time::Duration;

use anyhow::Context;

use crate::{config::Config, storage::postgres::admin};

/// Arguments of `neurality migrate`.
#[derive(Clone, Debug, clap::Args)]
pub struct MigrateArgs {
    /// Seconds to wait for a database that does not answer yet.
    #[arg(long, default_value_t = 60)]
    pub wait_secs: u64,
}

/// Runs all migrations that are missing; runners that start at once wait for each other.
///
/// # Errors
/// The database does not answer in time, or a migration fails (and is rolled back).
pub async fn run(config: &Config, args: MigrateArgs) -> anyhow::Result<()> {
    let patience = Duration::from_secs(args.wait_secs);
    let version = admin::migrate(config.postgres.owner_url.expose(), patience)
        .await
        .context("migrate postgres.owner_url")?;
    tracing::info!(version, "schema is up to date");
    Ok(())
}
