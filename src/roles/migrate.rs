//! `neurality migrate`: brings the schema up to date, as its owner.

use std::time::Duration;

use anyhow::Context;

use crate::{
    config::Config,
    security::Keyring,
    storage::postgres::admin::{self, Admin},
};

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
    index_names(config).await
}

/// What a migration in SQL cannot fill in: it needs the keys. Where they are not at hand, the workers do it as bookings come.
async fn index_names(config: &Config) -> anyhow::Result<()> {
    let keys = &config.security.key_file;
    if !keys.is_file() {
        tracing::info!("no key file: older patients' names are indexed as bookings come");
        return Ok(());
    }
    let keyring = Keyring::load(keys).context("load security.key_file")?;
    let indexed = Admin::connect(&config.postgres, keyring)?
        .index_names()
        .await
        .context("index patients' names")?;
    tracing::info!(indexed, "patients' names are indexed");
    Ok(())
}
