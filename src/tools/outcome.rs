//! What a tool call leads to.

use std::time::Duration;

use serde_json::Value;

use crate::domain::{
    capture::{ToolUse, UseStatus},
    conversation::{ToolCallId, ToolRequest},
    phi::Phi,
};

/// The one answer to a tool call.
#[derive(Clone, Debug)]
pub struct ToolOutcome {
    /// Which call it answers.
    pub id: ToolCallId,
    /// The JSON the model reads.
    pub content: Phi<Value>,
    /// How it went.
    pub status: ToolStatus,
    /// What the call must now do.
    pub effect: Option<CallEffect>,
    /// How long it ran.
    pub took: Duration,
}

/// How a tool call went; a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToolStatus {
    /// Done.
    Done,
    /// The world said no (slot taken, not covered): a normal answer.
    Declined,
    /// Unknown tool or malformed arguments: the model is told, and may correct itself.
    Invalid,
    /// Storage failed or the deadline passed: nothing is claimed.
    Failed,
}

impl ToolStatus {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Done, Self::Declined, Self::Invalid, Self::Failed];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}

/// An effect on the call itself; the call performs it after the agent's next words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEffect {
    /// Connect the caller with a person.
    TransferToHuman,
    /// Say goodbye and hang up.
    EndCall,
}

/// One line of the tool trace, kept for the artifact.
#[derive(Clone, Debug)]
pub struct ToolTrace {
    /// What was asked.
    pub request: ToolRequest,
    /// What came back.
    pub outcome: ToolOutcome,
    /// When it began, on the call's clock.
    pub started: crate::domain::call_time::CallTime,
    /// Turn that asked.
    pub turn: u32,
}

impl From<&ToolTrace> for ToolUse {
    fn from(trace: &ToolTrace) -> Self {
        let inputs = trace.request.arguments.expose();
        let inputs = serde_json::from_str(inputs).unwrap_or_else(|_| Value::String(inputs.clone()));
        Self {
            name: trace.request.name.clone(),
            inputs: Phi::new(inputs),
            outputs: trace.outcome.content.clone(),
            status: match trace.outcome.status {
                ToolStatus::Done => UseStatus::Done,
                ToolStatus::Declined => UseStatus::Declined,
                ToolStatus::Invalid => UseStatus::Invalid,
                ToolStatus::Failed => UseStatus::Failed,
            },
            started: trace.started,
            took: trace.outcome.took,
            turn: trace.turn,
        }
    }
}
