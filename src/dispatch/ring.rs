//! One task per waiting call: asks for a worker until one has claimed it or the caller has waited long enough.
//!
//! The task belongs to the gateway that admitted the call. Should that gateway die, Twilio's Dial timeout brings the caller to the `action` URL and so to the fallback.

use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Dispatcher,
    queue::{Ring, Step},
    wall_clock,
};
use crate::domain::{
    call::CallPhase,
    ids::{CallId, Epoch, RoomName, TenantId},
    job::JobMetadata,
};

/// A call in the queue.
#[derive(Clone, Debug)]
pub(super) struct WaitingCall {
    pub(super) tenant: TenantId,
    pub(super) call: CallId,
    pub(super) room: RoomName,
    pub(super) epoch: Epoch,
    /// On this process's monotonic clock.
    pub(super) admitted: Instant,
}

/// What has been done for it.
#[derive(Default)]
struct Progress {
    tried: bool,
    has_room: bool,
}

/// How an attempt to dispatch went.
enum Attempt {
    Sent,
    Failed,
    /// A worker has it.
    Taken,
    /// Nobody needs a worker any more.
    Over,
}

/// Pauses between the tries to end a room.
const DELETE_PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(2),
];

impl Dispatcher {
    /// Rings for a call until it is taken, over or given up.
    pub(super) fn ring(&self, call: WaitingCall) {
        let span = tracing::info_span!("ring", tenant.id = %call.tenant, call.id = %call.call);
        let (dispatcher, hard) = (self.clone(), self.lifecycle.hard());
        let work = async move { dispatcher.ring_until_taken(&call).await };
        self.lifecycle
            .spawn(hard.run_until_cancelled_owned(work.instrument(span)));
    }

    async fn ring_until_taken(&self, call: &WaitingCall) {
        let mut ring = Ring::new(self.policy);
        let mut progress = Progress::default();
        loop {
            match ring.step(call.admitted.elapsed()) {
                Step::WaitUntil(age) => tokio::time::sleep_until(call.admitted + age).await,
                Step::GiveUp => return self.give_up(call).await,
                Step::Dispatch => match self.attempt(call, &mut progress).await {
                    Attempt::Sent => ring.sent(call.admitted.elapsed()),
                    Attempt::Failed => ring.failed(call.admitted.elapsed()),
                    Attempt::Taken => return,
                    Attempt::Over => return self.end_room(&call.room).await,
                },
            }
        }
    }

    async fn attempt(&self, call: &WaitingCall, progress: &mut Progress) -> Attempt {
        // The first attempt asks nobody: the call was admitted a moment ago and the worker should warm up while the SIP leg travels.
        if progress.tried
            && let Some(end) = self.end_of_waiting(call).await
        {
            return end;
        }
        progress.tried = true;
        if !progress.has_room {
            let ((), created) = tokio::join!(self.announce(call), self.rooms.create(&call.room));
            if let Err(error) = created {
                return failed("create room", &error);
            }
            progress.has_room = true;
        }
        let job = JobMetadata {
            tenant: call.tenant,
            call: call.call,
            epoch: call.epoch,
        };
        match self.rooms.dispatch(&call.room, job).await {
            Ok(()) => Attempt::Sent,
            Err(error) => failed("create dispatch", &error),
        }
    }

    /// `None` while the call waits.
    async fn end_of_waiting(&self, call: &WaitingCall) -> Option<Attempt> {
        match self.store.phase(call.tenant, call.call).await {
            Ok(Some(CallPhase::Waiting)) => None,
            Ok(Some(CallPhase::Claimed | CallPhase::Active)) => Some(Attempt::Taken),
            Ok(Some(CallPhase::Ended) | None) => Some(Attempt::Over),
            // Without Redis no worker could claim the call.
            Err(error) => Some(failed("read call phase", &error)),
        }
    }

    /// Indexes that others read: neither holds the call up.
    async fn announce(&self, call: &WaitingCall) {
        let bound = self
            .store
            .bind_room(&call.room, call.tenant, call.call)
            .await;
        let marked = self.store.mark_waiting(call.tenant, wall_clock()).await;
        for error in [bound.err(), marked.err()].into_iter().flatten() {
            tracing::warn!(error = %error, "a waiting call is not indexed");
        }
    }

    async fn give_up(&self, call: &WaitingCall) {
        match self.store.give_up(call.tenant, call.call).await {
            Ok(true) => {
                tracing::warn!("no worker took the call before the ring deadline");
                self.end_room(&call.room).await;
            }
            Ok(false) => self.end_room_of_ended(call).await,
            // Twilio's Dial timeout ends the leg soon; ending the room could cut off a call that was claimed.
            Err(error) => tracing::error!(error = %error, "the ring deadline passed without redis"),
        }
    }

    async fn end_room_of_ended(&self, call: &WaitingCall) {
        if let Ok(Some(CallPhase::Ended) | None) = self.store.phase(call.tenant, call.call).await {
            self.end_room(&call.room).await;
        }
    }

    async fn end_room(&self, room: &RoomName) {
        for pause in DELETE_PAUSES {
            tokio::time::sleep(pause).await;
            match self.rooms.delete(room).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(error = %error, "room not ended"),
            }
        }
    }
}

fn failed(what: &'static str, error: &(dyn std::error::Error + 'static)) -> Attempt {
    tracing::warn!(error, what, "dispatch attempt failed");
    Attempt::Failed
}
