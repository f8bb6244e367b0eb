//! The end of a call: what Twilio does next, the end of the leg, the artifact.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    artifact::{self, Account},
    call::Call,
    transfer, wall_clock,
};
use crate::{
    domain::{
        call::{CallPhase, NextStep, Outcome},
        call_time::CallTime,
    },
    pipeline::{report::SessionReport, turn::EndReason},
    room::{CallRoom, LossReason},
    storage::{
        postgres::{EndedCall, NewCall},
        redis::{Lapse, WriteError, through_failover},
    },
};

/// A Redis Cluster needs up to so long to replace a primary.
const FAILOVER: Duration = Duration::from_secs(10);

/// Closes a conversation. A call that goes on elsewhere is left alone: no next step, no artifact.
pub(super) async fn finish(
    call: &Call,
    room: &CallRoom,
    report: SessionReport,
    loss: Option<LossReason>,
) {
    let outcome = match report.outcome() {
        None if report.ending == EndReason::RoomLost => outcome_of_loss(call, loss).await,
        outcome => outcome,
    };
    let ended = match outcome {
        Some(outcome) => close(call, room, &report, outcome).await.map(|()| outcome),
        None => Err(NotOurs),
    };
    if ended.is_err() {
        room.leave().await;
        call.deps.metrics.call_left();
    }
    tracing::info!(
        outcome = ended.map_or("elsewhere", Outcome::as_str),
        "call ended here"
    );
}

/// A newer epoch has the call, and its caller is on the line: nothing is ended. A pod that was frozen between the last word and this learns it here.
#[derive(Debug)]
pub(super) struct NotOurs;

async fn close(
    call: &Call,
    room: &CallRoom,
    report: &SessionReport,
    outcome: Outcome,
) -> Result<(), NotOurs> {
    let next = report
        .next_step(&call.clinic.profile)
        .unwrap_or(NextStep::Fallback);
    let account = account(call, report, outcome);
    let sealed = artifact::seal(&call.deps.config, &call.clinic, account);
    // Before the leg ends, because Twilio then asks at once, and the caller may soon be back.
    let is_held = match transfer::dialled_next(call, &next) {
        Some(to) => transfer::prepare(call, to, report, &sealed).await?,
        None => {
            note_next(call, &next).await?;
            false
        }
    };
    room.leave().await;
    // The SIP leg ends, and Twilio posts the `action` URL.
    call.deps.rooms.end(&call.record.room).await;
    end_record(call, outcome).await;
    transfer::note(call, report).await;
    if !is_held {
        artifact::write(&call.deps, &call.clinic, &sealed).await;
    }
    call.deps.metrics.call_ended(outcome, call.origin.elapsed());
    Ok(())
}

fn account<'a>(call: &'a Call, report: &SessionReport, outcome: Outcome) -> Account<'a> {
    Account {
        record: &call.record,
        started_at: call.started_at,
        ended_at: call.started_at + since_start(report.ended_at),
        outcome,
        transcript: report.transcript.clone(),
        tools: report.tools.clone(),
        latencies: report.latencies.clone(),
    }
}

/// A room that we lost without our doing. If the leg has ended the caller hung up; else the caller may still be there, and another agent looks. One that put us out of the
/// room has the call already.
async fn outcome_of_loss(call: &Call, loss: Option<LossReason>) -> Option<Outcome> {
    if loss == Some(LossReason::Removed) {
        return None;
    }
    let (store, record) = (&call.deps.store, &call.record);
    if call.give_back().await != Some(Lapse::Kept) {
        return None;
    }
    match store.load(record.tenant, record.call).await {
        Ok(Some(stored)) if stored.epoch == record.epoch => Some(Outcome::CallerHungUp),
        _ => None,
    }
}

/// The caller has heard the last words, and what Twilio does next rests on this: a Redis that fails over is waited for.
pub(super) async fn patiently<T, F: Future<Output = Result<T, WriteError>>>(
    write: impl FnMut() -> F,
) -> Result<T, WriteError> {
    let is_away = |error: &WriteError| matches!(error, WriteError::Store(_));
    through_failover(FAILOVER, "what comes next is not noted yet", is_away, write).await
}

async fn note_next(call: &Call, next: &NextStep) -> Result<(), NotOurs> {
    let (store, record) = (&call.deps.store, &call.record);
    let noted = patiently(|| store.set_next_step(record.tenant, record.call, record.epoch, next));
    is_noted(noted.await).map(|_| ())
}

/// Whether it is noted; without a next step the gateway answers with the fallback.
pub(super) fn is_noted<T>(noted: Result<T, WriteError>) -> Result<bool, NotOurs> {
    match noted {
        Ok(_) => Ok(true),
        Err(WriteError::Fenced { current }) => {
            tracing::warn!(call.epoch.now = current.0, "a newer epoch owns the call");
            Err(NotOurs)
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what comes next is not noted"
            );
            Ok(false)
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
    let ended = EndedCall {
        begun: NewCall::from(record),
        ended_at: now,
        outcome,
    };
    if let Err(error) = deps.db.end_call(&call.clinic.sealer, &ended).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "note the call's end"
        );
    }
}

fn since_start(at: CallTime) -> TimeDelta {
    TimeDelta::from_std(at.since_start()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ids::Epoch, storage::redis::StoreError};

    #[test]
    fn what_a_newer_epoch_refuses_is_not_ours_to_end_and_what_redis_misses_is() {
        assert!(is_noted(Ok(())).expect("ours"));
        let fenced = WriteError::Fenced { current: Epoch(5) };
        is_noted::<()>(Err(fenced)).expect_err("somebody else's");
        let away = WriteError::Store(StoreError::Malformed("reply"));
        assert!(!is_noted::<()>(Err(away)).expect("ours"));
        assert!(!is_noted::<()>(Err(WriteError::Over)).expect("ours"));
    }
}
