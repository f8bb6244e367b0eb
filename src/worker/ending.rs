//! The end of a call: what Twilio does next, the end of the leg, the artifact.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    artifact::{self, Account},
    call::Call,
    transfer,
};
use crate::{
    domain::{
        call::{CallPhase, NextStep, Outcome},
        call_time::CallTime,
    },
    pipeline::{
        clock::CallClock, report::SessionReport, session::Beginning, snapshot::Restored,
        turn::EndReason,
    },
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
    room: Option<&CallRoom>,
    report: SessionReport,
    loss: Option<LossReason>,
) {
    let outcome = match report.outcome() {
        None if report.ending == EndReason::RoomLost => outcome_of_loss(call, &report, loss).await,
        outcome => outcome,
    };
    let ended = match outcome {
        Some(outcome) => close(call, room, &report, outcome).await.map(|()| outcome),
        None => Err(NotOurs),
    };
    if ended.is_err() {
        leave(room).await;
        call.deps.metrics.call_left();
    }
    tracing::info!(
        outcome = ended.map_or("elsewhere", Outcome::as_str),
        "call ended here"
    );
}

/// Closes a call whose conversation is not held here: it is over before the answer, or had said its last words on another pod.
pub(super) async fn close_unheld(
    call: &Call,
    beginning: Beginning,
    why: EndReason,
    loss: Option<LossReason>,
) {
    let restored = match beginning {
        Beginning::New => Restored::default(),
        Beginning::TakenOver(restored) | Beginning::HandedOver(restored, _) => restored,
    };
    let now = CallClock::new(call.origin).now();
    let report = SessionReport::unheld(restored, why, now);
    finish(call, None, report, loss).await;
}

async fn leave(room: Option<&CallRoom>) {
    if let Some(room) = room {
        room.leave().await;
    }
}

/// A newer epoch has the call, and its caller is on the line: nothing is ended. A pod that was frozen between the last word and this learns it here.
#[derive(Debug)]
pub(super) struct NotOurs;

async fn close(
    call: &Call,
    room: Option<&CallRoom>,
    report: &SessionReport,
    outcome: Outcome,
) -> Result<(), NotOurs> {
    let next = report
        .next_step(&call.clinic.profile)
        .unwrap_or(NextStep::Fallback);
    let ended_at = ended_at(call, report, outcome).await;
    let account = account(call, report, outcome, ended_at);
    let sealed = artifact::seal(&call.deps.config, &call.clinic, account);
    // Before the leg ends, because Twilio then asks at once, and the caller may soon be back.
    let is_held = match transfer::dialled_next(call, &next) {
        Some(to) => transfer::prepare(call, to, report, &sealed).await?,
        None => {
            note_next(call, &next).await?;
            false
        }
    };
    leave(room).await;
    // The SIP leg ends, and Twilio posts the `action` URL.
    call.deps.rooms.end(&call.record.room).await;
    end_record(call, outcome, ended_at).await;
    transfer::note(call, report).await;
    if !is_held {
        artifact::write(&call.deps, &call.clinic, &sealed).await;
    }
    call.deps.metrics.call_ended(outcome, call.origin.elapsed());
    Ok(())
}

/// When the call ended. A caller who hung up may have been gone for a moment when this pod learned of it: the call's record says since when.
async fn ended_at(call: &Call, report: &SessionReport, outcome: Outcome) -> DateTime<Utc> {
    let noticed = call.started_at + since_start(report.ended_at);
    if !matches!(outcome, Outcome::Abandoned | Outcome::CallerHungUp) {
        return noticed;
    }
    let (store, record) = (&call.deps.store, &call.record);
    match store.load(record.tenant, record.call).await {
        Ok(stored) => stored
            .and_then(|stored| stored.ended_at)
            .map_or(noticed, |ended_at| ended_at.clamp(call.started_at, noticed)),
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the end as this pod noticed it"
            );
            noticed
        }
    }
}

fn account<'a>(
    call: &'a Call,
    report: &SessionReport,
    outcome: Outcome,
    ended_at: DateTime<Utc>,
) -> Account<'a> {
    Account {
        record: &call.record,
        started_at: call.started_at,
        ended_at,
        outcome,
        transcript: report.transcript.clone(),
        tools: report.tools.clone(),
        latencies: report.latencies.clone(),
    }
}

/// A room that we lost without our doing. If the leg has ended the caller hung up; else the caller may still be there, and another agent looks. One that put us out of the
/// room has the call already.
async fn outcome_of_loss(
    call: &Call,
    report: &SessionReport,
    loss: Option<LossReason>,
) -> Option<Outcome> {
    if loss == Some(LossReason::Removed) {
        return None;
    }
    let (store, record) = (&call.deps.store, &call.record);
    if call.give_back().await != Some(Lapse::Kept) {
        return None;
    }
    match store.load(record.tenant, record.call).await {
        Ok(Some(stored)) if stored.epoch == record.epoch => Some(
            // While it rings, nobody has hung up on anybody.
            if call.was_answered() || report.answered_at.is_some() {
                Outcome::CallerHungUp
            } else {
                Outcome::Abandoned
            },
        ),
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

async fn end_record(call: &Call, outcome: Outcome, ended_at: DateTime<Utc>) {
    let (deps, record) = (&call.deps, &call.record);
    if let Err(error) = deps
        .store
        .set_phase(
            record.tenant,
            record.call,
            record.epoch,
            CallPhase::Ended,
            ended_at,
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
        ended_at,
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
