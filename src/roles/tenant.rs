//! `neurality tenant`: clinics as their operator writes them down.

use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::{
    config::Config,
    security::Keyring,
    storage::postgres::admin::{Admin, ClinicFile},
};

/// Arguments of `neurality tenant`.
#[derive(Clone, Debug, clap::Args)]
pub struct TenantArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: TenantCommand,
}

/// What to do with clinics.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum TenantCommand {
    /// Create or change the clinics of these YAML files; doing it again changes nothing.
    Apply {
        /// One clinic each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print id, name and numbers of each clinic.
    List,
}

/// Runs the command, as the owner of the schema.
///
/// # Errors
/// A file or the database cannot be used; clinics before the failing file are applied.
pub async fn run(config: &Config, args: TenantArgs, now: DateTime<Utc>) -> anyhow::Result<()> {
    let keyring = Keyring::load(&config.security.key_file).context("load security.key_file")?;
    let admin = Admin::connect(&config.postgres, keyring)?;
    match args.command {
        TenantCommand::Apply { files } => {
            for file in files {
                let clinic =
                    ClinicFile::load(&file).with_context(|| format!("load {}", file.display()))?;
                admin
                    .apply(&clinic, now)
                    .await
                    .with_context(|| format!("apply {}", file.display()))?;
                tracing::info!(tenant.id = %clinic.id, "clinic applied");
            }
        }
        TenantCommand::List => {
            for tenant in admin.tenants().await.context("list tenants")? {
                println!(
                    "{}\t{}\t{}",
                    tenant.id,
                    tenant.name,
                    tenant.numbers.join(" ")
                );
            }
        }
    }
    Ok(())
}
