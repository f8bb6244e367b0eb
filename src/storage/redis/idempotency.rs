//! Results of mutations, sealed, for quick repeats. Postgres decides; this only spares it the question.

use std::time::Duration;

use super::{Store, StoreError, keys, millis};
use crate::domain::ids::TenantId;

impl Store {
    /// The sealed result of an earlier run under this key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recall(&self, tenant: TenantId, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.query(redis::cmd("GET").arg(keys::idempotency(tenant, key)))
            .await
    }

    /// Keeps a sealed result for `ttl`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember(
        &self,
        tenant: TenantId,
        key: &str,
        sealed: &[u8],
        ttl: Duration,
    ) -> Result<(), StoreError> {
        self.query(
            redis::cmd("SET")
                .arg(keys::idempotency(tenant, key))
                .arg(sealed)
                .arg("PX")
                .arg(millis(ttl)),
        )
        .await
    }
}
