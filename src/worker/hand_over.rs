//! A draining pod gives its calls away: it asks for an heir, waits until that is ready, and yields between two turns. If no pod has room, the call stays.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    call::Call,
    standing::{Standing, Word},
    wall_clock,
};
use crate::{
    domain::{call::CallRecord, ids::Epoch},
    pipeline::session::CallEvent,
    room::CallRoom,
    storage::redis::{Store, WriteError},
    telemetry::{labels::HandOver, metrics::Metrics},
};

/// How long an heir may take from being asked for to being ready; then another is asked for.
const PATIENCE: Duration = Duration::from_secs(12);
/// Before a request is made again that may have been carried out: sooner than an heir can come.
const AGAIN: Duration = Duration::from_millis(100);
/// Before a request that was refused is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// The search for an heir; dropping it ends it.
pub(super) struct Search {
    ready: Arc<Mutex<Option<Epoch>>>,
    _stop: DropGuard,
}

impl Search {
    /// The heir that is ready.
    pub(super) fn ready(&self) -> Option<Epoch> {
        *self.ready.lock()
    }
}

struct Seeker {
    store: Store,
    record: CallRecord,
    standing: Standing,
    session: mpsc::Sender<CallEvent>,
    ready: Arc<Mutex<Option<Epoch>>>,
    metrics: Arc<Metrics>,
}

/// Once the pod drains, looks for an heir and tells the session to yield to it.
pub(super) fn ask_for_heir(
    call: &Call,
    session: mpsc::Sender<CallEvent>,
    over: &CancellationToken,
) -> Search {
    let (stop, ready) = (over.child_token(), Arc::default());
    let seeker = Seeker {
        store: call.deps.store.clone(),
        record: call.record.clone(),
        standing: call.standing.clone(),
        session,
        ready: Arc::clone(&ready),
        metrics: Arc::clone(&call.deps.metrics),
    };
    let drain = call.deps.drain.clone();
    let search = stop.clone().run_until_cancelled_owned(async move {
        drain.cancelled().await;
        seeker.seek().await;
    });
    call.deps.tasks.spawn(search);
    Search {
        ready,
        _stop: stop.drop_guard(),
    }
}

impl Seeker {
    async fn seek(self) {
        loop {
            let CallRecord {
                tenant,
                call,
                epoch,
                ..
            } = self.record;
            let asked = self
                .store
                .hand_over(tenant, call, epoch, wall_clock())
                .await;
            match asked {
                Ok(heir) => {
                    self.standing.expect_heir(heir);
                    if timeout(PATIENCE, self.standing.heir_is_ready(heir))
                        .await
                        .is_ok()
                    {
                        return self.yield_to(heir).await;
                    }
                    self.metrics.pool().handed_over(HandOver::Failed);
                }
                // The heartbeat tells the session.
                Err(WriteError::Fenced { .. }) => return,
                // It may have been named all the same, and would pass for a stranger: at once.
                Err(WriteError::Store(error)) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "ask for an heir");
                    sleep(AGAIN).await;
                }
                // Over: it rings, and will be in conversation soon, or it has ended.
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "ask for an heir");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn yield_to(self, heir: Epoch) {
        *self.ready.lock() = Some(heir);
        if self.session.send(CallEvent::Yield).await.is_err() {
            tracing::debug!("the call ended before its heir was ready");
        }
    }
}

/// The conversation is saved and silent: the call passes to its heir. If that cannot be written, it is given back and taken over.
pub(super) async fn pass_on(call: &Call, room: &CallRoom, heir: Option<Epoch>) {
    let Some(heir) = heir else {
        tracing::error!("a call was yielded to nobody");
        return;
    };
    let record = &call.record;
    let yielded = call
        .deps
        .store
        .yield_to(record.tenant, record.call, record.epoch, heir)
        .await;
    call.standing.end();
    match yielded {
        Ok(()) => {
            room.tell_agents(Word::Yours(heir).to_text()).await;
            call.deps.metrics.pool().handed_over(HandOver::Yielded);
            tracing::info!(heir.epoch = heir.0, "the call passed to its heir");
        }
        Err(error) => {
            call.deps.metrics.pool().handed_over(HandOver::Failed);
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the call could not be passed to its heir"
            );
            call.give_back().await;
        }
    }
}
