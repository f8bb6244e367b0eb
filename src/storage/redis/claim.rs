//! Who serves a call.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError, keys,
    record::StoredCall,
    reply::{Words, text},
    script,
};
use crate::domain::ids::{CallId, Epoch, PodId, TenantId};

/// A claim's result.
#[derive(Clone, Debug)]
pub enum Claim {
    /// This job serves the call: a new one, or a conversation that lost its agent.
    Won(Box<StoredCall>),
    /// This job is to inherit the call once its worker yields ([`Store::hand_over`]). The record's epoch is still the worker's.
    Heir(Box<StoredCall>),
    /// Another job has it, its epoch has passed, or it is over: report success, do not join.
    Lost,
    /// No such call was admitted (or Redis lost it): refuse the room.
    Unknown,
}

impl Store {
    /// Claims a waiting or orphaned call by compare-and-set on (call, epoch). `job` is LiveKit's id of the assignment: of two jobs for one dispatch, even on the same pod, one wins; asking
    /// again for the same job gives the same answer. The first claim of a call, at its `now`, is the zero of the call's clock.
    ///
    /// # Errors
    /// [`StoreError`]; the claim may have been won: ask again.
    pub async fn claim(
        &self,
        tenant: TenantId,
        call: CallId,
        epoch: Epoch,
        pod: &PodId,
        job: &str,
        now: DateTime<Utc>,
    ) -> Result<Claim, StoreError> {
        let mut run = script::CLAIM.prepare_invoke();
        run.key(keys::record(tenant, call))
            .key(keys::queue(tenant))
            .key(keys::orphans(tenant))
            .key(keys::offers(tenant))
            .key(keys::leases(tenant))
            .key(keys::heirs(tenant))
            .arg(call.to_string())
            .arg(epoch.0)
            .arg(format!("{} {job}", pod.as_str()))
            .arg(self.session_ttl_ms())
            .arg(now.timestamp_millis());
        let words = self.run::<Words>(&run).await?;
        match text(&words, 0)? {
            "won" => Ok(Claim::Won(Box::new(stored(tenant, call, &words)?))),
            "heir" => Ok(Claim::Heir(Box::new(stored(tenant, call, &words)?))),
            "lost" => Ok(Claim::Lost),
            "unknown" => Ok(Claim::Unknown),
            _ => Err(StoreError::Malformed("script reply")),
        }
    }
}

/// The record behind a script's first word.
pub(super) fn stored(
    tenant: TenantId,
    call: CallId,
    words: &[Vec<u8>],
) -> Result<StoredCall, StoreError> {
    StoredCall::from_fields(tenant, call, &pairs(words)?)
}

/// The words after the first, as fields and values.
fn pairs(words: &[Vec<u8>]) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    let mut fields = HashMap::new();
    for pair in words[1..].chunks_exact(2) {
        let name =
            String::from_utf8(pair[0].clone()).map_err(|_| StoreError::Malformed("call record"))?;
        fields.insert(name, pair[1].clone());
    }
    Ok(fields)
}
