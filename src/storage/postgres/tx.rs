//! The only way to a tenant's rows.

use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::StorageError;
use crate::domain::ids::TenantId;

/// A transaction in which row level security shows one tenant. Dropped without [`Self::commit`] it rolls back.
pub(super) struct TenantTx {
    tenant: TenantId,
    tx: Transaction<'static, Postgres>,
}

impl TenantTx {
    /// Begins and sets the tenant, for this transaction only.
    pub(super) async fn begin(pool: &PgPool, tenant: TenantId) -> Result<Self, StorageError> {
        Self::begin_and_look(pool, tenant).await.map(|(tx, _)| tx)
    }

    /// Also says whether the server takes no writes. With the tenant in one statement, so that the look costs nothing.
    pub(super) async fn begin_and_look(
        pool: &PgPool,
        tenant: TenantId,
    ) -> Result<(Self, bool), StorageError> {
        let mut tx = pool.begin().await?;
        let begun = sqlx::query!(
            r#"SELECT set_config('app.tenant_id', $1, true) AS tenant, current_setting('transaction_read_only') = 'on' AS "is_read_only!""#,
            tenant.to_string()
        )
        .fetch_one(&mut *tx)
        .await?;
        Ok((Self { tenant, tx }, begun.is_read_only))
    }

    pub(super) fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Where statements run.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    pub(super) async fn commit(self) -> Result<(), StorageError> {
        self.tx.commit().await.map_err(StorageError::of_commit)
    }

    /// Waits until no other transaction holds this practitioner's calendar. Held to the end of the transaction. Without it two inserts into
    /// one exclusion constraint can wait for each other until the deadlock detector ends one.
    pub(super) async fn lock_calendar(
        &mut self,
        provider: crate::domain::ids::ProviderId,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtextextended('calendar ' || $1, 0))",
            provider.to_string()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
