//! `neurality audit checkpoint` and `neurality audit retain`.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::Path,
    str::FromStr,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Months, NaiveDate, Utc};
use serde_json::json;

use crate::{
    dispatch::wall_clock,
    domain::ids::TenantId,
    security::TenantSealer,
    storage::postgres::{
        Db,
        admin::{Admin, Exported},
    },
};

/// A month of the calendar, UTC: `2026-09`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month(DateTime<Utc>);

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d");
        let first = first.map_err(|_| format!("{text:?} is not of the form 2026-09"))?;
        let midnight = first.and_hms_opt(0, 0, 0).ok_or("there is no such month")?;
        Ok(Self(midnight.and_utc()))
    }
}

impl Month {
    /// Its first moment, if artifacts of the months before it do not come any more: one may wait for days for a Postgres that is away.
    fn begin(self, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
        match self.0 + Months::new(1) <= now {
            true => Ok(self.0),
            false => bail!("this month and the one before must stay"),
        }
    }
}

pub(super) async fn checkpoint(db: &Db, admin: &Admin, tenant: TenantId) -> anyhow::Result<()> {
    let sealer = intact(db, tenant).await?;
    let made = admin.make_checkpoint(&sealer, wall_clock()).await?;
    println!("{}", serde_json::to_string(&made)?);
    Ok(())
}

pub(super) async fn retain(
    db: &Db,
    admin: &Admin,
    tenant: TenantId,
    before: Month,
    file: &Path,
) -> anyhow::Result<()> {
    let before = before.begin(wall_clock())?;
    let sealer = intact(db, tenant).await?;
    let out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .context("create the export")?;
    let exported = export(admin, &sealer, before, out).await?;
    let detached = admin
        .detach_months(&sealer, before, exported, wall_clock())
        .await
        .context("detach the months")?;
    for table in &detached.tables {
        eprintln!("detached: {table}");
    }
    println!("{}", serde_json::to_string(&detached.checkpoint)?);
    Ok(())
}

/// A signature of a chain that is broken would vouch for the damage.
async fn intact(db: &Db, tenant: TenantId) -> anyhow::Result<TenantSealer> {
    let sealer = db.sealer(tenant).await?;
    match db.verify_chain(&sealer, None).await?.broken {
        None => Ok(sealer),
        Some(problem) => Err(anyhow::Error::new(problem).context("the audit chain is broken")),
    }
}

/// One record a line, sealed as it is stored, on the disk before anything is detached.
async fn export(
    admin: &Admin,
    sealer: &TenantSealer,
    before: DateTime<Utc>,
    file: File,
) -> anyhow::Result<Exported> {
    let mut out = BufWriter::new(file);
    let mut exported = Exported::default();
    loop {
        let records = admin.records_before(sealer, before, exported.last).await?;
        if records.is_empty() {
            break;
        }
        for record in records {
            let line = json!({
                "tenant": sealer.tenant(),
                "sequence": record.sequence,
                "started_at": record.started_at,
                "call": record.call,
                "document": hex::encode(&record.document),
                "previous_mac": hex::encode(record.previous.0),
                "mac": hex::encode(record.mac.0),
            });
            writeln!(out, "{line}").context("write the export")?;
            exported.records += 1;
            exported.last = record.sequence;
        }
    }
    let file = out.into_inner().context("write the export")?;
    file.sync_all().context("write the export")?;
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_may_go_when_the_one_after_it_is_over() {
        let now = "2026-11-28T15:00:00Z".parse().expect("time");
        let begin = |month: &str| month.parse::<Month>().expect("month").begin(now);
        assert!(begin("2026-12").is_err() && begin("2026-11").is_err());
        let october: DateTime<Utc> = "2026-10-01T00:00:00Z".parse().expect("time");
        assert_eq!(begin("2026-10").expect("september may go"), october);
        for wrong in ["2026-13", "2026", "10-2026", "2026-10-01", ""] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
