//! Proves that no artifact was altered, taken out or put in.

use chrono::{DateTime, Utc};

use super::{Db, StorageError, TenantTx, audit::chain_mac};
use crate::{
    domain::ids::CallId,
    security::{ChainLink, ChainMac, Sealed, TenantSealer},
};

/// Records read at a time.
const BATCH: usize = 200;

/// The result of a walk along the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Records that are as they were written.
    pub intact: u64,
    /// The chain's value after the last of them: to be kept outside the database, where it proves later that nothing was cut off.
    pub head: ChainMac,
    /// Where the walk ended early.
    pub broken: Option<ChainBreak>,
}

/// A head that was kept outside the database: the chain's value after so many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptHead {
    /// Records.
    pub intact: u64,
    /// The value.
    pub head: ChainMac,
}

/// What is wrong, at the first place where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// The record is not what was written under this number.
    #[error("record {0} was altered")]
    Altered(u64),
    /// The record is not there.
    #[error("record {0} is missing")]
    Missing(u64),
    /// The head says something else than the last record.
    #[error("the head does not belong to record {0}")]
    Head(u64),
}

impl Db {
    /// Walks the tenant's chain from its first record. A kept head proves that the records it stood for are still those, and all there: whoever owns the database
    /// could cut the chain's end off and set its head back.
    ///
    /// # Errors
    /// [`StorageError`] if it could not be read; a broken chain is a result.
    pub async fn verify_chain(
        &self,
        sealer: &TenantSealer,
        kept: Option<KeptHead>,
    ) -> Result<ChainReport, StorageError> {
        let mut report = ChainReport {
            intact: 0,
            head: ChainMac::GENESIS,
            broken: None,
        };
        while self
            .timed(self.verify_batch(sealer, kept, &mut report))
            .await?
        {}
        let is_cut = kept.is_some_and(|kept| kept.intact > report.intact);
        if report.broken.is_none() && is_cut {
            report.broken = Some(ChainBreak::Missing(report.intact + 1));
        }
        Ok(report)
    }

    /// Goes on from where the report ends; returns whether there may be more.
    async fn verify_batch(
        &self,
        sealer: &TenantSealer,
        kept: Option<KeptHead>,
        report: &mut ChainReport,
    ) -> Result<bool, StorageError> {
        let mut tx = self.begin(sealer.tenant()).await?;
        let (head, records) = read_batch(&mut tx, report.intact).await?;
        let full = records.len() == BATCH;
        for record in records {
            report.broken = check(sealer, kept, report, &record);
            if report.broken.is_some() {
                return Ok(false);
            }
            report.intact += 1;
            report.head = record.mac;
        }
        if !full {
            report.broken = check_head(report, head);
        }
        Ok(full)
    }
}

/// The last sequence number and the chain's value after it, as the head says.
type Head = (u64, ChainMac);

struct Record {
    sequence: u64,
    started_at: DateTime<Utc>,
    call: CallId,
    document: Sealed,
    previous: ChainMac,
    mac: ChainMac,
}

/// Head and records in one statement, hence one snapshot: a record appended in between would look like a break.
async fn read_batch(tx: &mut TenantTx, after: u64) -> Result<(Head, Vec<Record>), StorageError> {
    let after = i64::try_from(after).map_err(|_| StorageError::Malformed("audit sequence"))?;
    let rows = sqlx::query!(
        r#"SELECT h.sequence AS last, h.mac AS head, a.sequence AS "sequence?", a.started_at AS "started_at?", a.call_id AS "call_id?",
                  a.document AS "document?", a.previous_mac AS "previous_mac?", a.mac AS "mac?"
           FROM audit_heads h
           LEFT JOIN LATERAL (SELECT * FROM call_artifacts WHERE sequence > $1 ORDER BY sequence LIMIT $2) a ON true
           ORDER BY a.sequence"#,
        after,
        BATCH as i64
    )
    .fetch_all(tx.connection())
    .await?;
    let first = rows.first().ok_or(StorageError::NoKey)?;
    let head = (first.last.unsigned_abs(), chain_mac(&first.head)?);
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let columns = (
            row.sequence,
            row.started_at,
            row.call_id,
            row.document,
            row.previous_mac,
            row.mac,
        );
        let (
            Some(sequence),
            Some(started_at),
            Some(call),
            Some(document),
            Some(previous),
            Some(mac),
        ) = columns
        else {
            continue;
        };
        records.push(Record {
            sequence: sequence.unsigned_abs(),
            started_at,
            call: call.into(),
            document: Sealed::from(document),
            previous: chain_mac(&previous)?,
            mac: chain_mac(&mac)?,
        });
    }
    Ok((head, records))
}

fn check(
    sealer: &TenantSealer,
    kept: Option<KeptHead>,
    report: &ChainReport,
    record: &Record,
) -> Option<ChainBreak> {
    let sequence = report.intact + 1;
    if record.sequence != sequence {
        return Some(ChainBreak::Missing(sequence));
    }
    let link = ChainLink {
        sequence,
        previous: report.head,
        started_at: record.started_at,
        call: record.call,
        document: &record.document,
    };
    let is_kept = kept.is_none_or(|kept| kept.intact != sequence || kept.head == record.mac);
    let intact = record.mac == sealer.chain(&link) && record.previous == report.head && is_kept;
    (!intact).then_some(ChainBreak::Altered(sequence))
}

fn check_head(report: &ChainReport, (last, head): Head) -> Option<ChainBreak> {
    if last > report.intact {
        return Some(ChainBreak::Missing(report.intact + 1));
    }
    (last != report.intact || head != report.head).then_some(ChainBreak::Head(report.intact))
}
