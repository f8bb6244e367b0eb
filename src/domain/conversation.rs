//! What was said in a call, and what was done on the strength of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{call_time::CallTime, phi::Phi};

/// A word as the recogniser heard it, on the call's clock.
#[derive(Clone, Debug)]
pub struct Word {
    /// The word.
    pub text: Phi<String>,
    /// Start of the word.
    pub start: CallTime,
    /// End of the word.
    pub end: CallTime,
    /// The recogniser's confidence, 0 to 1.
    pub confidence: f32,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The patient.
    Caller,
    /// The system.
    Agent,
}

/// One committed contribution.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// Its place in the call, from 0.
    pub index: u32,
    /// Who spoke.
    pub speaker: Speaker,
    /// What was *heard*: an agent's text is truncated where a barge-in cut it.
    pub text: Phi<String>,
    /// First sound.
    pub started: CallTime,
    /// Last sound.
    pub ended: CallTime,
    /// The other side cut it short.
    pub interrupted: bool,
    /// The recogniser's words (caller only).
    pub words: Vec<Word>,
}

/// The model's name of a tool call within one reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolCallId(pub String);

/// A tool call as the model asked for it, before any validation.
#[derive(Clone, Debug)]
pub struct ToolRequest {
    /// The model's id; the answer carries it back.
    pub id: ToolCallId,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// JSON text; may be malformed.
    pub arguments: Phi<String>,
}

/// A tool as the model sees it.
#[derive(Clone, Debug)]
pub struct ToolSpec {
    /// Function name.
    pub name: &'static str,
    /// When to use it.
    pub description: &'static str,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

/// What the caller wants; a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Asks whether the plan pays for a procedure.
    CheckCoverage,
    /// Wants an appointment.
    BookAppointment,
    /// Wants to call one off.
    CancelAppointment,
    /// Wants to move one.
    RescheduleAppointment,
    /// Wants a person.
    SpeakToHuman,
    /// Ends the conversation.
    EndCall,
}
