//! What stands around a call: whatever happens to it ends it alone, and its caller gets the fallback.

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{call::CallFailure, ending, wall_clock};
use crate::{
    dispatch::Rooms,
    domain::{
        call::{CallPhase, NextStep},
        job::JobMetadata,
    },
    storage::redis::Store,
};

/// Runs a call in a task of its own: a panic in one call ends that call and no other. `give_up` runs if the call was ours and failed.
///
/// # Errors
/// What LiveKit is told of the failure.
pub async fn guarded(
    tasks: &TaskTracker,
    work: impl Future<Output = Result<(), CallFailure>> + Send + 'static,
    give_up: impl Future<Output = ()>,
) -> Result<(), &'static str> {
    match tasks.spawn(work.in_current_span()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => {
            tracing::error!(error = &failure as &dyn std::error::Error, "call failed");
            if failure.owns_the_call() {
                give_up.await;
            }
            Err(failure.fixed_text())
        }
        Err(panic) => {
            tracing::error!(panicked = panic.is_panic(), "call task died");
            give_up.await;
            Err(CallFailure::PANICKED)
        }
    }
}

/// The caller of a call that we own gets the fallback: the next step first, then the end of the leg.
pub async fn give_up(store: &Store, rooms: &Rooms, job: JobMetadata) {
    let JobMetadata {
        tenant,
        call,
        epoch,
    } = job;
    if let Err(error) = store
        .set_next_step(tenant, call, epoch, &NextStep::Fallback)
        .await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "note the fallback"
        );
    }
    match store.load(tenant, call).await {
        Ok(Some(stored)) if stored.epoch == epoch => ending::end_leg(rooms, &stored.room).await,
        Ok(_) => {}
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "load the failed call"
        ),
    }
    if let Err(error) = store
        .set_phase(tenant, call, epoch, CallPhase::Ended, wall_clock())
        .await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "end the failed call"
        );
    }
}
