//! Tenants' data keys.

use super::{Admin, StorageError, TenantTx};
use crate::{
    domain::ids::TenantId,
    security::{DataKey, TenantSealer, WrappedKey},
    storage::postgres::{clinic::load_keys, patients::index_all},
};

impl Admin {
    /// Wraps every data key anew that an older master key wraps. Returns how many; afterwards the older master keys may leave the key file.
    ///
    /// # Errors
    /// [`StorageError`]; what was done stays, doing it again goes on.
    pub async fn rewrap_keys(&self) -> Result<usize, StorageError> {
        let mut done = 0;
        for tenant in self.tenants().await? {
            let mut tx = self.begin(tenant.id).await?;
            for key in load_keys(&mut tx)
                .await?
                .iter()
                .filter(|key| self.keyring.is_stale(key))
            {
                let fresh = self
                    .keyring
                    .wrap(tenant.id, &self.keyring.unwrap_key(tenant.id, key)?);
                store(&mut tx, &fresh).await?;
                done += 1;
            }
            tx.commit().await?;
        }
        Ok(done)
    }

    /// Indexes the patients' names that a version before `name_index` stored. Returns how many; without it they are indexed little by little, as bookings come.
    ///
    /// # Errors
    /// [`StorageError`]; clinics that were done stay done, doing it again goes on.
    pub async fn index_names(&self) -> Result<usize, StorageError> {
        let mut done = 0;
        for tenant in self.tenants().await? {
            let mut tx = self.begin(tenant.id).await?;
            let keys = load_keys(&mut tx).await?;
            let keys = keys
                .iter()
                .map(|key| self.keyring.unwrap_key(tenant.id, key));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            let Some(sealer) = TenantSealer::new(tenant.id, &keys) else {
                continue;
            };
            done += index_all(&mut tx, &sealer).await?;
            tx.commit().await?;
        }
        Ok(done)
    }

    /// Gives a tenant its first data key, unless it has one.
    pub(super) async fn ensure_key(
        &self,
        tx: &mut TenantTx,
        tenant: TenantId,
    ) -> Result<(), StorageError> {
        if load_keys(tx).await?.is_empty() {
            store(tx, &self.keyring.wrap(tenant, &DataKey::generate(1))).await?;
        }
        Ok(())
    }
}

async fn store(tx: &mut TenantTx, key: &WrappedKey) -> Result<(), StorageError> {
    let id = i32::try_from(key.id).map_err(|_| StorageError::Malformed("key id"))?;
    sqlx::query!(
        "INSERT INTO tenant_keys (tenant_id, key_id, wrapped) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, key_id) DO UPDATE SET wrapped = EXCLUDED.wrapped",
        tx.tenant().as_uuid(),
        id,
        key.wrapped.as_bytes()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
