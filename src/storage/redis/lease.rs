//! Signs of life of a call's worker, and the end of them.
//!
//! A lease is a counter under the call's epoch. Its worker raises it; a dispatcher that has seen it unchanged for a full period, while Redis answered, lets it lapse by
//! compare-and-set on epoch and counter. Then the call has a new epoch: the old worker is fenced out of every write.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError, WriteError, keys,
    reply::{Words, fenced, number, text},
    script,
};
use crate::domain::ids::{CallId, Epoch, TenantId};

/// A worker's last sign of life, as a dispatcher sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Whose.
    pub epoch: Epoch,
    /// How often it was raised.
    pub counter: u64,
}

/// What became of a call that was to be taken from its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapse {
    /// It had not been answered: it waits again, as old as before, under this epoch.
    Waiting(Epoch),
    /// It was in conversation: it needs another agent, under this epoch.
    Orphaned(Epoch),
    /// It had said its last words: only its room is left to be closed.
    Ended,
    /// Somebody owns it, or it ended.
    Kept,
    /// Redis does not know it.
    Unknown,
}

impl Store {
    /// Raises the call's counter and returns it.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call, [`WriteError::Over`] if it has ended.
    pub async fn raise_lease(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
    ) -> Result<u64, WriteError> {
        let mut run = script::RAISE_LEASE.prepare_invoke();
        keys::of_call(&mut run, tenant, call)
            .arg(call.to_string())
            .arg(epoch.0)
            .arg(self.session_ttl_ms());
        let words = fenced(self.run::<Words>(&run).await?)?;
        Ok(number(&words, 1)?)
    }

    /// Gives a served call that has no lease one that its worker raises or that lapses. Returns whether it had none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lend_lease(&self, tenant: TenantId, call: CallId) -> Result<bool, StoreError> {
        let mut run = script::LEND_LEASE.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::leases(tenant))
            .arg(call.to_string())
            .arg(self.session_ttl_ms());
        self.run(&run).await
    }

    /// Takes a call from a worker whose lease is still exactly this one.
    ///
    /// # Errors
    /// [`StoreError`]; asking again is safe.
    pub async fn lapse(
        &self,
        tenant: TenantId,
        call: CallId,
        seen: Lease,
        now: DateTime<Utc>,
    ) -> Result<Lapse, StoreError> {
        self.take_from(tenant, call, seen.epoch, seen.counter.to_string(), now)
            .await
    }

    /// A worker gives its call back: it cannot warm up, or has lost the room.
    ///
    /// # Errors
    /// [`StoreError`]; asking again is safe, and without it the lease lapses.
    pub async fn surrender(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        now: DateTime<Utc>,
    ) -> Result<Lapse, StoreError> {
        self.take_from(tenant, call, epoch, String::new(), now)
            .await
    }

    async fn take_from(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        counter: String,
        now: DateTime<Utc>,
    ) -> Result<Lapse, StoreError> {
        let mut run = script::LAPSE.prepare_invoke();
        keys::of_call(&mut run, tenant, call)
            .arg(call.to_string())
            .arg(epoch.0)
            .arg(counter)
            .arg(now.timestamp_millis())
            .arg(self.session_ttl_ms());
        let words = self.run::<Words>(&run).await?;
        Ok(match text(&words, 0)? {
            "waiting" => Lapse::Waiting(Epoch(number(&words, 1)?)),
            "orphaned" => Lapse::Orphaned(Epoch(number(&words, 1)?)),
            "ended" => Lapse::Ended,
            "kept" => Lapse::Kept,
            "unknown" => Lapse::Unknown,
            _ => return Err(StoreError::Malformed("script reply")),
        })
    }
}
