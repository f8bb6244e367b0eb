//! Signs of life of a call's worker.

use super::{
    Store, StoreError, WriteError, keys,
    reply::{Words, fenced, number},
    script,
};
use crate::domain::ids::{CallId, Epoch, TenantId};

impl Store {
    /// Raises the call's counter and returns it. A dispatcher that sees it unchanged for a full period, while Redis answered, takes the call over.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call.
    pub async fn raise_lease(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
    ) -> Result<u64, WriteError> {
        let mut run = script::RAISE_LEASE.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::lease(tenant, call))
            .arg(epoch.0)
            .arg(self.session_ttl_ms());
        let words = fenced(self.run::<Words>(&run).await?)?;
        Ok(number(&words, 1)?)
    }

    /// The counter as it stands; 0 before the first sign.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease(&self, tenant: TenantId, call: CallId) -> Result<u64, StoreError> {
        let counter: Option<u64> = self
            .query(redis::cmd("GET").arg(keys::lease(tenant, call)))
            .await?;
        Ok(counter.unwrap_or_default())
    }
}
