//! A call's way to a person, and back.
//!
//! On the webhook route the person is dialled after the leg has ended, so what becomes of it is known only then, to the gateway. Until then the artifact is held, in Redis
//! and in Postgres: a caller whom the person does not take comes back, and the agent that goes on writes the artifact of the whole call. By a trunk the network refers the caller while the agent listens.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

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
        phi::Phi,
    },
    pipeline::{cover::Cover, report::SessionReport, snapshot::Restored},
    storage::{
        postgres::{Db, SealedArtifact},
        redis::StoredCall,
    },
    tools::hand_over::Refer,
};

/// How long it takes at most from the wish to connect the caller to the end of a person's ringing.
const RINGS: Duration = Duration::from_secs(20);
/// A phone rings at least so long, whatever was said before.
const SHORTEST_RING: Duration = Duration::from_secs(12);
/// For the agent's words to be heard before the ring tone.
const LAST_WORDS: Duration = Duration::from_secs(8);
/// Sound on its way to the caller when the last of them is played.
const TAIL: Duration = Duration::from_millis(400);

/// The person rings for half a minute, then listens and presses a key: well within this it is known whether they take the call.
const HOLD: Duration = Duration::from_secs(300);

/// The network's way to a person, where there is one: on the webhook route TwiML is the way.
pub(super) fn refer(call: &Call) -> Option<Refer> {
    let way = Way {
        rooms: call.deps.rooms.clone(),
        db: call.deps.db.clone(),
        cover: call.cover.clone(),
        room: call.record.room.clone(),
        dialled: call.record.dialled.clone(),
        caller: call.record.caller.clone(),
    };
    (call.record.route == Route::Trunk).then(|| -> Refer {
        let way = Arc::new(way);
        Arc::new(move |to| {
            let way = Arc::clone(&way);
            Box::pin(async move { way.take(&to).await })
        })
    })
}

/// How a trunk's caller gets to a person.
struct Way {
    rooms: Rooms,
    db: Db,
    cover: Cover,
    room: RoomName,
    dialled: E164,
    caller: Option<Phi<E164>>,
}

impl Way {
    async fn take(&self, to: &E164) -> TransferResult {
        if self.leads_back(to).await {
            tracing::error!("a person's number leads back to this call: it is not dialled");
            return TransferResult::Failed;
        }
        let began = Instant::now();
        // LiveKit plays a ring tone from now on, in place of the agent.
        let covered = self.cover.begin(LAST_WORDS).await;
        tokio::time::sleep(TAIL).await;
        let rings = RINGS.saturating_sub(began.elapsed()).max(SHORTEST_RING);
        let result = refer_caller(&self.rooms, &self.room, to, rings).await;
        if result == TransferResult::Accepted {
            covered.for_good();
        }
        result
    }

    /// Whoever is dialled at this number would be this pool again, or the line that calls.
    async fn leads_back(&self, to: &E164) -> bool {
        let is_in_the_call = *to == self.dialled
            || self
                .caller
                .as_ref()
                .is_some_and(|caller| caller.expose() == to);
        if is_in_the_call {
            return true;
        }
        match self.db.resolve_number(to).await {
            Ok(owner) => owner.is_some(),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "whether a person's number is a clinic's is unknown"
                );
                false
            }
        }
    }
}

async fn refer_caller(
    rooms: &Rooms,
    room: &RoomName,
    to: &E164,
    rings: Duration,
) -> TransferResult {
    let result = match rooms.refer_caller(room, to, rings).await {
        Ok(()) => TransferResult::Accepted,
        Err(RoomsError::Deadline) => TransferResult::NoAnswer,
        Err(RoomsError::Sip(status)) => {
            tracing::warn!(sip.status = status, "the network did not refer the caller");
            refused_with(status)
        }
        Err(error @ (RoomsError::Unavailable(_) | RoomsError::NoCaller)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "refer the caller");
            TransferResult::Failed
        }
    };
    tracing::info!(transfer = result.as_str(), "the caller was referred");
    result
}

/// What a final status of SIP says of the person: that they did not pick up or are busy, or nothing.
const fn refused_with(status: u16) -> TransferResult {
    match status {
        408 | 480 | 486 | 487 | 600 => TransferResult::NoAnswer,
        _ => TransferResult::Failed,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_that_the_person_is_away_or_that_the_network_will_not() {
        for status in [408, 480, 486, 487, 600] {
            assert_eq!(refused_with(status), TransferResult::NoAnswer, "{status}");
        }
        for status in [400, 403, 405, 488, 500, 503, 603] {
            assert_eq!(refused_with(status), TransferResult::Failed, "{status}");
        }
    }
}
