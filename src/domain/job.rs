//! What a dispatch tells the worker.

use serde::{Deserialize, Serialize};

use super::ids::{CallId, Epoch, TenantId};

/// The metadata of a LiveKit job: which admitted call, and in which epoch. It names, it does not prove: the worker claims the call in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobMetadata {
    /// The clinic.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// The dispatch.
    pub epoch: Epoch,
}

impl JobMetadata {
    /// As written into `CreateDispatch`.
    #[must_use]
    pub fn to_json(self) -> String {
        serde_json::json!(self).to_string()
    }

    /// As read from a job; `None` if it is not one of ours.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_survives_its_own_parser_and_foreign_text_does_not() {
        let job = JobMetadata {
            tenant: TenantId::generate(),
            call: CallId::generate(),
            epoch: Epoch::FIRST,
        };
        assert_eq!(JobMetadata::from_json(&job.to_json()), Some(job));
        for foreign in ["", "{}", r#"{"tenant":"x"}"#, "null"] {
            assert_eq!(JobMetadata::from_json(foreign), None);
        }
    }
}
