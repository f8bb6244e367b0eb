//! Taking old months out of the audit: exported first, then detached under a checkpoint, from which the chain is walked later.

use chrono::{DateTime, Utc};

use super::Admin;
use crate::{
    security::{ChainMac, ChainStatement, TenantSealer},
    storage::postgres::{
        Checkpoint, StorageError, TenantTx,
        audit::{chain_mac, lock_head},
        checkpoint,
    },
};

/// Records read at a time.
const BATCH: i64 = 200;

/// A record as it is exported: sealed, with all that its signature covers.
#[derive(Clone, Debug)]
pub struct ExportedRecord {
    /// Its number in the chain.
    pub sequence: u64,
    /// When the call was admitted.
    pub started_at: DateTime<Utc>,
    /// The call.
    pub call: crate::domain::ids::CallId,
    /// The sealed document.
    pub document: Vec<u8>,
    /// The chain's value before it.
    pub previous: ChainMac,
    /// The chain's value after it.
    pub mac: ChainMac,
}

/// What was exported: compared with what is detached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many records.
    pub records: u64,
    /// The highest number among them.
    pub last: u64,
}

/// Months that were taken out.
#[derive(Clone, Debug)]
pub struct Detached {
    /// Signed and stored with it.
    pub checkpoint: Checkpoint,
    /// The tables that the months are now, outside `call_artifacts`: to be dropped once the export is safe.
    pub tables: Vec<String>,
}

/// Months that were not taken out.
#[derive(Debug, thiserror::Error)]
pub enum DetachError {
    /// Postgres.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The export is not what would be detached: a late artifact came between, or something is missing. Export again.
    #[error("the export has {exported} records, the months have {there}")]
    NotExported {
        /// Exported.
        exported: u64,
        /// In the months.
        there: u64,
    },
    /// No record was admitted before this month.
    #[error("there is no record before this month")]
    Nothing,
}

impl Admin {
    /// Signs and stores the chain's present end. The chain must have been verified up to it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn make_checkpoint(
        &self,
        sealer: &TenantSealer,
        now: DateTime<Utc>,
    ) -> Result<Checkpoint, StorageError> {
        let mut tx = self.begin(sealer.tenant()).await?;
        let (sequence, head) = lock_head(&mut tx).await?;
        let made = Checkpoint::sign(
            sealer,
            &ChainStatement {
                sequence,
                head,
                detached_before: None,
                kept: &[],
                made_at: now,
            },
        );
        checkpoint::store(&mut tx, &made).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Records of calls admitted before this time, after this number, in the chain's order; at most a few hundred.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn records_before(
        &self,
        sealer: &TenantSealer,
        before: DateTime<Utc>,
        after: u64,
    ) -> Result<Vec<ExportedRecord>, StorageError> {
        let mut tx = self.begin(sealer.tenant()).await?;
        let rows = sqlx::query!(
            "SELECT sequence, started_at, call_id, document, previous_mac, mac FROM call_artifacts
             WHERE started_at < $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
            before,
            signed(after)?,
            BATCH
        )
        .fetch_all(tx.connection())
        .await?;
        let records = rows.into_iter().map(|row| {
            Ok(ExportedRecord {
                sequence: row.sequence.unsigned_abs(),
                started_at: row.started_at,
                call: row.call_id.into(),
                document: row.document,
                previous: chain_mac(&row.previous_mac)?,
                mac: chain_mac(&row.mac)?,
            })
        });
        records.collect()
    }

    /// Detaches the months before this one, whose records were all exported, and signs what stays. All of it, or nothing. The chain must have been verified.
    ///
    /// # Errors
    /// [`DetachError`].
    pub async fn detach_months(
        &self,
        sealer: &TenantSealer,
        before: DateTime<Utc>,
        exported: Exported,
        now: DateTime<Utc>,
    ) -> Result<Detached, DetachError> {
        let mut tx = self.begin(sealer.tenant()).await?;
        // No artifact is appended meanwhile.
        lock_head(&mut tx).await?;
        let there = counted(&mut tx, before).await?;
        if there.records == 0 {
            return Err(DetachError::Nothing);
        }
        if there != exported {
            return Err(DetachError::NotExported {
                exported: exported.records,
                there: there.records,
            });
        }
        let made = signed_for(&mut tx, sealer, before, there.last, now).await?;
        checkpoint::store(&mut tx, &made).await?;
        let tables = sqlx::query_scalar!(
            r#"SELECT apart AS "apart!" FROM detach_audit_months($1) AS apart"#,
            before
        )
        .fetch_all(tx.connection())
        .await
        .map_err(StorageError::from)?;
        tx.commit().await?;
        Ok(Detached {
            checkpoint: made,
            tables,
        })
    }
}

async fn counted(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<Exported, StorageError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "records!", coalesce(max(sequence), 0) AS "last!" FROM call_artifacts WHERE started_at < $1"#,
        before
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Exported {
        records: row.records.unsigned_abs(),
        last: row.last.unsigned_abs(),
    })
}

/// The checkpoint after the last record that goes.
async fn signed_for(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    before: DateTime<Utc>,
    last: u64,
    now: DateTime<Utc>,
) -> Result<Checkpoint, StorageError> {
    let head = sqlx::query_scalar!(
        "SELECT mac FROM call_artifacts WHERE sequence = $1",
        signed(last)?
    )
    .fetch_one(tx.connection())
    .await?;
    let kept = sqlx::query_scalar!(
        "SELECT sequence FROM call_artifacts WHERE started_at >= $1 AND sequence <= $2 ORDER BY sequence",
        before,
        signed(last)?
    )
    .fetch_all(tx.connection())
    .await?;
    let kept: Vec<u64> = kept.into_iter().map(i64::unsigned_abs).collect();
    let statement = ChainStatement {
        sequence: last,
        head: chain_mac(&head)?,
        detached_before: Some(before),
        kept: &kept,
        made_at: now,
    };
    Ok(Checkpoint::sign(sealer, &statement))
}

fn signed(sequence: u64) -> Result<i64, StorageError> {
    i64::try_from(sequence).map_err(|_| StorageError::Malformed("audit sequence"))
}
