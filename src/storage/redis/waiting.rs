//! Tenants with calls, through a derived index, and what waits and lives in all of them.
//!
//! The tenants' keys lie in their hash slots, the index in one of its own, so no script writes both. A tenant is named with each admission and with each sign of life of
//! its calls; one with nothing left is dropped when it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, keys};
use crate::domain::ids::TenantId;

impl Store {
    /// Says that a tenant has calls.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_busy(&self, tenant: TenantId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let at = now.timestamp_millis();
        self.query::<()>(
            redis::cmd("ZADD")
                .arg(keys::BUSY)
                .arg(at)
                .arg(tenant.to_string()),
        )
        .await?;
        self.query(
            redis::cmd("PEXPIRE")
                .arg(keys::BUSY)
                .arg(self.session_ttl_ms()),
        )
        .await
    }

    /// Tenants that the index names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn busy_tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let tenants: Vec<String> = self
            .query(redis::cmd("ZRANGE").arg(keys::BUSY).arg(0).arg(-1))
            .await?;
        tenants
            .iter()
            .map(|id| id.parse().map_err(|_| StoreError::Malformed("busy index")))
            .collect()
    }

    /// Drops a tenant that nobody has named for `silence` and that has nothing left: no call in any state, no artifact to write.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_if_idle(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
        silence: Duration,
    ) -> Result<(), StoreError> {
        let named: Option<i64> = self
            .query(redis::cmd("ZSCORE").arg(keys::BUSY).arg(tenant.to_string()))
            .await?;
        let since = now
            .timestamp_millis()
            .saturating_sub_unsigned(super::millis(silence));
        if named.is_none_or(|at| at > since) || !self.is_idle(tenant).await? {
            return Ok(());
        }
        self.query::<()>(redis::cmd("ZREM").arg(keys::BUSY).arg(tenant.to_string()))
            .await?;
        // A call may have come in between, after its tenant was named: name it again.
        if !self.is_idle(tenant).await? {
            self.mark_busy(tenant, now).await?;
        }
        Ok(())
    }

    async fn is_idle(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let unwritten: usize = self
            .query(redis::cmd("ZCARD").arg(keys::unwritten(tenant)))
            .await?;
        Ok(unwritten == 0 && self.survey(tenant).await?.is_idle())
    }
}
