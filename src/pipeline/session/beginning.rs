//! How a conversation begins on a pod.

use crate::{
    domain::tenant::TenantProfile,
    pipeline::{
        snapshot::Restored,
        standby::Overheard,
        turn::{EndReason, Input, Opening},
    },
};

/// How the conversation begins here.
#[derive(Debug)]
pub enum Beginning {
    /// It rings.
    New,
    /// Another pod had it and is gone, or a person did not take it.
    TakenOver(Restored),
    /// Another pod gave it away; what was heard meanwhile.
    HandedOver(Restored, Overheard),
}

impl Beginning {
    /// Why the conversation was ending when its pod went, if all that is left is to end it.
    #[must_use]
    pub fn parting(&self, profile: &TenantProfile) -> Option<EndReason> {
        match self {
            Self::TakenOver(restored) => restored.parting(profile),
            Self::New | Self::HandedOver(..) => None,
        }
    }

    /// How the agent begins, with what it knows and what it has heard already.
    pub(super) fn into_parts(self) -> (Opening, Restored, Vec<Input>) {
        match self {
            Self::New => (Opening::Greeting, Restored::default(), Vec::new()),
            Self::TakenOver(restored) if restored.is_blank() => {
                (Opening::Greeting, restored, Vec::new())
            }
            Self::TakenOver(restored) if restored.is_back() => {
                (Opening::Return, restored, Vec::new())
            }
            Self::TakenOver(restored) => (Opening::Apology, restored, Vec::new()),
            Self::HandedOver(restored, overheard) => {
                let mut inputs = vec![Input::CallerActive];
                inputs.extend(overheard.into_inputs());
                (Opening::Quiet, restored, inputs)
            }
        }
    }
}
