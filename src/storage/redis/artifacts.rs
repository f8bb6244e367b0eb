//! Sealed call artifacts that wait for Postgres: the one thing here that must not expire.

use super::{Store, StoreError, keys, reply::ids};
use crate::domain::ids::{CallId, TenantId};

impl Store {
    /// Parks a call's sealed artifact until Postgres takes it. The first one stays.
    ///
    /// # Errors
    /// [`StoreError`]; parking again is safe.
    pub async fn park_artifact(
        &self,
        tenant: TenantId,
        call: CallId,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        self.query::<()>(
            redis::cmd("SADD")
                .arg(keys::ARTIFACTS)
                .arg(tenant.to_string()),
        )
        .await?;
        self.query(
            redis::cmd("HSETNX")
                .arg(keys::artifacts(tenant))
                .arg(call.to_string())
                .arg(sealed),
        )
        .await
    }

    /// Tenants with parked artifacts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenants_with_artifacts(&self) -> Result<Vec<TenantId>, StoreError> {
        let tenants: Vec<String> = self
            .query(redis::cmd("SMEMBERS").arg(keys::ARTIFACTS))
            .await?;
        ids(&tenants, "artifact index")
    }

    /// Calls of a tenant whose artifacts are parked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn parked_artifacts(&self, tenant: TenantId) -> Result<Vec<CallId>, StoreError> {
        let calls: Vec<String> = self
            .query(redis::cmd("HKEYS").arg(keys::artifacts(tenant)))
            .await?;
        ids(&calls, "artifact index")
    }

    /// One parked artifact, sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn parked_artifact(
        &self,
        tenant: TenantId,
        call: CallId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.query(
            redis::cmd("HGET")
                .arg(keys::artifacts(tenant))
                .arg(call.to_string()),
        )
        .await
    }

    /// Drops a parked artifact once Postgres holds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unpark_artifact(&self, tenant: TenantId, call: CallId) -> Result<(), StoreError> {
        self.query::<()>(
            redis::cmd("HDEL")
                .arg(keys::artifacts(tenant))
                .arg(call.to_string()),
        )
        .await?;
        self.forget_if_none_parked(tenant).await
    }

    /// Takes a tenant out of the index that has no parked artifact any more.
    ///
    /// # Errors
    /// [`StoreError`]; the index may name a tenant too many.
    pub(super) async fn forget_if_none_parked(&self, tenant: TenantId) -> Result<(), StoreError> {
        if self.parked_count(tenant).await? > 0 {
            return Ok(());
        }
        self.query::<()>(
            redis::cmd("SREM")
                .arg(keys::ARTIFACTS)
                .arg(tenant.to_string()),
        )
        .await?;
        // Somebody may have parked one in between, after naming the tenant: name it again.
        if self.parked_count(tenant).await? > 0 {
            self.query::<()>(
                redis::cmd("SADD")
                    .arg(keys::ARTIFACTS)
                    .arg(tenant.to_string()),
            )
            .await?;
        }
        Ok(())
    }

    async fn parked_count(&self, tenant: TenantId) -> Result<usize, StoreError> {
        self.query(redis::cmd("HLEN").arg(keys::artifacts(tenant)))
            .await
    }
}
