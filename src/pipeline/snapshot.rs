//! The conversation as bytes, to be sealed and kept until the call ends: another pod goes on from it.
//!
//! During a roll-out that pod is of another version, older or newer. So `version` grows only when an older pod must not go on with what a newer one wrote: it then refuses
//! the bytes, and the call goes back to the queue, for a pod that can read them. Anything else may be added at will: a field that is missing has a default, one that is
//! not known is kept and written again, an entry of an unknown kind is passed over.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    context::{AgentEntry, CallSlot, Entry},
    latency::TurnLatency,
};
use crate::{
    domain::{
        call_time::CallTime,
        conversation::{Speaker, ToolCallId, ToolRequest, Utterance, Word},
        phi::Phi,
    },
    tools::outcome::{ToolOutcome, ToolStatus, ToolTrace},
};

/// Stored bytes that this pod cannot go on from.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// They are no session.
    #[error("decode the stored session")]
    Malformed(#[source] serde_json::Error),
    /// A newer pod wrote them, in a form that means something else. Another pod of its kind can read them.
    #[error("the stored session is of version {0}, which this pod does not know")]
    Newer(u32),
}

/// A conversation to go on with.
#[derive(Debug, Default)]
pub struct Restored {
    /// When it was saved, on the call's clock.
    pub saved_at: CallTime,
    /// Wall time of the call clock's zero.
    pub started_at: DateTime<Utc>,
    /// The caller comes back from a person who did not take the call.
    pub(super) returned: bool,
    pub(super) turns: u32,
    pub(super) entries: Vec<Entry>,
    pub(super) utterances: Vec<Utterance>,
    pub(super) traces: Vec<ToolTrace>,
    pub(super) latencies: Vec<TurnLatency>,
    /// What a newer pod wrote beside it.
    pub(super) unknown: Unknown,
}

/// Fields of the stored form that this version does not know. No `Debug`: they may be patient data.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Unknown(serde_json::Map<String, Value>);

impl std::fmt::Debug for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// What is left of a conversation whose pod is gone, for its artifact.
#[derive(Debug)]
pub struct Remains {
    /// What was said and heard.
    pub transcript: Vec<Utterance>,
    /// Every tool call that ended.
    pub tools: Vec<ToolTrace>,
    /// Each turn that got an answer.
    pub latencies: Vec<TurnLatency>,
}

/// What is saved, borrowed.
pub(super) struct Parts<'a> {
    pub(super) now: CallTime,
    pub(super) started_at: DateTime<Utc>,
    pub(super) turns: u32,
    pub(super) entries: &'a [Entry],
    pub(super) utterances: &'a [Utterance],
    pub(super) traces: &'a [ToolTrace],
    pub(super) latencies: &'a [TurnLatency],
    pub(super) unknown: &'a Unknown,
}

/// The stored form. Inside sealed bytes the guard of [`Phi`] is not needed, outside it never exists. `version` and the two times make it a session: they alone have no
/// default.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    saved_at: CallTime,
    started_at: DateTime<Utc>,
    #[serde(default)]
    turns: u32,
    #[serde(default, deserialize_with = "known")]
    entries: Vec<StoredEntry>,
    #[serde(default, deserialize_with = "known")]
    utterances: Vec<StoredUtterance>,
    #[serde(default, deserialize_with = "known")]
    traces: Vec<StoredTrace>,
    #[serde(default, deserialize_with = "known")]
    latencies: Vec<TurnLatency>,
    #[serde(flatten)]
    unknown: Unknown,
}

/// What every version says of itself, before anything else is read.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// The newest form that this pod reads.
const VERSION: u32 = 1;

/// The members of a list that are of a known form; what is left out is counted in the log, never shown.
fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let members = Option::<Vec<Value>>::deserialize(from)?.unwrap_or_default();
    let there = members.len();
    let read = members.into_iter().map(serde_json::from_value);
    let known: Vec<T> = read.filter_map(Result::ok).collect();
    if known.len() < there {
        tracing::warn!(
            passed_over = there - known.len(),
            "a stored session has members of an unknown form"
        );
    }
    Ok(known)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredEntry {
    Caller(String),
    Agent {
        #[serde(default)]
        text: String,
        #[serde(default)]
        calls: Vec<StoredCall>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredCall {
    id: ToolCallId,
    name: String,
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    content: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredUtterance {
    #[serde(default)]
    index: u32,
    speaker: Speaker,
    text: String,
    started: CallTime,
    ended: CallTime,
    #[serde(default)]
    interrupted: bool,
    #[serde(default)]
    words: Vec<(String, CallTime, CallTime, f32)>,
}

#[derive(Serialize, Deserialize)]
struct StoredTrace {
    id: ToolCallId,
    name: String,
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    content: Value,
    #[serde(default)]
    status: String,
    #[serde(default)]
    took: Duration,
    started: CallTime,
    #[serde(default)]
    turn: u32,
}

/// The bytes to seal.
pub(super) fn encode(parts: &Parts<'_>) -> Phi<Vec<u8>> {
    let stored = Stored {
        version: VERSION,
        saved_at: parts.now,
        started_at: parts.started_at,
        turns: parts.turns,
        entries: parts.entries.iter().map(store_entry).collect(),
        utterances: parts.utterances.iter().map(store_utterance).collect(),
        traces: parts.traces.iter().map(store_trace).collect(),
        latencies: parts.latencies.to_vec(),
        unknown: parts.unknown.clone(),
    };
    Phi::new(serde_json::to_vec(&stored).expect("string keys and finite numbers are JSON"))
}

impl Restored {
    /// Reads what a session saved.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are no session, or one that means something else than this version can know.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let malformed = SnapshotError::Malformed;
        let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version > VERSION {
            return Err(SnapshotError::Newer(version));
        }
        let stored: Stored = serde_json::from_slice(bytes).map_err(malformed)?;
        Ok(Self {
            saved_at: stored.saved_at,
            started_at: stored.started_at,
            returned: false,
            turns: stored.turns,
            entries: stored.entries.into_iter().map(load_entry).collect(),
            utterances: stored.utterances.into_iter().map(load_utterance).collect(),
            traces: stored.traces.into_iter().map(load_trace).collect(),
            latencies: stored.latencies,
            unknown: stored.unknown,
        })
    }

    /// For an artifact, when nobody goes on with the conversation.
    #[must_use]
    pub fn into_remains(self) -> Remains {
        Remains {
            transcript: self.utterances,
            tools: self.traces,
            latencies: self.latencies,
        }
    }

    /// Nothing was said yet, by nobody.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes out the last entries from the first on that has a tool call without an answer: they are begun again, under the same idempotency keys.
    pub(super) fn take_unfinished(&mut self) -> Vec<AgentEntry> {
        let open = |entry: &Entry| matches!(entry, Entry::Agent(agent) if !agent.is_answered());
        let Some(first) = self.entries.iter().position(open) else {
            return Vec::new();
        };
        let (mut unfinished, mut kept) = (Vec::new(), Vec::new());
        for entry in self.entries.drain(first..) {
            match entry {
                Entry::Agent(agent) => unfinished.push(agent),
                caller @ Entry::Caller(_) => kept.push(caller),
            }
        }
        self.entries.extend(kept);
        unfinished
    }
}

fn store_entry(entry: &Entry) -> StoredEntry {
    match entry {
        Entry::Caller(text) => StoredEntry::Caller(text.expose().clone()),
        Entry::Agent(agent) => StoredEntry::Agent {
            text: agent.text.expose().clone(),
            calls: agent.calls.iter().map(store_call).collect(),
        },
    }
}

fn store_call(slot: &CallSlot) -> StoredCall {
    StoredCall {
        id: slot.request.id.clone(),
        name: slot.request.name.clone(),
        arguments: slot.request.arguments.expose().clone(),
        content: slot.content.as_ref().map(|c| c.expose().clone()),
    }
}

fn load_entry(stored: StoredEntry) -> Entry {
    match stored {
        StoredEntry::Caller(text) => Entry::Caller(Phi::new(text)),
        StoredEntry::Agent { text, calls } => Entry::Agent(AgentEntry {
            text: Phi::new(text),
            calls: calls.into_iter().map(load_call).collect(),
        }),
    }
}

fn load_call(stored: StoredCall) -> CallSlot {
    let request = ToolRequest {
        id: stored.id,
        name: stored.name,
        arguments: Phi::new(stored.arguments),
    };
    CallSlot {
        request,
        run: None,
        content: stored.content.map(Phi::new),
    }
}

fn store_utterance(said: &Utterance) -> StoredUtterance {
    let words = said
        .words
        .iter()
        .map(|w| (w.text.expose().clone(), w.start, w.end, w.confidence));
    StoredUtterance {
        index: said.index,
        speaker: said.speaker,
        text: said.text.expose().clone(),
        started: said.started,
        ended: said.ended,
        interrupted: said.interrupted,
        words: words.collect(),
    }
}

fn load_utterance(stored: StoredUtterance) -> Utterance {
    let words = stored
        .words
        .into_iter()
        .map(|(text, start, end, confidence)| Word {
            text: Phi::new(text),
            start,
            end,
            confidence,
        });
    Utterance {
        index: stored.index,
        speaker: stored.speaker,
        text: Phi::new(stored.text),
        started: stored.started,
        ended: stored.ended,
        interrupted: stored.interrupted,
        words: words.collect(),
    }
}

fn store_trace(trace: &ToolTrace) -> StoredTrace {
    StoredTrace {
        id: trace.request.id.clone(),
        name: trace.request.name.clone(),
        arguments: trace.request.arguments.expose().clone(),
        content: trace.outcome.content.expose().clone(),
        status: trace.outcome.status.as_str().to_owned(),
        took: trace.outcome.took,
        started: trace.started,
        turn: trace.turn,
    }
}

fn load_trace(stored: StoredTrace) -> ToolTrace {
    let status = ToolStatus::ALL
        .into_iter()
        .find(|s| s.as_str() == stored.status)
        .unwrap_or(ToolStatus::Failed);
    let outcome = ToolOutcome {
        id: stored.id.clone(),
        content: Phi::new(stored.content),
        status,
        effect: None,
        took: stored.took,
    };
    let request = ToolRequest {
        id: stored.id,
        name: stored.name,
        arguments: Phi::new(stored.arguments),
    };
    ToolTrace {
        request,
        outcome,
        started: stored.started,
        turn: stored.turn,
    }
}

#[cfg(test)]
mod tests;
