//! While a call lives its worker says so: the lease is raised and the concurrent-call slot kept.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{call::Call, wall_clock};

/// Between beats: a lapse is declared after a full period without one.
const PERIOD: Duration = Duration::from_secs(2);

/// Beats until the guard is dropped or `over`.
pub(super) fn start(call: &Call, over: CancellationToken) -> DropGuard {
    let stop = over.child_token();
    let guard = stop.clone().drop_guard();
    let store = call.deps.store.clone();
    let (tenant, id, epoch) = (call.record.tenant, call.record.call, call.record.epoch);
    call.deps.tasks.spawn(async move {
        let mut beat = interval(PERIOD);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_well = true;
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = stop.cancelled() => return,
            }
            let lease = store.raise_lease(tenant, id, epoch).await.map(drop);
            let slot = store.renew_slot(tenant, id, wall_clock()).await.map(drop);
            let is_well = lease.is_ok() && slot.is_ok();
            if was_well && !is_well {
                tracing::warn!("the call's lease could not be renewed");
            }
            was_well = is_well;
        }
    });
    guard
}
