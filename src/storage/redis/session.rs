//! A call's conversation, sealed.

use super::{
    Store, StoreError, WriteError, keys,
    reply::{Words, fenced},
    script,
};
use crate::domain::ids::{CallId, Epoch, TenantId};

/// The last saved state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who saved it.
    pub epoch: Epoch,
    /// The sealed state.
    pub state: Vec<u8>,
}

impl Store {
    /// Saves the sealed state, over the state of the same or an older epoch.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call; never [`WriteError::Unknown`]: a live call goes on after Redis lost its record.
    pub async fn save_session(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        sealed: &[u8],
    ) -> Result<(), WriteError> {
        let mut run = script::SAVE_SESSION.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::session(tenant, call))
            .arg(epoch.0)
            .arg(sealed)
            .arg(self.session_ttl_ms());
        fenced(self.run::<Words>(&run).await?).map(drop)
    }

    /// The last saved state; `None` in a call's first epoch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load_session(
        &self,
        tenant: TenantId,
        call: CallId,
    ) -> Result<Option<Session>, StoreError> {
        let (epoch, state): (Option<u32>, Option<Vec<u8>>) = self
            .query(
                redis::cmd("HMGET")
                    .arg(keys::session(tenant, call))
                    .arg("epoch")
                    .arg("state"),
            )
            .await?;
        Ok(epoch.zip(state).map(|(epoch, state)| Session {
            epoch: Epoch(epoch),
            state,
        }))
    }
}
