//! Concurrent calls of a tenant. An unconfirmed slot expires by itself; a confirmed one is renewed while the call lives.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, keys, script};
use crate::domain::ids::{CallId, Returns, TenantId};

impl Store {
    /// Ends the call's record and frees its slot. Returns whether this call of `release` freed it: exactly one does, however often and by whomever it is asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release(
        &self,
        tenant: TenantId,
        call: CallId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.end_leg(tenant, call, None, now).await
    }

    /// As [`Store::release`], for the end of this leg: it means nothing to a call that has a newer one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_leg(
        &self,
        tenant: TenantId,
        call: CallId,
        leg: Returns,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.end_leg(tenant, call, Some(leg), now).await
    }

    async fn end_leg(
        &self,
        tenant: TenantId,
        call: CallId,
        leg: Option<Returns>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut run = script::RELEASE.prepare_invoke();
        keys::of_call(&mut run, tenant, call)
            .arg(call.to_string())
            .arg(now.timestamp_millis())
            .arg(leg.map_or_else(String::new, |leg| leg.0.to_string()));
        self.run(&run).await
    }

    /// Holds a live call's slot for another `redis.slot_ttl_secs`. Returns `false` if the call is over or unknown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_slot(
        &self,
        tenant: TenantId,
        call: CallId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut run = script::RENEW_SLOT.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::slots(tenant))
            .arg(call.to_string())
            .arg(self.slot_until_ms(now))
            .arg(self.session_ttl_ms());
        self.run(&run).await
    }

    /// Slots in use.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn slots_in_use(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let after = format!("({}", now.timestamp_millis());
        self.query(
            redis::cmd("ZCOUNT")
                .arg(keys::slots(tenant))
                .arg(after)
                .arg("+inf"),
        )
        .await
    }
}
