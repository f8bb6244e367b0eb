//! What can go wrong with a call on its pod, by what becomes of the call.

use crate::{
    pipeline::snapshot::SnapshotError,
    providers::ProviderError,
    room::RoomError,
    storage::{
        postgres::StorageError,
        redis::{SealError, StoreError},
    },
};

/// Why a call could not be served.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// Redis did not answer the claim: another dispatch will find it.
    #[error("claim the call")]
    Claim(#[source] StoreError),
    /// The room's job names no admitted call, or another room.
    #[error("the room belongs to no admitted call")]
    NotAdmitted,
    /// The clinic could not be loaded.
    #[error("load the clinic")]
    Clinic(#[source] StorageError),
    /// The tenant of an admitted call does not exist.
    #[error("the clinic does not exist")]
    NoClinic,
    /// The record's caller could not be opened.
    #[error("open the call record")]
    Sealed(#[source] SealError),
    /// The room.
    #[error("use the room")]
    Room(#[from] RoomError),
    /// A vendor.
    #[error("warm up the providers")]
    Provider(#[from] ProviderError),
    /// The conversation that is to go on could not be read.
    #[error("read the conversation")]
    Session(#[source] SessionError),
    /// The call was to be inherited; its worker still has it.
    #[error("get ready to inherit the call")]
    Heir(#[source] Box<CallFailure>),
}

/// A stored conversation that cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Redis did not answer.
    #[error("load it")]
    Load(#[from] StoreError),
    /// It was sealed by other keys.
    #[error("open it")]
    Open(#[from] SealError),
    /// It is not of this version's form.
    #[error("decode it")]
    Decode(#[from] SnapshotError),
}

/// What becomes of a call that failed on its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// It is not ours: nothing.
    Nothing,
    /// Another pod, or the same one a little later, may do better: it goes back to the queue.
    GiveBack,
    /// Its caller gets the fallback.
    Fallback,
}

impl CallFailure {
    /// What LiveKit is told of a panic.
    pub const PANICKED: &'static str = "agent failed";

    /// What becomes of the call. One that goes back to the queue is given up there, at its deadline.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Claim(_) | Self::NotAdmitted | Self::Heir(_) => Remedy::Nothing,
            Self::Clinic(_) | Self::Room(_) | Self::Provider(_) | Self::Session(_) => {
                Remedy::GiveBack
            }
            Self::NoClinic | Self::Sealed(_) => Remedy::Fallback,
        }
    }

    /// What LiveKit is told; never a cause, which may carry an address.
    #[must_use]
    pub const fn fixed_text(&self) -> &'static str {
        match self {
            Self::Claim(_) => "claim failed",
            Self::NotAdmitted => "not admitted",
            Self::Clinic(_) | Self::NoClinic | Self::Sealed(_) => "tenant unavailable",
            Self::Room(_) => "room unavailable",
            Self::Provider(_) => "provider unavailable",
            Self::Session(_) => "session unavailable",
            Self::Heir(_) => "not ready to inherit",
        }
    }
}
