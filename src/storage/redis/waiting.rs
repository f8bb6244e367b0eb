//! The waiting calls of all tenants, through a derived index of tenants.
//!
//! The queues lie in the tenants' hash slots, the index in one of its own, so no script writes both. A queue without an index entry is found again by the next sign
//! ([`Store::mark_waiting`], sent with every dispatch) or by [`Store::repair_waiting`]; an entry without a queue is dropped when it is read.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, keys};
use crate::domain::ids::TenantId;

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Calls in all queues.
    pub calls: usize,
    /// When the oldest of them was admitted.
    pub oldest: Option<DateTime<Utc>>,
}

impl Store {
    /// Says that a tenant has a waiting call.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_waiting(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let at = now.timestamp_millis();
        self.query::<()>(
            redis::cmd("ZADD")
                .arg(keys::WAITING)
                .arg(at)
                .arg(tenant.to_string()),
        )
        .await?;
        self.query(
            redis::cmd("PEXPIRE")
                .arg(keys::WAITING)
                .arg(self.session_ttl_ms()),
        )
        .await
    }

    /// Tenants that the index names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenants_waiting(&self) -> Result<Vec<TenantId>, StoreError> {
        let tenants: Vec<String> = self
            .query(redis::cmd("ZRANGE").arg(keys::WAITING).arg(0).arg(-1))
            .await?;
        tenants
            .iter()
            .map(|id| {
                id.parse()
                    .map_err(|_| StoreError::Malformed("waiting index"))
            })
            .collect()
    }

    /// Counts waiting calls younger than `max_age` (an older entry was left by a dead gateway) and drops index entries of empty queues.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(
        &self,
        now: DateTime<Utc>,
        max_age: Duration,
    ) -> Result<Waiting, StoreError> {
        let since = now
            .timestamp_millis()
            .saturating_sub_unsigned(super::millis(max_age));
        let mut all = Waiting::default();
        for tenant in self.tenants_waiting().await? {
            let queue = self.queued_since(tenant, since).await?;
            if queue.is_empty() {
                self.forget_if_empty(tenant, now).await?;
            }
            all.calls += queue.len();
            let oldest = queue
                .first()
                .and_then(|(_, at)| DateTime::from_timestamp_millis(*at as i64));
            all.oldest = all.oldest.into_iter().chain(oldest).min();
        }
        Ok(all)
    }

    /// Puts tenants back into the index whose queues are not empty.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn repair_waiting(
        &self,
        known: &[TenantId],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for tenant in known {
            if self.queue_len(*tenant).await? > 0 {
                self.mark_waiting(*tenant, now).await?;
            }
        }
        Ok(())
    }

    async fn queued_since(
        &self,
        tenant: TenantId,
        since_ms: i64,
    ) -> Result<Vec<(String, f64)>, StoreError> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        self.query(
            command
                .arg(keys::queue(tenant))
                .arg(since_ms)
                .arg("+inf")
                .arg("WITHSCORES"),
        )
        .await
    }

    async fn queue_len(&self, tenant: TenantId) -> Result<usize, StoreError> {
        self.query(redis::cmd("ZCARD").arg(keys::queue(tenant)))
            .await
    }

    async fn forget_if_empty(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if self.queue_len(tenant).await? > 0 {
            return Ok(());
        }
        self.query::<()>(
            redis::cmd("ZREM")
                .arg(keys::WAITING)
                .arg(tenant.to_string()),
        )
        .await?;
        // A call may have come in between, after its tenant was named: name it again.
        if self.queue_len(tenant).await? > 0 {
            self.mark_waiting(tenant, now).await?;
        }
        Ok(())
    }
}
