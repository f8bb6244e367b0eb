//! Audit artifacts: sealed, chained, written once, read under log.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Db, StorageError, TenantTx};
use crate::{
    domain::{
        artifact::Artifact,
        ids::{CallId, TenantId},
        phi::Phi,
    },
    security::{Aad, ChainLink, ChainMac, Sealed, TenantSealer},
};

/// An artifact on its way to Postgres. Sealed, so it may wait in Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedArtifact {
    /// The clinic.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// When the call was admitted.
    pub started_at: DateTime<Utc>,
    document: Sealed,
}

fn place(call: CallId) -> Aad {
    Aad {
        table: "call_artifacts",
        column: "document",
        row: call.as_uuid(),
    }
}

/// What a document says of itself.
#[derive(Deserialize)]
struct Named {
    tenant_id: TenantId,
    call_id: CallId,
    started_at: DateTime<Utc>,
}

impl SealedArtifact {
    /// Whether a holder of the clinic's keys has sealed this document for this call and time.
    #[must_use]
    pub fn is_genuine(&self, sealer: &TenantSealer) -> bool {
        let Ok(opened) = sealer.open(&place(self.call), &self.document) else {
            return false;
        };
        serde_json::from_slice(opened.expose()).is_ok_and(|named: Named| {
            (named.tenant_id, named.call_id) == (self.tenant, self.call)
                && named.started_at.timestamp_millis() == self.started_at.timestamp_millis()
        })
    }

    /// Seals a finished artifact. The sealer must be its tenant's.
    #[must_use]
    pub fn seal(sealer: &TenantSealer, artifact: &Artifact) -> Self {
        let document = sealer.seal(&place(artifact.call()), artifact.to_json().expose());
        Self {
            tenant: sealer.tenant(),
            call: artifact.call(),
            started_at: artifact.started_at(),
            document,
        }
    }

    /// As it waits in Redis: tenant, call, microseconds, document.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (tenant, call) = (self.tenant.as_uuid(), self.call.as_uuid());
        let micros = self.started_at.timestamp_micros().to_be_bytes();
        [
            tenant.as_bytes().as_slice(),
            call.as_bytes(),
            &micros,
            self.document.as_bytes(),
        ]
        .concat()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` if it is not that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        let (call, rest) = rest.split_first_chunk::<16>()?;
        let (micros, document) = rest.split_first_chunk::<8>()?;
        Some(Self {
            tenant: Uuid::from_bytes(*tenant).into(),
            call: Uuid::from_bytes(*call).into(),
            started_at: DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?,
            document: Sealed::from(document.to_vec()),
        })
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArtifactWrite {
    /// Written.
    Stored,
    /// It was there; the first one stays.
    AlreadyStored,
}

/// Who opens patient data and why, for `phi_access_log`.
#[derive(Clone, Copy, Debug)]
pub struct PhiAccess<'a> {
    /// A person or a service.
    pub actor: &'a str,
    /// What for, such as `audit export`.
    pub action: &'a str,
}

impl Db {
    /// Appends an artifact to its tenant's chain, once per call.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn insert_artifact(
        &self,
        sealer: &TenantSealer,
        artifact: &SealedArtifact,
    ) -> Result<ArtifactWrite, StorageError> {
        if artifact.tenant != sealer.tenant() {
            return Err(StorageError::Malformed("artifact"));
        }
        self.ensure_partition(artifact.tenant, artifact.started_at)
            .await?;
        self.timed(async {
            let mut tx = self.begin(artifact.tenant).await?;
            let (last, previous) = lock_head(&mut tx).await?;
            if exists(&mut tx, artifact).await? {
                return Ok(ArtifactWrite::AlreadyStored);
            }
            let link = ChainLink {
                sequence: last + 1,
                previous,
                started_at: artifact.started_at,
                call: artifact.call,
                document: &artifact.document,
            };
            append(&mut tx, &link, sealer.chain(&link)).await?;
            tx.commit().await?;
            Ok(ArtifactWrite::Stored)
        })
        .await
    }

    /// Opens a call's artifact and logs that it was opened, or neither. `None` if there is none.
    ///
    /// # Errors
    /// [`StorageError`]; [`StorageError::Sealed`] if the document was tampered with.
    pub async fn open_artifact(
        &self,
        sealer: &TenantSealer,
        call: CallId,
        access: PhiAccess<'_>,
    ) -> Result<Option<Phi<Zeroizing<Vec<u8>>>>, StorageError> {
        self.timed(async {
            let mut tx = self.begin(sealer.tenant()).await?;
            let document = sqlx::query_scalar!(
                "SELECT a.document FROM calls c JOIN call_artifacts a USING (tenant_id, started_at, call_id) WHERE c.call_id = $1",
                call.as_uuid()
            )
            .fetch_optional(tx.connection())
            .await?;
            let Some(document) = document else { return Ok(None) };
            let opened = sealer.open(&place(call), &Sealed::from(document))?;
            log_access(&mut tx, access, "call_artifact", call.as_uuid()).await?;
            tx.commit().await?;
            Ok(Some(opened))
        })
        .await
    }

    /// Makes the partition of this month. In a transaction of its own: attaching a partition should not wait inside a write.
    async fn ensure_partition(
        &self,
        tenant: TenantId,
        started_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.timed(async {
            let mut tx = self.begin(tenant).await?;
            sqlx::query!("SELECT ensure_audit_partition($1)", started_at)
                .execute(tx.connection())
                .await?;
            tx.commit().await
        })
        .await
    }
}

/// The end of the tenant's chain, locked until the transaction ends.
async fn lock_head(tx: &mut TenantTx) -> Result<(u64, ChainMac), StorageError> {
    let head = sqlx::query!("SELECT sequence, mac FROM audit_heads FOR UPDATE")
        .fetch_one(tx.connection())
        .await?;
    Ok((head.sequence.unsigned_abs(), chain_mac(&head.mac)?))
}

pub(super) fn chain_mac(stored: &[u8]) -> Result<ChainMac, StorageError> {
    stored
        .try_into()
        .map(ChainMac)
        .map_err(|_| StorageError::Malformed("audit mac"))
}

async fn exists(tx: &mut TenantTx, artifact: &SealedArtifact) -> Result<bool, StorageError> {
    let there = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM call_artifacts WHERE tenant_id = $1 AND started_at = $2 AND call_id = $3) AS "there!""#,
        artifact.tenant.as_uuid(),
        artifact.started_at,
        artifact.call.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(there)
}

async fn append(
    tx: &mut TenantTx,
    link: &ChainLink<'_>,
    mac: ChainMac,
) -> Result<(), StorageError> {
    let sequence =
        i64::try_from(link.sequence).map_err(|_| StorageError::Malformed("audit sequence"))?;
    sqlx::query!(
        "INSERT INTO call_artifacts (tenant_id, started_at, call_id, sequence, document, previous_mac, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.tenant().as_uuid(),
        link.started_at,
        link.call.as_uuid(),
        sequence,
        link.document.as_bytes(),
        link.previous.0.as_slice(),
        mac.0.as_slice()
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "UPDATE audit_heads SET sequence = $1, mac = $2",
        sequence,
        mac.0.as_slice()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes down that patient data was opened, in the transaction that reads it.
async fn log_access(
    tx: &mut TenantTx,
    access: PhiAccess<'_>,
    subject: &str,
    id: Uuid,
) -> Result<(), StorageError> {
    sqlx::query!(
        "INSERT INTO phi_access_log (tenant_id, actor, action, subject, subject_id) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant().as_uuid(),
        access.actor,
        access.action,
        subject,
        id
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
