//! `neurality audit`: reads and proves the audit artifacts.

mod retention;

use std::{
    collections::HashMap,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;

use self::retention::Month;
use crate::{
    config::Config,
    domain::ids::{CallId, TenantId},
    security::{ChainMac, Keyring},
    storage::postgres::{Checkpoint, Db, KeptHead, PhiAccess, admin::Admin},
};

/// Arguments of `neurality audit`.
#[derive(Clone, Debug, clap::Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What to do with the audit.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Print a call's artifact, opened. It is patient data: that it was opened is logged.
    Export {
        /// The call.
        #[arg(long)]
        call: CallId,
        /// Who asks, for the access log.
        #[arg(long, default_value = "operator")]
        actor: String,
    },
    /// Prove that no artifact was altered, taken out or put in; prints a line of JSON per clinic. Keep its `head` outside the database.
    Verify {
        /// Only this clinic; all of them (as the schema's owner) if left out.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// What earlier runs of `verify`, `checkpoint` and `retain` printed, kept outside the database: the records of then must be those of now, and months that were
        /// detached are vouched for.
        #[arg(long)]
        against: Option<PathBuf>,
    },
    /// Verify a clinic's chain and sign its present end; prints the checkpoint as a line of JSON, to be kept outside the database (as the schema's owner).
    Checkpoint {
        /// The clinic.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Verify a clinic's chain, export the records of old months, sealed, and detach those months under a checkpoint, which is printed (as the schema's owner).
    Retain {
        /// The clinic.
        #[arg(long)]
        tenant: TenantId,
        /// The first month that stays, such as `2026-09`; this month and the one before always stay.
        #[arg(long)]
        before: Month,
        /// The file to export to; it must not exist yet.
        #[arg(long)]
        export: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// The database cannot be used, there is no such call, or a chain is broken.
pub async fn run(config: &Config, args: AuditArgs) -> anyhow::Result<()> {
    let keyring = Keyring::load(&config.security.key_file).context("load security.key_file")?;
    let db = Db::connect(&config.postgres, keyring.clone())?;
    match args.command {
        AuditCommand::Export { call, actor } => export(&db, call, &actor).await,
        AuditCommand::Verify { tenant, against } => {
            let kept = match against {
                Some(file) => Kept::read(&file)?,
                None => Kept::default(),
            };
            let tenants = match tenant {
                Some(tenant) => vec![tenant],
                None => all_tenants(config, keyring).await?,
            };
            verify(&db, &tenants, &kept).await
        }
        AuditCommand::Checkpoint { tenant } => {
            let admin = Admin::connect(&config.postgres, keyring)?;
            retention::checkpoint(&db, &admin, tenant).await
        }
        AuditCommand::Retain {
            tenant,
            before,
            export,
        } => {
            let admin = Admin::connect(&config.postgres, keyring)?;
            retention::retain(&db, &admin, tenant, before, &export).await
        }
    }
}

/// What was kept outside the database.
#[derive(Default)]
struct Kept {
    heads: HashMap<TenantId, KeptHead>,
    checkpoints: Vec<Checkpoint>,
}

impl Kept {
    fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).context("read what was kept")?;
        let mut kept = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            kept.add(line).context("read what was kept")?;
        }
        Ok(kept)
    }

    /// A line is a checkpoint or a head.
    fn add(&mut self, line: &str) -> anyhow::Result<()> {
        if let Ok(checkpoint) = serde_json::from_str(line) {
            self.checkpoints.push(checkpoint);
            return Ok(());
        }
        let line: Line = serde_json::from_str(line)?;
        let mut head = ChainMac::GENESIS;
        hex::decode_to_slice(&line.head, &mut head.0)?;
        let intact = line.intact;
        self.heads.insert(line.tenant, KeptHead { intact, head });
        Ok(())
    }
}

async fn all_tenants(config: &Config, keyring: Keyring) -> anyhow::Result<Vec<TenantId>> {
    let admin = Admin::connect(&config.postgres, keyring)?;
    let tenants = admin.tenants().await.context("list tenants")?;
    Ok(tenants.iter().map(|tenant| tenant.id).collect())
}

/// A line that `verify` has printed.
#[derive(Deserialize)]
struct Line {
    tenant: TenantId,
    intact: u64,
    head: String,
}

async fn export(db: &Db, call: CallId, actor: &str) -> anyhow::Result<()> {
    let Some(tenant) = db.resolve_call(call).await? else {
        bail!("there is no call {call}")
    };
    let sealer = db.sealer(tenant).await?;
    let access = PhiAccess {
        actor,
        action: "audit export",
    };
    let Some(document) = db.open_artifact(&sealer, call, access).await? else {
        bail!("call {call} has no artifact")
    };
    let mut out = std::io::stdout().lock();
    out.write_all(document.expose())?;
    out.write_all(b"\n")?;
    Ok(())
}

async fn verify(db: &Db, tenants: &[TenantId], kept: &Kept) -> anyhow::Result<()> {
    let mut broken = 0;
    for tenant in tenants {
        let sealer = db.sealer(*tenant).await?;
        let of_tenant = |checkpoint: &&Checkpoint| checkpoint.tenant == *tenant;
        let checkpoints: Vec<Checkpoint> =
            kept.checkpoints.iter().filter(of_tenant).cloned().collect();
        let head = kept.heads.get(tenant).copied();
        let report = db.verify_chain_with(&sealer, head, &checkpoints).await?;
        let problem = report.broken.map(|problem| problem.to_string());
        broken += usize::from(problem.is_some());
        println!(
            "{}",
            json!({ "tenant": tenant, "intact": report.intact, "detached": report.detached, "head": hex::encode(report.head.0), "broken": problem })
        );
    }
    if broken > 0 {
        bail!("{broken} audit chains are broken");
    }
    Ok(())
}
