//! A call's way to a person, and back.
//!
//! On the webhook route the person is dialled after the leg has ended, so what becomes of it is known only then, to the gateway. Until then the artifact is held: a caller whom the
//! person does not take comes back, and the agent that goes on writes the artifact of the whole call. By a trunk the network refers the caller while the agent listens.

use std::{sync::Arc, time::Duration};

use super::{call::Call, wall_clock};
use crate::{
    dispatch::{Rooms, RoomsError},
    domain::{
        call::{NextStep, Route, TransferResult},
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
pub(super) async fn prepare(
    call: &Call,
    to: &E164,
    report: &SessionReport,
    artifact: &SealedArtifact,
) -> bool {
    let (record, store) = (&call.record, &call.deps.store);
    let sealer = &call.clinic.sealer;
    let briefing = report
        .briefing()
        .map(|words| StoredCall::seal_briefing(sealer, record.call, &words));
    let noted = store.set_transfer(
        record.tenant,
        record.call,
        record.epoch,
        to,
        briefing.as_deref().unwrap_or_default(),
    );
    if let Err(error) = noted.await {
        // Without a next step the gateway answers with the fallback.
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "note the transfer"
        );
        return false;
    }
    let bytes = artifact.to_bytes();
    let held = store.hold_artifact(record.tenant, record.call, &bytes, wall_clock(), HOLD);
    match held.await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "hold the artifact"
            );
            false
        }
    }
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

/// The conversation so far of a caller who came back from a person. Without it the call begins anew: the caller has somebody to talk to.
pub(super) async fn came_back(call: &Call, session: &'static str) -> Option<Restored> {
    let record = &call.record;
    let result = record.transfer.filter(|_| record.returns.0 > 0)?;
    match restore(call, session).await {
        Ok(restored) => restored.map(|restored| restored.came_back(result)),
        Err(error) => {
            tracing::error!(error = &*error, "restore the conversation");
            None
        }
    }
}

type RestoreError = Box<dyn std::error::Error + Send + Sync>;

async fn restore(call: &Call, session: &'static str) -> Result<Option<Restored>, RestoreError> {
    let record = &call.record;
    let stored = call
        .deps
        .store
        .load_session(record.tenant, record.call)
        .await?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    let sealer = &call.clinic.sealer;
    let plain = sealer.open_from_redis(session, record.call, stored.state)?;
    Ok(Some(Restored::decode(plain.expose())?))
}
