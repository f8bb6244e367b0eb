//! An heir: gets everything ready while another pod still serves the call, listens along, and goes on when the call passes to it.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    call::{Call, EVENT_CAPACITY},
    failure::CallFailure,
    heartbeat,
    pod::PodDeps,
    registration::Assignment,
    standing::Word,
    wall_clock,
    wiring::{Wired, Wires},
};
use crate::{
    pipeline::session::Beginning,
    room::CallRoom,
    storage::redis::{Claim, StoredCall},
    telemetry::labels::Resumption,
};

/// Between two looks whether the call is ours; the word of the pod before us comes sooner.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest wait for a quiet moment.
const PATIENCE: Duration = Duration::from_secs(180);

/// What became of the inheritance.
#[derive(Debug, PartialEq, Eq)]
enum Floor {
    Ours,
    /// The call ended, was taken over, or is to go to another heir.
    Gone,
}

/// Serves a call that is to be inherited.
///
/// # Errors
/// [`CallFailure::Heir`] while the call is not ours yet; its worker keeps it.
pub(super) async fn serve(
    deps: PodDeps,
    stored: StoredCall,
    assignment: &Assignment,
    leave: CancellationToken,
) -> Result<(), CallFailure> {
    let as_heir = |failure| CallFailure::Heir(Box::new(failure));
    let mut call = Call::load(deps, stored, assignment.metadata.epoch)
        .await
        .map_err(as_heir)?;
    // Sets the clock; what is said until the floor is ours is read then.
    find_clock(&mut call).await.map_err(as_heir)?;
    let over = leave.child_token();
    let _end_of_tasks = over.clone().drop_guard();
    let channel = mpsc::channel(EVENT_CAPACITY);
    let wired = call
        .wire(assignment, &over, channel, async |_| {})
        .await
        .map_err(as_heir)?;
    let mut wires = match wired {
        Wired::Ready(wires) => *wires,
        Wired::CalledOff { why, .. } => {
            tracing::info!(?why, "the call is not to be inherited any more");
            return Ok(());
        }
    };
    let Wires { warm, io, room, .. } = &mut wires;
    let floor = wait_for_floor(&call, room, assignment);
    let (floor, overheard) = warm.listen_along(io, floor).await;
    if floor == Floor::Gone {
        tracing::info!("the call is not to be inherited any more");
        wires.room.leave().await;
        return Ok(());
    }
    call.deps.metrics.call_started();
    let _beat = heartbeat::start(&call, wires.events.clone(), &over);
    match call.saved().await.map_err(CallFailure::Session) {
        Ok(restored) => {
            call.deps.metrics.pool().resumed(Resumption::HandOver);
            tracing::info!("a conversation is inherited");
            let beginning = Beginning::HandedOver(restored.unwrap_or_default(), overheard);
            call.hold(wires, beginning, over).await;
            Ok(())
        }
        Err(failure) => {
            call.deps.metrics.call_left();
            call.give_back().await;
            wires.room.leave().await;
            Err(as_heir(failure))
        }
    }
}

/// What this pod hears is stamped by the call's clock, so that is set before anything is heard. The record of a call that an older version answered does not have it, and until the first
/// save, which comes with the first words, nobody knows it.
async fn find_clock(call: &mut Call) -> Result<(), CallFailure> {
    let (begin, mut look) = (Instant::now(), interval(LOOK_EVERY));
    loop {
        look.tick().await;
        let saved = call.restore().await?;
        let is_known = saved.is_some() || call.stored.clock_at.is_some();
        if is_known || begin.elapsed() > PATIENCE {
            return Ok(());
        }
    }
}

/// Says that we are ready until the call is ours. Redis decides; the words in the room only save time.
async fn wait_for_floor(call: &Call, room: &CallRoom, assignment: &Assignment) -> Floor {
    let (begin, mut look) = (Instant::now(), interval(LOOK_EVERY));
    let record = &call.record;
    while begin.elapsed() < PATIENCE {
        tokio::select! {
            _ = look.tick() => room.tell_agents(Word::Ready(record.epoch).to_text()).await,
            () = call.standing.floor() => {}
        }
        let claim = call
            .deps
            .store
            .claim(
                record.tenant,
                record.call,
                record.epoch,
                &call.deps.pod,
                assignment.job.as_str(),
                wall_clock(),
            )
            .await;
        match claim {
            Ok(Claim::Won(_)) => return Floor::Ours,
            Ok(Claim::Heir(_)) => {}
            Ok(Claim::Lost | Claim::Unknown) => return Floor::Gone,
            Err(error) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "look whether the call is ours"
            ),
        }
    }
    Floor::Gone
}
