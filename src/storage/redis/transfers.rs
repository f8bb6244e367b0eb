//! A call that was sent to a person: the person's briefing, what became of it, and the caller's way back to an agent.
//!
//! While nobody knows yet whether the person takes the call, its artifact is *held*: parked, but not brought home to Postgres, because a caller who comes back goes on with
//! the same call, and a call has one artifact.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError, WriteError, keys,
    record::next_text,
    reply::{Words, fenced, ids, number, text},
    script,
};
use crate::domain::{
    call::{NextStep, TransferResult},
    e164::E164,
    ids::{CallId, Epoch, Returns, RoomName, TenantId},
};

/// A caller comes back this often at most; then they are told that nobody is there.
const MOST_RETURNS: u32 = 3;

/// What became of the wish to go on with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return {
    /// It waits for an agent in the new room.
    Back,
    /// It was brought back before, into this room.
    Repeated(RoomName),
    /// It is in no transfer, came back too often, or its artifact is written: its conversation is over.
    Over,
}

impl Store {
    /// Records that a person is called next, and the sealed words for them; written before the leg is ended.
    ///
    /// # Errors
    /// [`WriteError::Fenced`] if a newer epoch owns the call.
    pub async fn set_transfer(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        to: &E164,
        briefing: &[u8],
    ) -> Result<(), WriteError> {
        let mut run = script::SET_NEXT.prepare_invoke();
        run.key(keys::record(tenant, call))
            .arg(epoch.0)
            .arg(next_text(&NextStep::Transfer { to: to.clone() }))
            .arg(self.session_ttl_ms())
            .arg(briefing);
        fenced(self.run::<Words>(&run).await?).map(drop)
    }

    /// The sealed words for the person; `None` if the call is in no transfer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn briefing(
        &self,
        tenant: TenantId,
        call: CallId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.query(
            redis::cmd("HGET")
                .arg(keys::record(tenant, call))
                .arg("briefing"),
        )
        .await
    }

    /// Parks a call's sealed artifact, not to be brought home before `patience` is over or the transfer is settled.
    ///
    /// # Errors
    /// [`StoreError`]; holding again is safe.
    pub async fn hold_artifact(
        &self,
        tenant: TenantId,
        call: CallId,
        sealed: &[u8],
        now: DateTime<Utc>,
        patience: Duration,
    ) -> Result<(), StoreError> {
        let until = now + patience;
        self.query::<()>(
            redis::cmd("ZADD")
                .arg(keys::held(tenant))
                .arg(until.timestamp_millis())
                .arg(call.to_string()),
        )
        .await?;
        self.query::<()>(
            redis::cmd("PEXPIRE")
                .arg(keys::held(tenant))
                .arg(self.session_ttl_ms()),
        )
        .await?;
        self.park_artifact(tenant, call, sealed).await
    }

    /// Calls of a tenant whose parked artifacts must stay where they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn held_artifacts(
        &self,
        tenant: TenantId,
        now: DateTime<Utc>,
    ) -> Result<HashSet<CallId>, StoreError> {
        let calls: Vec<String> = self
            .query(
                redis::cmd("ZRANGEBYSCORE")
                    .arg(keys::held(tenant))
                    .arg(format!("({}", now.timestamp_millis()))
                    .arg("+inf"),
            )
            .await?;
        ids(&calls, "held artifact")
    }

    /// Notes what became of a transfer after which the caller does not come back. Returns whether this call of `settle` noted it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle_transfer(
        &self,
        tenant: TenantId,
        call: CallId,
        result: TransferResult,
    ) -> Result<bool, StoreError> {
        let mut run = script::SETTLE.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::held(tenant))
            .arg(call.to_string())
            .arg(result.as_str());
        self.run(&run).await
    }

    /// Goes on with a call that a person did not take, in a new room. `returns` names the leg that was before the transfer: asked twice for one, it answers the same.
    ///
    /// # Errors
    /// [`StoreError`]; asking again is safe.
    pub async fn bring_back(
        &self,
        tenant: TenantId,
        call: CallId,
        returns: Returns,
        result: TransferResult,
        room: &RoomName,
        now: DateTime<Utc>,
    ) -> Result<Return, StoreError> {
        let mut run = script::BRING_BACK.prepare_invoke();
        keys::of_call(&mut run, tenant, call)
            .key(keys::unwritten(tenant))
            .key(keys::artifacts(tenant))
            .key(keys::held(tenant))
            .arg(call.to_string())
            .arg(returns.0)
            .arg(result.as_str())
            .arg(room.as_str())
            .arg(now.timestamp_millis())
            .arg(self.slot_until_ms(now))
            .arg(self.session_ttl_ms())
            .arg(MOST_RETURNS);
        let words = self.run::<Words>(&run).await?;
        match text(&words, 0)? {
            "back" => {
                if let Err(error) = self.forget_if_none_parked(tenant).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "the index names a tenant too many"
                    );
                }
                Ok(Return::Back)
            }
            "repeated" => Ok(Return::Repeated(number(&words, 1)?)),
            "over" | "unknown" => Ok(Return::Over),
            _ => Err(StoreError::Malformed("script reply")),
        }
    }
}
