//! Artifacts of calls that are with a person: sealed, not in the chain yet, because the caller may come back and go on with the same call (ADR 0021).

use chrono::{DateTime, Utc};

use super::{Db, SealedArtifact, StorageError, TenantTx};
use crate::domain::ids::{CallId, TenantId};

/// One of them.
#[derive(Clone, Debug)]
pub struct PendingArtifact {
    /// As it was sealed when the person was called.
    pub artifact: SealedArtifact,
    /// When it was to go into the chain.
    pub due_at: DateTime<Utc>,
}

/// Taken at a time.
const BATCH: i64 = 100;

impl Db {
    /// Keeps a call's artifact until it is due. The newest stays: a call may be sent to a person again. One that is in the chain is not kept.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn keep_artifact(
        &self,
        artifact: &SealedArtifact,
        due_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(artifact.tenant).await?;
            sqlx::query!(
                "INSERT INTO pending_artifacts (tenant_id, call_id, sealed, due_at)
                 SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM call_artifacts WHERE call_id = $2)
                 ON CONFLICT (tenant_id, call_id) DO UPDATE SET sealed = EXCLUDED.sealed, due_at = EXCLUDED.due_at",
                artifact.tenant.as_uuid(),
                artifact.call.as_uuid(),
                artifact.to_bytes(),
                due_at
            )
            .execute(tx.connection())
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Sets when a kept artifact goes into the chain: at once when the caller does not come back, later when they did. Nothing happens if none is kept.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn reschedule_artifact(
        &self,
        tenant: TenantId,
        call: CallId,
        due_at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            sqlx::query!(
                "UPDATE pending_artifacts SET due_at = $2 WHERE call_id = $1",
                call.as_uuid(),
                due_at
            )
            .execute(tx.connection())
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Clinics with artifacts that are due.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn tenants_with_due_artifacts(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.healed(|| async {
            let mut connection = self.pool.acquire().await?;
            let tenants = sqlx::query_scalar!(
                r#"SELECT tenant AS "tenant!" FROM tenants_with_due_artifacts($1) AS tenant"#,
                now
            )
            .fetch_all(&mut *connection)
            .await?;
            Ok(tenants.into_iter().map(TenantId::from).collect())
        })
        .await
    }

    /// A clinic's artifacts that are due, the longest waiting first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn due_artifacts(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<Vec<PendingArtifact>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let rows = sqlx::query!(
                "SELECT sealed, due_at FROM pending_artifacts WHERE due_at <= $1 ORDER BY due_at LIMIT $2",
                now,
                BATCH
            )
            .fetch_all(tx.connection())
            .await?;
            let pending = rows.into_iter().map(|row| {
                Ok(PendingArtifact {
                    artifact: SealedArtifact::from_bytes(&row.sealed)
                        .ok_or(StorageError::Malformed("pending artifact"))?,
                    due_at: row.due_at,
                })
            });
            pending.collect()
        })
        .await
    }
}

/// The call's artifact is in the chain: what was kept of it is not wanted any more.
pub(super) async fn forget(tx: &mut TenantTx, call: CallId) -> Result<(), StorageError> {
    sqlx::query!(
        "DELETE FROM pending_artifacts WHERE call_id = $1",
        call.as_uuid()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
