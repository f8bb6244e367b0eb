//! The artifact of an ended call: into Postgres, else sealed into Redis, from where it is retried.

use chrono::{DateTime, Utc};

use super::pod::PodDeps;
use crate::{
    config::{Config, LlmVendor},
    domain::{
        artifact::{Artifact, ArtifactParts, ProvidersUsed, Transfer, TurnLatency},
        call::{CallRecord, Outcome},
        capture::{ToolUse, UseStatus},
        conversation::Utterance,
        phi::Phi,
    },
    pipeline::latency,
    providers::Vendor,
    storage::postgres::{Clinic, SealedArtifact},
    telemetry::labels::ArtifactWrite,
    tools::{
        hand_over,
        outcome::{ToolStatus, ToolTrace},
    },
};

/// What is to be told of a call.
pub(super) struct Account<'a> {
    pub(super) record: &'a CallRecord,
    /// Wall time of the call clock's zero.
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: DateTime<Utc>,
    pub(super) outcome: Outcome,
    pub(super) transcript: Vec<Utterance>,
    pub(super) tools: Vec<ToolTrace>,
    pub(super) latencies: Vec<latency::TurnLatency>,
}

/// The call's artifact, to be written or held.
pub(super) fn seal(config: &Config, clinic: &Clinic, account: Account<'_>) -> SealedArtifact {
    let artifact = Artifact::new(&parts(config, clinic, account));
    SealedArtifact::seal(&clinic.sealer, &artifact)
}

/// Writes it once: a call that has an artifact keeps that one. Lost only when both stores are away: the stated limit.
pub(super) async fn write(deps: &PodDeps, clinic: &Clinic, sealed: &SealedArtifact) {
    let written = match deps.db.insert_artifact(&clinic.sealer, sealed).await {
        Ok(_) => ArtifactWrite::Stored,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "store the artifact"
            );
            park(deps, sealed).await
        }
    };
    deps.metrics.artifact(written);
    if written != ArtifactWrite::Lost
        && let Err(error) = deps.store.written(sealed.tenant, sealed.call).await
    {
        // A pod adopts the call and finds the artifact there.
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "note the artifact"
        );
    }
}

async fn park(deps: &PodDeps, sealed: &SealedArtifact) -> ArtifactWrite {
    let parked = deps
        .store
        .park_artifact(sealed.tenant, sealed.call, &sealed.to_bytes())
        .await;
    match parked {
        Ok(()) => ArtifactWrite::Parked,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the artifact is lost"
            );
            ArtifactWrite::Lost
        }
    }
}

fn parts(config: &Config, clinic: &Clinic, account: Account<'_>) -> ArtifactParts {
    let record = account.record;
    ArtifactParts {
        tenant: record.tenant,
        call: record.call,
        started_at: record.admitted_at,
        clock_started_at: account.started_at,
        ended_at: account.ended_at,
        route: record.route,
        dialled: record.dialled.clone(),
        caller: record.caller.clone(),
        outcome: account.outcome,
        transfer: transfer_of(clinic, &account.tools),
        utterances: account.transcript,
        tools: account.tools.into_iter().map(tool_use).collect(),
        latencies: account.latencies.iter().map(turn_latency).collect(),
        providers: providers(config),
    }
}

/// What was agreed in the conversation; whom Twilio dials next is known, not whether they answer.
fn transfer_of(clinic: &Clinic, tools: &[ToolTrace]) -> Option<Transfer> {
    let last = tools
        .iter()
        .rev()
        .find(|trace| hand_over::is_transfer(trace))?;
    let desk = clinic.profile.transfer.as_ref();
    Some(Transfer {
        to: desk.map(|desk| desk.number.clone()),
        result: hand_over::result(last),
    })
}

fn tool_use(trace: ToolTrace) -> ToolUse {
    let inputs = trace
        .request
        .arguments
        .map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)));
    ToolUse {
        name: trace.request.name,
        inputs,
        outputs: Phi::new(trace.outcome.content.into_exposed()),
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

fn turn_latency(turn: &latency::TurnLatency) -> TurnLatency {
    TurnLatency {
        turn: turn.turn,
        end_of_turn_wait: Some(turn.endpointing),
        stt: turn.stt_final,
        llm_ttft: turn.llm_ttft,
        tts_ttfb: turn.tts_ttfb,
        total: Some(turn.total),
    }
}

fn providers(config: &Config) -> ProvidersUsed {
    let llm = config.providers.llm.iter().map(|vendor| match vendor {
        LlmVendor::OpenAi => Vendor::OpenAi.as_str(),
        LlmVendor::Azure => Vendor::Azure.as_str(),
    });
    let deepgram = Vendor::Deepgram.as_str();
    ProvidersUsed {
        stt: vec![deepgram],
        llm: llm.collect(),
        tts: vec![deepgram],
    }
}
