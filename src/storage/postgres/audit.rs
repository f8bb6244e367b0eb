//! Audit artifacts: sealed, chained, written once, read under log.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Db, NewCall, StorageError, TenantTx,
    calls::{self, EndedCall},
    pending,
};
use crate::{
    domain::{
        artifact::Artifact,
        call::{Outcome, Route},
        caller::CallOrigin,
        e164::E164,
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

/// What it says of its call.
#[derive(Deserialize)]
struct Told {
    ended_at: DateTime<Utc>,
    route: Route,
    dialled: E164,
    caller: Option<E164>,
    outcome: Outcome,
}

impl SealedArtifact {
    /// Whether a holder of the clinic's keys has sealed this document for this call and time.
    #[must_use]
    pub fn is_genuine(&self, sealer: &TenantSealer) -> bool {
        self.genuine(sealer).is_some()
    }

    /// The opened document, if it is genuine.
    fn genuine(&self, sealer: &TenantSealer) -> Option<Phi<Zeroizing<Vec<u8>>>> {
        let opened = sealer.open(&place(self.call), &self.document).ok()?;
        let named: Named = serde_json::from_slice(opened.expose()).ok()?;
        let is_of_this_call = (named.tenant_id, named.call_id) == (self.tenant, self.call)
            && named.started_at.timestamp_millis() == self.started_at.timestamp_millis();
        is_of_this_call.then_some(opened)
    }

    /// The call, as the document tells of it.
    fn ended_call(&self, sealer: &TenantSealer) -> Option<EndedCall> {
        let opened = self.genuine(sealer)?;
        let told: Told = serde_json::from_slice(opened.expose()).ok()?;
        Some(EndedCall {
            begun: NewCall {
                call: self.call,
                started_at: self.started_at,
                route: told.route,
                dialled: told.dialled,
                caller: told.caller.map(Phi::new),
                // The document does not tell what came with the number.
                origin: CallOrigin::default(),
            },
            ended_at: told.ended_at,
            outcome: told.outcome,
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
    /// Appends an artifact to its tenant's chain, once per call. The call's row is made if it is missing: the document knows the call.
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
        let ended = artifact.ended_call(sealer);
        if ended.is_none() {
            tracing::warn!(call.id = %artifact.call, "an artifact does not tell of its call");
        }
        self.ensure_partition(artifact.tenant, artifact.started_at)
            .await?;
        self.healed(|| async {
            let mut tx = self.begin(artifact.tenant).await?;
            let (last, previous) = lock_head(&mut tx).await?;
            pending::forget(&mut tx, artifact.call).await?;
            if let Some(ended) = &ended {
                calls::make_if_missing(&mut tx, sealer, ended).await?;
            }
            if exists(&mut tx, artifact.call).await? {
                tx.commit().await?;
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

    /// Opens a call's artifact, whatever became of the call's row, and logs that it was opened, or neither. `None` if there is none.
    ///
    /// # Errors
    /// [`StorageError`]; [`StorageError::Sealed`] if the document was tampered with.
    pub async fn open_artifact(
        &self,
        sealer: &TenantSealer,
        call: CallId,
        access: PhiAccess<'_>,
    ) -> Result<Option<Phi<Zeroizing<Vec<u8>>>>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            let document = sqlx::query_scalar!(
                "SELECT document FROM call_artifacts WHERE call_id = $1 ORDER BY sequence LIMIT 1",
                call.as_uuid()
            )
            .fetch_optional(tx.connection())
            .await?;
            let Some(document) = document else {
                return Ok(None);
            };
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
        self.healed(|| async {
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
pub(super) async fn lock_head(tx: &mut TenantTx) -> Result<(u64, ChainMac), StorageError> {
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

/// By the call alone: two pods may remember its admission differently.
async fn exists(tx: &mut TenantTx, call: CallId) -> Result<bool, StorageError> {
    let there = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM call_artifacts WHERE call_id = $1) AS "there!""#,
        call.as_uuid()
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
