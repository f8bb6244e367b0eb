//! What stands around a call: whatever happens to it ends it alone, and its caller gets the fallback.

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::{
    failure::{CallFailure, Remedy},
    wall_clock,
};
use crate::{
    dispatch::Rooms,
    domain::{
        call::{CallPhase, NextStep},
        job::JobMetadata,
    },
    storage::redis::{Lapse, Store},
};

/// Runs a call in a task of its own: a panic in one call ends that call and no other. One of the two others runs if the call was ours and failed.
///
/// # Errors
/// What LiveKit is told of the failure.
pub async fn guarded(
    tasks: &TaskTracker,
    work: impl Future<Output = Result<(), CallFailure>> + Send + 'static,
    give_back: impl Future,
    give_up: impl Future<Output = ()>,
) -> Result<(), &'static str> {
    match tasks.spawn(work.in_current_span()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => {
            tracing::error!(error = &failure as &dyn std::error::Error, "call failed");
            match failure.remedy() {
                Remedy::Nothing => {}
                Remedy::GiveBack => {
                    give_back.await;
                }
                Remedy::Fallback => give_up.await,
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

/// A call that we own goes back to where another pod finds it. Returns what became of it; `None` without Redis, where its lease lapses.
pub async fn give_back(store: &Store, job: JobMetadata) -> Option<Lapse> {
    let back = store
        .surrender(job.tenant, job.call, job.epoch, wall_clock())
        .await;
    match back {
        Ok(what) => {
            tracing::info!(?what, "the call is given back");
            Some(what)
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the call's lease will lapse"
            );
            None
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
    let stored = match store.load(tenant, call).await {
        // An heir's call is still its worker's.
        Ok(stored) => match stored.filter(|stored| stored.epoch == epoch) {
            Some(stored) => stored,
            None => return,
        },
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the failed call's lease will lapse"
            );
            return;
        }
    };
    if let Err(error) = store
        .set_next_step(tenant, call, epoch, &NextStep::Fallback)
        .await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "note the fallback"
        );
    }
    rooms.end(&stored.room).await;
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
