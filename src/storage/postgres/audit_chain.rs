//! Proves that no artifact was altered, taken out or put in.

use super::{
    Db, StorageError, TenantTx,
    audit::chain_mac,
    audit_walk::{ChainReport, Head, KeptHead, Record, Walk},
    checkpoint::{self, Checkpoint},
};
use crate::security::{Sealed, TenantSealer};

/// Records read at a time.
const BATCH: usize = 200;

impl Db {
    /// Walks the tenant's chain from its first record, past months that were detached under a checkpoint. A kept head proves that the records it stood for are still
    /// those, and all there: whoever owns the database could cut the chain's end off and set its head back.
    ///
    /// # Errors
    /// [`StorageError`] if it could not be read; a broken chain is a result.
    pub async fn verify_chain(
        &self,
        sealer: &TenantSealer,
        kept: Option<KeptHead>,
    ) -> Result<ChainReport, StorageError> {
        self.verify_chain_with(sealer, kept, &[]).await
    }

    /// As [`Self::verify_chain`], with checkpoints that were kept outside the database too.
    ///
    /// # Errors
    /// As [`Self::verify_chain`].
    pub async fn verify_chain_with(
        &self,
        sealer: &TenantSealer,
        kept: Option<KeptHead>,
        checkpoints: &[Checkpoint],
    ) -> Result<ChainReport, StorageError> {
        let mut known = self.checkpoints(sealer).await?;
        known.extend_from_slice(checkpoints);
        let mut walk = Walk::new(sealer, kept, known);
        let mut read = 0;
        while walk.report.broken.is_none() {
            let (head, records) = self.read_chain(sealer, read).await?;
            let is_last = records.len() < BATCH;
            for record in records {
                read = record.sequence;
                if !walk.step(&record) {
                    break;
                }
            }
            if is_last {
                walk.finish(head);
                break;
            }
        }
        Ok(walk.report)
    }

    /// The checkpoints in the database, genuine or not, oldest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn checkpoints(
        &self,
        sealer: &TenantSealer,
    ) -> Result<Vec<Checkpoint>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            checkpoint::load(&mut tx).await
        })
        .await
    }

    async fn read_chain(
        &self,
        sealer: &TenantSealer,
        after: u64,
    ) -> Result<(Head, Vec<Record>), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            read_batch(&mut tx, after).await
        })
        .await
    }
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
