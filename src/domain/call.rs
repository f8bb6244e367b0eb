//! What the system knows of one call outside its conversation.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    caller::CallOrigin,
    e164::E164,
    ids::{CallId, Epoch, Returns, RoomName, TenantId},
    phi::Phi,
};

/// An admitted call: written once by the gateway, read by the worker that serves it.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The clinic that was dialled.
    pub tenant: TenantId,
    /// Our name of the call.
    pub call: CallId,
    /// The way it came.
    pub route: Route,
    /// Its LiveKit room; on the webhook route also the SIP user.
    pub room: RoomName,
    /// The caller; absent when the number is withheld.
    pub caller: Option<Phi<E164>>,
    /// What came with the caller's number.
    pub origin: CallOrigin,
    /// The clinic's number that was dialled.
    pub dialled: E164,
    /// When the gateway admitted it; also the audit partition's key.
    pub admitted_at: DateTime<Utc>,
    /// The latest dispatch.
    pub epoch: Epoch,
    /// Where the call stands.
    pub phase: CallPhase,
    /// What Twilio is told when the SIP leg ends.
    pub next: Option<NextStep>,
    /// How often the caller came back from a person.
    pub returns: Returns,
    /// What became of the last transfer, once it is known.
    pub transfer: Option<TransferResult>,
}

/// The way a call came to its room; its end goes the same way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Twilio asked our webhook, which sent it to its room. When the leg ends, Twilio asks again: at the `action` URL.
    Webhook,
    /// An elastic SIP trunk brought it to LiveKit, which made its room. When the leg ends, the call is over.
    Trunk,
}

impl Route {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Trunk];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Trunk => "trunk",
        }
    }
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallPhase {
    /// Admitted, in the queue, rings.
    Waiting,
    /// A worker took it.
    Claimed,
    /// The caller hears the agent.
    Active,
    /// In conversation, but its agent is gone: another one is being asked for.
    Orphaned,
    /// Over.
    Ended,
}

impl CallPhase {
    /// Whether a worker has it.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Claimed | Self::Active)
    }
}

/// What happens to the caller after the SIP leg: the gateway turns it into TwiML at the `action` URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NextStep {
    /// The conversation is complete.
    HangUp,
    /// Connect the caller with the clinic's people.
    Transfer {
        /// Where to.
        to: E164,
    },
    /// Something failed: the tenant's fallback number, or a spoken apology.
    Fallback,
}

/// What became of a transfer; a closed set, used as a metric label, in the call's row and in the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferResult {
    /// The person took the call.
    Accepted,
    /// Nobody answered in time, or the line was busy.
    NoAnswer,
    /// Somebody answered, and did not take the call.
    Declined,
    /// The caller hung up before anybody took the call.
    Abandoned,
    /// Nobody is there at that hour: nobody was dialled.
    Closed,
    /// The network did not carry it out.
    Failed,
}

impl TransferResult {
    /// Every value, in catalogue order.
    pub const ALL: [Self; 6] = [
        Self::Accepted,
        Self::NoAnswer,
        Self::Declined,
        Self::Abandoned,
        Self::Closed,
        Self::Failed,
    ];

    /// The label, and the word in the call's row.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NoAnswer => "no_answer",
            Self::Declined => "declined",
            Self::Abandoned => "abandoned",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }

    /// The value of that label.
    #[must_use]
    pub fn from_label(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.as_str() == text)
    }
}

/// How a call ended; a closed set, used as a metric label and in the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The agent closed the conversation.
    Completed,
    /// Handed to a person on request or by rule.
    Transferred,
    /// The caller hung up first.
    CallerHungUp,
    /// The caller never came on the line.
    Abandoned,
    /// A failure ended it; the caller got the fallback.
    Failed,
}

impl Outcome {
    /// Every value, in catalogue order.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Transferred,
        Self::CallerHungUp,
        Self::Abandoned,
        Self::Failed,
    ];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Transferred => "transferred",
            Self::CallerHungUp => "caller_hung_up",
            Self::Abandoned => "abandoned",
            Self::Failed => "failed",
        }
    }
}
