//! The end of a call: what Twilio does next, the end of the leg, the artifact.

use std::time::Duration;

use super::{call::Call, pod::PodDeps, transfer, wall_clock};
use crate::{
    config::LlmVendor,
    domain::{
        artifact::{Artifact, ArtifactParts, ProvidersUsed, Transfer, TurnLatency},
        call::{CallPhase, NextStep, Outcome},
        capture::{ToolUse, UseStatus},
        ids::RoomName,
        phi::Phi,
    },
    pipeline::{latency, report::SessionReport},
    providers::Vendor,
    room::{CallRoom, LossReason},
    storage::postgres::SealedArtifact,
    telemetry::labels::ArtifactWrite,
    tools::{
        hand_over,
        outcome::{ToolStatus, ToolTrace},
    },
};

/// Tries to end the SIP leg; Twilio's time limit ends it otherwise.
const DELETE_TRIES: u32 = 3;
/// Between them.
const DELETE_PAUSE: Duration = Duration::from_millis(300);

/// Closes a conversation. A call that goes on elsewhere is left alone: no next step, no artifact.
pub(super) async fn finish(
    call: &Call,
    room: &CallRoom,
    report: SessionReport,
    loss: Option<LossReason>,
) {
    let outcome = report.outcome().or_else(|| outcome_of_loss(loss));
    if let Some(outcome) = outcome {
        let next = report
            .next_step(&call.clinic.profile)
            .unwrap_or(NextStep::Fallback);
        let artifact = Artifact::new(&parts(call, outcome, report.clone()));
        let sealed = SealedArtifact::seal(&call.clinic.sealer, &artifact);
        // Before the leg ends, because Twilio then asks at once, and the caller may soon be back.
        let is_held = match transfer::dialled_next(call, &next) {
            Some(to) => transfer::prepare(call, to, &report, &sealed).await,
            None => {
                note_next(call, &next).await;
                false
            }
        };
        room.leave().await;
        end_leg(&call.deps, &call.record.room).await;
        end_record(call, outcome).await;
        transfer::note(call, &report).await;
        if !is_held {
            write_artifact(call, &sealed).await;
        }
        call.deps.metrics.call_ended(outcome, call.origin.elapsed());
    } else {
        room.leave().await;
        call.deps.metrics.call_handed_over();
    }
    tracing::info!(
        outcome = outcome.map_or("elsewhere", Outcome::as_str),
        "call ended here"
    );
}

/// A room that was closed under us is a failed call; one we were put out of belongs to a newer epoch.
fn outcome_of_loss(loss: Option<LossReason>) -> Option<Outcome> {
    match loss {
        Some(LossReason::RoomClosed | LossReason::Connection) => Some(Outcome::Failed),
        Some(LossReason::Removed) | None => None,
    }
}

async fn note_next(call: &Call, next: &NextStep) {
    let record = &call.record;
    if let Err(error) = call
        .deps
        .store
        .set_next_step(record.tenant, record.call, record.epoch, next)
        .await
    {
        // Without a next step the gateway answers with the fallback.
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "note the next step"
        );
    }
}

/// Deletes the room: the SIP leg ends and Twilio posts the `action` URL.
pub(super) async fn end_leg(deps: &PodDeps, room: &RoomName) {
    for attempt in 1..=DELETE_TRIES {
        match deps.rooms.delete(room).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    attempt,
                    "end the sip leg"
                );
                tokio::time::sleep(DELETE_PAUSE).await;
            }
        }
    }
}

async fn end_record(call: &Call, outcome: Outcome) {
    let (deps, record) = (&call.deps, &call.record);
    let now = wall_clock();
    if let Err(error) = deps
        .store
        .set_phase(
            record.tenant,
            record.call,
            record.epoch,
            CallPhase::Ended,
            now,
        )
        .await
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "end the call record"
        );
    }
    if let Err(error) = deps
        .db
        .finish_call(record.tenant, record.call, now, outcome)
        .await
    {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "note the call's end"
        );
    }
}

/// Into Postgres, else sealed into Redis, from where it is retried. Lost only when both are away: the stated limit.
async fn write_artifact(call: &Call, sealed: &SealedArtifact) {
    let deps = &call.deps;
    let written = match deps.db.insert_artifact(&call.clinic.sealer, sealed).await {
        Ok(_) => ArtifactWrite::Stored,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "store the artifact"
            );
            match deps
                .store
                .park_artifact(sealed.tenant, sealed.call, &sealed.to_bytes())
                .await
            {
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
    };
    deps.metrics.artifact(written);
}

fn parts(call: &Call, outcome: Outcome, report: SessionReport) -> ArtifactParts {
    let record = &call.record;
    let ended = chrono::TimeDelta::from_std(report.ended_at.since_start()).unwrap_or_default();
    ArtifactParts {
        tenant: record.tenant,
        call: record.call,
        started_at: record.admitted_at,
        clock_started_at: call.started_at,
        ended_at: call.started_at + ended,
        route: record.route,
        dialled: record.dialled.clone(),
        caller: record.caller.clone(),
        outcome,
        transfer: transfer_of(call, &report),
        utterances: report.transcript,
        tools: report.tools.into_iter().map(tool_use).collect(),
        latencies: report.latencies.iter().map(turn_latency).collect(),
        providers: providers(call),
    }
}

/// What was agreed in the conversation; whom Twilio dials next is known, not whether they answer.
fn transfer_of(call: &Call, report: &SessionReport) -> Option<Transfer> {
    if !report.tools.iter().any(hand_over::is_transfer) {
        return None;
    }
    let desk = call.clinic.profile.transfer.as_ref();
    Some(Transfer {
        to: desk.map(|desk| desk.number.clone()),
        result: report.transfer_result(),
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

fn providers(call: &Call) -> ProvidersUsed {
    let llm = call
        .deps
        .config
        .providers
        .llm
        .iter()
        .map(|vendor| match vendor {
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
