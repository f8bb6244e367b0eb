//! `neurality keys`: master keys, in a local file.

use std::path::PathBuf;

use anyhow::{Context, ensure};

use crate::{config::Config, security::Keyring, storage::postgres::admin::Admin};

/// Arguments of `neurality keys`.
#[derive(Clone, Debug, clap::Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with master keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum KeysCommand {
    /// Write a new key file, readable by its owner only. An existing file is never overwritten.
    Generate {
        /// Where; `security.key_file` if left out.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Put a fresh key before the others; restart the pods, then rewrap.
    Rotate {
        /// Which file; `security.key_file` if left out.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Wrap each clinic's data key anew that an older master key wraps; then the older ones may leave the file.
    Rewrap,
}

/// Runs the command.
///
/// # Errors
/// The key file or the database cannot be used.
pub async fn run(config: &Config, args: KeysArgs) -> anyhow::Result<()> {
    let path = |file: Option<PathBuf>| {
        let path = file.unwrap_or_else(|| config.security.key_file.clone());
        ensure!(
            !path.as_os_str().is_empty(),
            "give --file or set security.key_file"
        );
        Ok(path)
    };
    match args.command {
        KeysCommand::Generate { file } => {
            let path = path(file)?;
            Keyring::generate(&path)?;
            tracing::info!(file = %path.display(), "key file written");
        }
        KeysCommand::Rotate { file } => {
            let path = path(file)?;
            let id = Keyring::rotate(&path)?;
            tracing::info!(file = %path.display(), id, "key file has a new current key");
        }
        KeysCommand::Rewrap => {
            let keyring =
                Keyring::load(&config.security.key_file).context("load security.key_file")?;
            let done = Admin::connect(&config.postgres, keyring)?
                .rewrap_keys()
                .await?;
            tracing::info!(keys = done, "data keys wrapped anew");
        }
    }
    Ok(())
}
