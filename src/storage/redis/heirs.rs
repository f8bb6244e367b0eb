//! Hand-over: a worker that must go names an heir, and yields to it between two turns.

use chrono::{DateTime, Utc};

use super::{
    Store, WriteError, keys,
    reply::{Words, fenced, number},
    script,
};
use crate::domain::ids::{CallId, Epoch, TenantId};

impl Store {
    /// Asks for an heir and returns the epoch that it will claim and inherit. Asked again, an earlier heir can no longer inherit.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call, [`WriteError::Over`] if it is not in conversation.
    pub async fn hand_over(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        now: DateTime<Utc>,
    ) -> Result<Epoch, WriteError> {
        let mut run = script::HAND_OVER.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::heirs(tenant))
            .key(keys::offers(tenant))
            .arg(call.to_string())
            .arg(epoch.0)
            .arg(now.timestamp_millis())
            .arg(self.session_ttl_ms());
        let words = fenced(self.run::<Words>(&run).await?)?;
        Ok(Epoch(number(&words, 1)?))
    }

    /// Gives the call to its heir. From here on the old epoch is fenced.
    ///
    /// # Errors
    /// [`WriteError::Over`] if nobody has claimed the inheritance; [`WriteError::Fenced`] if the call is not ours any more (also after a yield whose answer was lost).
    pub async fn yield_to(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        heir: Epoch,
    ) -> Result<(), WriteError> {
        let mut run = script::YIELD.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::leases(tenant))
            .key(keys::heirs(tenant))
            .arg(call.to_string())
            .arg(epoch.0)
            .arg(heir.0)
            .arg(self.session_ttl_ms());
        fenced(self.run::<Words>(&run).await?).map(drop)
    }
}
