//! A call's way to a person, and back.
//!
//! On the webhook route the person is dialled after the leg has ended, so what becomes of it is known only then, to the gateway. Until then the artifact is held, in Redis
//! and in Postgres: a caller whom the person does not take comes back, and the agent that goes on writes the artifact of the whole call. By a trunk the network refers the caller while the agent listens.

use std::{sync::Arc, time::Duration};

use super::{
    call::Call,
    ending::{self, NotOurs},
    parked, wall_clock,
};
use crate::{
    dispatch::{Rooms, RoomsError},
    domain::{
        call::{CallRecord, NextStep, Route, TransferResult},
        e164::E164,
        ids::RoomName,
    },
    pipeline::{report::SessionReport, snapshot::Restored},
    storage::{postgres::SealedArtifact, redis::StoredCall},
    tools::hand_over::Refer,
};

/// Seconds that the phone of a person rings whom the network is asked to call.
const RINGS: Duration = Duration::from_secs(20);

/// The person rings for half a minute, then listens and presses a key: well within this it is known whether they take the call.
const HOLD: Duration = Duration::from_secs(300);

/// The network's way to a person, where there is one: on the webhook route TwiML is the way.
pub(super) fn refer(call: &Call) -> Option<Refer> {
    let (rooms, room) = (call.deps.rooms.clone(), call.record.room.clone());
    (call.record.route == Route::Trunk).then(|| -> Refer {
        Arc::new(move |to| {
            let (rooms, room) = (rooms.clone(), room.clone());
            Box::pin(async move { refer_caller(&rooms, &room, &to).await })
        })
    })
}

async fn refer_caller(rooms: &Rooms, room: &RoomName, to: &E164) -> TransferResult {
    let result = match rooms.refer_caller(room, to, RINGS).await {
        Ok(()) => TransferResult::Accepted,
        Err(RoomsError::Deadline) => TransferResult::NoAnswer,
        Err(error @ (RoomsError::Unavailable(_) | RoomsError::NoCaller)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "refer the caller");
            TransferResult::Failed
        }
    };
    tracing::info!(transfer = result.as_str(), "the caller was referred");
    result
}

/// Whom Twilio dials after the leg.
pub(super) fn dialled_next<'a>(call: &Call, next: &'a NextStep) -> Option<&'a E164> {
    match (call.record.route, next) {
        (Route::Webhook, NextStep::Transfer { to }) => Some(to),
        _ => None,
    }
}

/// Leaves word for the person and holds the artifact. Returns whether it is held; else it must be written now, and the caller cannot come back.
///
/// # Errors
/// [`NotOurs`]: nothing was written.
pub(super) async fn prepare(
    call: &Call,
    to: &E164,
    report: &SessionReport,
    artifact: &SealedArtifact,
) -> Result<bool, NotOurs> {
    let (record, store) = (&call.record, &call.deps.store);
    let sealer = &call.clinic.sealer;
    let briefing = report
        .briefing()
        .map(|words| StoredCall::seal_briefing(sealer, record.call, &words));
    let briefing = briefing.as_deref().unwrap_or_default();
    let noted = ending::patiently(|| {
        store.set_transfer(record.tenant, record.call, record.epoch, to, briefing)
    });
    if !ending::is_noted(noted.await)? {
        return Ok(false);
    }
    parked::keep(&call.deps, artifact, wall_clock() + HOLD).await;
    let bytes = artifact.to_bytes();
    let held = store.hold_artifact(record.tenant, record.call, &bytes, wall_clock(), HOLD);
    if let Err(error) = held.await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "hold the artifact"
        );
        return Ok(false);
    }
    // Now, while the caller cannot be back yet: a call that comes back is unwritten again.
    if let Err(error) = store.written(record.tenant, record.call).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a pod may adopt a call whose artifact is held"
        );
    }
    Ok(true)
}

/// Notes in the call's row what became of a transfer in the conversation itself.
pub(super) async fn note(call: &Call, report: &SessionReport) {
    let Some(result) = report.transfer_result() else {
        return;
    };
    let desk = call.clinic.profile.transfer.as_ref();
    let to = desk
        .filter(|_| result != TransferResult::Closed)
        .map(|desk| &desk.number);
    let (deps, record) = (&call.deps, &call.record);
    let noted = deps
        .db
        .note_transfer(record.tenant, record.call, to, result);
    if let Err(error) = noted.await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "note the transfer's result"
        );
    }
}

/// Corrects the conversation of a caller who has come back from a person, unless that is done already.
pub(super) fn corrected(record: &CallRecord, restored: Restored) -> Restored {
    match record.transfer.filter(|_| record.returns.0 > 0) {
        Some(result) => restored.came_back(result),
        None => restored,
    }
}
