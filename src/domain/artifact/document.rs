//! The document as written. Field order is the order in the JSON.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{ArtifactParts, SCHEMA, TurnLatency};
use crate::domain::{
    call::{Outcome, Route, TransferResult},
    capture::{self, CapturedSlot, SlotName, ToolUse, UseStatus},
    conversation::{Intent, Speaker, Utterance},
    ids::{CallId, TenantId},
};

/// Audit artifact of one call. Times with `_ms` are milliseconds on the call's clock, which starts at `clock_started_at`.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "neurality.call-artifact/1")]
pub(super) struct Document {
    /// Name and version of this form.
    #[schemars(extend("const" = "neurality.call-artifact/1"))]
    schema: String,
    /// The clinic.
    pub(super) tenant_id: TenantId,
    /// The call.
    pub(super) call_id: CallId,
    /// Admission by the gateway.
    pub(super) started_at: DateTime<Utc>,
    /// Zero of the call's clock.
    clock_started_at: DateTime<Utc>,
    /// End of the call.
    ended_at: DateTime<Utc>,
    /// The way the call came.
    route: Route,
    /// The clinic's number that was dialled.
    dialled: String,
    /// The caller's number; null when withheld.
    caller: Option<String>,
    /// How the call ended.
    outcome: Outcome,
    /// A transfer to a person, if one was asked for.
    transfer: Option<TransferLine>,
    /// What was said and heard, in order.
    transcript: Vec<Line>,
    /// What the caller wanted, in order.
    intents: Vec<IntentLine>,
    /// The values the tools accepted.
    slots: Vec<SlotLine>,
    /// Every tool call, in order.
    tools: Vec<ToolLine>,
    /// Response times by turn.
    latencies: Vec<LatencyLine>,
    /// Vendors that served the call.
    providers: Providers,
}

/// A transfer, as the conversation knows of it.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TransferLine {
    /// The clinic's number for it; null if callers go to the fallback number.
    to: Option<String>,
    /// What became of it; null if the person was dialled after the conversation: then the call's row says it.
    result: Option<TransferResult>,
}

/// One contribution.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Place in the call, from 0.
    index: u32,
    /// Who spoke.
    speaker: Speaker,
    /// What was heard; an agent's text ends where a barge-in cut it.
    text: String,
    /// First sound.
    start_ms: u64,
    /// Last sound.
    end_ms: u64,
    /// The other side cut it short.
    interrupted: bool,
    /// Lowest word confidence of the recogniser, 0 to 1; null for the agent.
    confidence: Option<f32>,
}

/// A detected intent.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IntentLine {
    /// What the caller wants.
    intent: Intent,
    /// The first turn that showed it.
    turn: u32,
}

/// A captured value.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SlotLine {
    /// Its kind.
    name: SlotName,
    /// The last value given.
    value: String,
    /// Lowest word confidence over its span, lowered by each correction; null if it was not heard.
    confidence: Option<f32>,
    /// How often the caller changed it.
    corrections: u32,
    /// Turn it came from.
    turn: u32,
}

/// A tool call.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToolLine {
    /// Turn that asked.
    turn: u32,
    /// The tool.
    name: String,
    /// Arguments as the model wrote them.
    inputs: Value,
    /// The answer the model read.
    outputs: Value,
    /// How it went.
    status: UseStatus,
    /// When it began.
    started_ms: u64,
    /// How long it ran.
    took_ms: u64,
}

/// Response times of a turn, in milliseconds; null where a stage did not happen.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LatencyLine {
    /// The turn.
    turn: u32,
    /// End of speech until the turn was declared over.
    end_of_turn_wait_ms: Option<u64>,
    /// End of speech until the final transcript.
    stt_ms: Option<u64>,
    /// Request until the first token.
    llm_ttft_ms: Option<u64>,
    /// Text until the first sound.
    tts_ttfb_ms: Option<u64>,
    /// End of speech until the agent's first sound.
    total_ms: Option<u64>,
}

/// Vendors, in order of first use.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Providers {
    /// Speech to text.
    stt: Vec<String>,
    /// Language models.
    llm: Vec<String>,
    /// Text to speech.
    tts: Vec<String>,
}

impl From<&ArtifactParts> for Document {
    fn from(parts: &ArtifactParts) -> Self {
        let intents = capture::intents(&parts.tools);
        let slots = capture::slots(&parts.tools, &parts.utterances);
        let names = |vendors: &[&str]| vendors.iter().map(|vendor| (*vendor).to_owned()).collect();
        Self {
            schema: SCHEMA.to_owned(),
            tenant_id: parts.tenant,
            call_id: parts.call,
            started_at: parts.started_at,
            clock_started_at: parts.clock_started_at,
            ended_at: parts.ended_at,
            route: parts.route,
            dialled: parts.dialled.as_str().to_owned(),
            caller: parts
                .caller
                .as_ref()
                .map(|caller| caller.expose().as_str().to_owned()),
            outcome: parts.outcome,
            transfer: parts.transfer.as_ref().map(|transfer| TransferLine {
                to: transfer.to.as_ref().map(|to| to.as_str().to_owned()),
                result: transfer.result,
            }),
            transcript: parts.utterances.iter().map(Line::from).collect(),
            intents: intents
                .iter()
                .map(|found| IntentLine {
                    intent: found.intent,
                    turn: found.turn,
                })
                .collect(),
            slots: slots.into_iter().map(SlotLine::from).collect(),
            tools: parts.tools.iter().map(ToolLine::from).collect(),
            latencies: parts.latencies.iter().map(LatencyLine::from).collect(),
            providers: Providers {
                stt: names(&parts.providers.stt),
                llm: names(&parts.providers.llm),
                tts: names(&parts.providers.tts),
            },
        }
    }
}

impl From<&Utterance> for Line {
    fn from(said: &Utterance) -> Self {
        Self {
            index: said.index,
            speaker: said.speaker,
            text: said.text.expose().clone(),
            start_ms: said.started.as_millis(),
            end_ms: said.ended.as_millis(),
            interrupted: said.interrupted,
            confidence: said
                .words
                .iter()
                .map(|word| word.confidence)
                .reduce(f32::min),
        }
    }
}

impl From<CapturedSlot> for SlotLine {
    fn from(slot: CapturedSlot) -> Self {
        Self {
            name: slot.name,
            value: slot.value.into_exposed(),
            confidence: slot.confidence,
            corrections: slot.corrections,
            turn: slot.turn,
        }
    }
}

impl From<&ToolUse> for ToolLine {
    fn from(used: &ToolUse) -> Self {
        Self {
            turn: used.turn,
            name: used.name.clone(),
            inputs: used.inputs.expose().clone(),
            outputs: used.outputs.expose().clone(),
            status: used.status,
            started_ms: used.started.as_millis(),
            took_ms: millis(used.took),
        }
    }
}

impl From<&TurnLatency> for LatencyLine {
    fn from(turn: &TurnLatency) -> Self {
        Self {
            turn: turn.turn,
            end_of_turn_wait_ms: turn.end_of_turn_wait.map(millis),
            stt_ms: turn.stt.map(millis),
            llm_ttft_ms: turn.llm_ttft.map(millis),
            tts_ttfb_ms: turn.tts_ttfb.map(millis),
            total_ms: turn.total.map(millis),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
