//! The conversation as bytes, to be sealed and kept until the call ends: another pod goes on from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
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

/// Stored bytes that are no session.
#[derive(Debug, thiserror::Error)]
#[error("decode the stored session")]
pub struct SnapshotError(#[source] serde_json::Error);

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
}

/// The stored form. Inside sealed bytes the guard of [`Phi`] is not needed, outside it never exists.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    saved_at: CallTime,
    started_at: DateTime<Utc>,
    turns: u32,
    entries: Vec<StoredEntry>,
    utterances: Vec<StoredUtterance>,
    traces: Vec<StoredTrace>,
    latencies: Vec<TurnLatency>,
}

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredEntry {
    Caller(String),
    Agent {
        text: String,
        calls: Vec<StoredCall>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredCall {
    id: ToolCallId,
    name: String,
    arguments: String,
    content: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredUtterance {
    index: u32,
    speaker: Speaker,
    text: String,
    started: CallTime,
    ended: CallTime,
    interrupted: bool,
    words: Vec<(String, CallTime, CallTime, f32)>,
}

#[derive(Serialize, Deserialize)]
struct StoredTrace {
    id: ToolCallId,
    name: String,
    arguments: String,
    content: Value,
    status: String,
    took: Duration,
    started: CallTime,
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
    };
    Phi::new(serde_json::to_vec(&stored).expect("string keys and finite numbers are JSON"))
}

impl Restored {
    /// Reads what a session saved.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are not of this form.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(SnapshotError)?;
        Ok(Self {
            saved_at: stored.saved_at,
            started_at: stored.started_at,
            returned: false,
            turns: stored.turns,
            entries: stored.entries.into_iter().map(load_entry).collect(),
            utterances: stored.utterances.into_iter().map(load_utterance).collect(),
            traces: stored.traces.into_iter().map(load_trace).collect(),
            latencies: stored.latencies,
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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_is_restored() {
        let request = ToolRequest {
            id: ToolCallId("c1".into()),
            name: "book_appointment".into(),
            arguments: Phi::new("{}".to_owned()),
        };
        let slot = CallSlot {
            request: request.clone(),
            run: None,
            content: Some(Phi::new("ok".to_owned())),
        };
        let entries = [
            Entry::Caller(Phi::new("tuesday".to_owned())),
            Entry::Agent(AgentEntry {
                text: Phi::new("Done.".to_owned()),
                calls: vec![slot],
            }),
        ];
        let word = Word {
            text: Phi::new("tuesday".into()),
            start: CallTime::ZERO,
            end: CallTime::from_millis(300),
            confidence: 0.5,
        };
        let utterance = Utterance {
            index: 0,
            speaker: Speaker::Caller,
            text: Phi::new("tuesday".to_owned()),
            started: CallTime::ZERO,
            ended: CallTime::from_millis(300),
            interrupted: false,
            words: vec![word],
        };
        let outcome = ToolOutcome {
            id: request.id.clone(),
            content: Phi::new(json!({"booked": true})),
            status: ToolStatus::Declined,
            effect: None,
            took: Duration::from_millis(7),
        };
        let traces = [ToolTrace {
            request,
            outcome,
            started: CallTime::from_millis(400),
            turn: 0,
        }];
        let parts = Parts {
            now: CallTime::from_millis(900),
            started_at: DateTime::UNIX_EPOCH,
            latencies: &[TurnLatency::default()],
            turns: 1,
            entries: &entries,
            utterances: &[utterance],
            traces: &traces,
        };
        let bytes = encode(&parts);
        let restored = Restored::decode(bytes.expose()).expect("own form");
        assert_eq!(
            (restored.turns, restored.saved_at),
            (1, CallTime::from_millis(900))
        );
        let again = Parts {
            now: restored.saved_at,
            started_at: restored.started_at,
            latencies: &restored.latencies,
            turns: restored.turns,
            entries: &restored.entries,
            utterances: &restored.utterances,
            traces: &restored.traces,
        };
        assert_eq!(encode(&again).expose(), bytes.expose());
        assert!(Restored::decode(b"{}").is_err());
    }
}
