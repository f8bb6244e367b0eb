//! Calls whose artifact is not written yet: each admitted call is one of them until its worker, or a pod that adopts it, has written it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    claim::stored,
    keys,
    record::StoredCall,
    reply::{Words, ids, text},
    script,
};
use crate::domain::ids::{CallId, PodId, TenantId};

/// A pod's request to do an ended call's paperwork.
#[derive(Clone, Debug)]
pub enum Adoption {
    /// It is this pod's, for a while.
    Yours(Box<StoredCall>),
    /// The call lives, ended a moment ago, or another pod is at it.
    NotYet,
    /// Redis lost the call: nothing is left to write.
    Gone,
}

impl Store {
    /// Calls admitted before `before` without an artifact.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unwritten(
        &self,
        tenant: TenantId,
        before: DateTime<Utc>,
    ) -> Result<Vec<CallId>, StoreError> {
        let calls: Vec<String> = self
            .query(
                redis::cmd("ZRANGEBYSCORE")
                    .arg(keys::unwritten(tenant))
                    .arg("-inf")
                    .arg(before.timestamp_millis()),
            )
            .await?;
        ids(&calls, "unwritten call")
    }

    /// Whether the call's artifact is still to be written, by its worker or by a pod that adopts it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_unwritten(&self, tenant: TenantId, call: CallId) -> Result<bool, StoreError> {
        let admitted: Option<f64> = self
            .query(
                redis::cmd("ZSCORE")
                    .arg(keys::unwritten(tenant))
                    .arg(call.to_string()),
            )
            .await?;
        Ok(admitted.is_some())
    }

    /// Takes on an ended call's paperwork, if it ended before `ended_before`; no other pod gets it for `patience`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn adopt(
        &self,
        tenant: TenantId,
        call: CallId,
        pod: &PodId,
        ended_before: DateTime<Utc>,
        now: DateTime<Utc>,
        patience: Duration,
    ) -> Result<Adoption, StoreError> {
        let mut run = script::ADOPT.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::unwritten(tenant))
            .arg(call.to_string())
            .arg(ended_before.timestamp_millis())
            .arg(pod.as_str())
            .arg(now.timestamp_millis())
            .arg(super::millis(patience));
        let words = self.run::<Words>(&run).await?;
        match text(&words, 0)? {
            "yours" => Ok(Adoption::Yours(Box::new(stored(tenant, call, &words)?))),
            "not yet" => Ok(Adoption::NotYet),
            "gone" => Ok(Adoption::Gone),
            _ => Err(StoreError::Malformed("script reply")),
        }
    }

    /// The call's artifact is written or parked.
    ///
    /// # Errors
    /// [`StoreError`]; unsaid, a pod adopts the call and finds the artifact there.
    pub async fn written(&self, tenant: TenantId, call: CallId) -> Result<(), StoreError> {
        self.query(
            redis::cmd("ZREM")
                .arg(keys::unwritten(tenant))
                .arg(call.to_string()),
        )
        .await
    }
}
