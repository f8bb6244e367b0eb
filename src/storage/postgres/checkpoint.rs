//! Checkpoints of an audit chain: signed statements of its value after a record, from which it is walked when earlier months were detached.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{StorageError, TenantTx, audit::chain_mac};
use crate::{
    domain::ids::TenantId,
    security::{ChainMac, ChainStatement, TenantSealer},
};

/// See the module. As JSON it is one line, to be kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Whose chain.
    pub tenant: TenantId,
    /// The record after which it holds.
    pub sequence: u64,
    /// The chain's value there.
    #[serde(with = "hex_mac")]
    pub head: ChainMac,
    /// Records up to `sequence` that were admitted before this month were detached with it.
    pub detached_before: Option<DateTime<Utc>>,
    /// Records up to `sequence` that stayed: a call that was admitted later may end sooner. Ascending.
    pub kept: Vec<u64>,
    /// When it was made, to the microsecond.
    pub made_at: DateTime<Utc>,
    /// All of this under the tenant's audit key.
    #[serde(with = "hex_mac")]
    pub mac: ChainMac,
}

impl Checkpoint {
    /// Signs a statement. The sealer must be the tenant's.
    #[must_use]
    pub fn sign(sealer: &TenantSealer, statement: &ChainStatement<'_>) -> Self {
        let to_micros = |at: DateTime<Utc>| {
            DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
        };
        let mut signed = Self {
            tenant: sealer.tenant(),
            sequence: statement.sequence,
            head: statement.head,
            detached_before: statement.detached_before.map(to_micros),
            kept: statement.kept.to_vec(),
            made_at: to_micros(statement.made_at),
            mac: ChainMac::GENESIS,
        };
        signed.kept.sort_unstable();
        signed.mac = sealer.checkpoint(&signed.statement());
        signed
    }

    /// Whether a holder of the tenant's keys has signed just this.
    #[must_use]
    pub fn is_genuine(&self, sealer: &TenantSealer) -> bool {
        self.tenant == sealer.tenant()
            && self.kept.is_sorted()
            && self.mac == sealer.checkpoint(&self.statement())
    }

    /// Whether this record was taken out, as far as this checkpoint tells.
    pub(super) fn tells_of(&self, sequence: u64) -> bool {
        self.detached_before.is_some()
            && sequence <= self.sequence
            && self.kept.binary_search(&sequence).is_err()
    }

    fn statement(&self) -> ChainStatement<'_> {
        ChainStatement {
            sequence: self.sequence,
            head: self.head,
            detached_before: self.detached_before,
            kept: &self.kept,
            made_at: self.made_at,
        }
    }
}

/// The tenant's checkpoints as they are stored, genuine or not, oldest first.
pub(super) async fn load(tx: &mut TenantTx) -> Result<Vec<Checkpoint>, StorageError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "SELECT sequence, head, detached_before, kept, made_at, mac FROM audit_checkpoints ORDER BY sequence, made_at"
    )
    .fetch_all(tx.connection())
    .await?;
    let checkpoints = rows.into_iter().map(|row| {
        Ok(Checkpoint {
            tenant,
            sequence: row.sequence.unsigned_abs(),
            head: chain_mac(&row.head)?,
            detached_before: row.detached_before,
            kept: row.kept.into_iter().map(i64::unsigned_abs).collect(),
            made_at: row.made_at,
            mac: chain_mac(&row.mac)?,
        })
    });
    checkpoints.collect()
}

/// Stores a checkpoint; again changes nothing.
pub(super) async fn store(tx: &mut TenantTx, checkpoint: &Checkpoint) -> Result<(), StorageError> {
    let signed = |sequence: u64| {
        i64::try_from(sequence).map_err(|_| StorageError::Malformed("audit sequence"))
    };
    let kept = checkpoint.kept.iter().copied().map(signed);
    let kept = kept.collect::<Result<Vec<i64>, _>>()?;
    sqlx::query!(
        "INSERT INTO audit_checkpoints (tenant_id, sequence, head, detached_before, kept, made_at, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, mac) DO NOTHING",
        tx.tenant().as_uuid(),
        signed(checkpoint.sequence)?,
        checkpoint.head.0.as_slice(),
        checkpoint.detached_before,
        &kept,
        checkpoint.made_at,
        checkpoint.mac.0.as_slice()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

mod hex_mac {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::security::ChainMac;

    pub(super) fn serialize<S: Serializer>(mac: &ChainMac, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(mac.0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ChainMac, D::Error> {
        let text = String::deserialize(from)?;
        let mut mac = ChainMac::GENESIS;
        hex::decode_to_slice(text, &mut mac.0).map_err(D::Error::custom)?;
        Ok(mac)
    }
}
