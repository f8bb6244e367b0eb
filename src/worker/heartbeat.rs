//! While a call lives its worker says so: the lease is raised and the concurrent-call slot kept. What the answers mean for the call is told to its session.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{call::Call, pod::PodDeps, standing::Standing, wall_clock};
use crate::{
    dispatch::RoomsError,
    domain::call::{CallPhase, CallRecord},
    pipeline::session::CallEvent,
    storage::redis::{StoredCall, WriteError},
};

/// Between two renewals of the tenant's slot and of its name in the index.
const SLOT_PERIOD: Duration = Duration::from_secs(5);

struct Heart {
    deps: PodDeps,
    record: CallRecord,
    /// To write the record back should Redis lose it.
    stored: StoredCall,
    standing: Standing,
    session: mpsc::Sender<CallEvent>,
    was_well: bool,
}

/// Whether the call goes on here.
enum Pulse {
    Alive,
    Over(CallEvent),
}

/// Beats until the guard is dropped or `over`.
pub(super) fn start(
    call: &Call,
    session: mpsc::Sender<CallEvent>,
    over: &CancellationToken,
) -> DropGuard {
    let stop = over.child_token();
    let guard = stop.clone().drop_guard();
    let heart = Heart {
        deps: call.deps.clone(),
        record: call.record.clone(),
        stored: call.stored.clone(),
        standing: call.standing.clone(),
        session,
        was_well: true,
    };
    call.deps
        .tasks
        .spawn(stop.run_until_cancelled_owned(heart.beat()));
    guard
}

impl Heart {
    async fn beat(mut self) {
        let mut beat = interval(self.deps.config.pool.lease_beat());
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut slot_kept: Option<Instant> = None;
        loop {
            beat.tick().await;
            if let Pulse::Over(event) = self.pulse().await {
                self.standing.end();
                self.standing.call_off(event);
                if self.session.send(event).await.is_err() {
                    tracing::debug!("the session had ended");
                }
                return;
            }
            if slot_kept.is_none_or(|at| at.elapsed() >= SLOT_PERIOD) && self.keep_slot().await {
                slot_kept = Some(Instant::now());
            }
        }
    }

    async fn pulse(&mut self) -> Pulse {
        let CallRecord {
            tenant,
            call,
            epoch,
            ..
        } = self.record;
        let sent = self.standing.now();
        match self.deps.store.raise_lease(tenant, call, epoch).await {
            Ok(_) => {
                self.standing.confirm(sent);
                self.was_well = true;
                self.settle_active().await;
            }
            Err(WriteError::Fenced { current }) => {
                tracing::warn!(call.epoch.now = current.0, "a newer epoch owns the call");
                return Pulse::Over(CallEvent::Fenced);
            }
            Err(WriteError::Over) => return Pulse::Over(CallEvent::CallerLeft),
            Err(WriteError::Unknown) => self.write_back().await,
            Err(WriteError::Store(error)) => {
                if std::mem::take(&mut self.was_well) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the call's lease could not be renewed"
                    );
                }
                return self.ask_the_room().await;
            }
        }
        Pulse::Alive
    }

    /// Redis did not take it at the answer.
    async fn settle_active(&self) {
        if !self.standing.owes_active() {
            return;
        }
        let CallRecord {
            tenant,
            call,
            epoch,
            ..
        } = self.record;
        let phase = CallPhase::Active;
        let noted = self
            .deps
            .store
            .set_phase(tenant, call, epoch, phase, wall_clock());
        match noted.await {
            Ok(_) => self.standing.owe_active(false),
            Err(error) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "note that the call is active"
            ),
        }
    }

    /// Redis lost the record. Nobody else has the call then: whoever takes it over reads the record first.
    async fn write_back(&self) {
        let mut record = self.stored.clone();
        record.phase = CallPhase::Active;
        match self.deps.store.restore(&record, wall_clock()).await {
            Ok(written) => tracing::warn!(written, "redis had lost the call's record"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the call's record could not be written back"
            ),
        }
    }

    /// Redis does not answer. As long as the room has no newer agent, no other pod speaks.
    async fn ask_the_room(&self) -> Pulse {
        let asked = self.standing.now();
        let patience = self.deps.config.pool.lease_mute();
        let asking = async {
            let there = self.deps.rooms.participants(&self.record.room).await?;
            Ok::<Vec<String>, RoomsError>(there.into_iter().map(|other| other.identity).collect())
        };
        match timeout(patience, asking).await {
            Ok(Ok(there)) if self.standing.is_vouched_for(&there) => self.standing.confirm(asked),
            Ok(Ok(there)) if there.iter().any(|other| self.standing.is_successor(other)) => {
                return Pulse::Over(CallEvent::Fenced);
            }
            Ok(Ok(_)) => tracing::warn!("neither redis nor the room vouches for this agent"),
            Ok(Err(error)) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "neither redis nor livekit answers"
            ),
            Err(_) => tracing::warn!("neither redis nor livekit answers"),
        }
        Pulse::Alive
    }

    async fn keep_slot(&self) -> bool {
        let (tenant, call) = (self.record.tenant, self.record.call);
        let slot = self.deps.store.renew_slot(tenant, call, wall_clock()).await;
        let named = self.deps.store.mark_busy(tenant, wall_clock()).await;
        slot.is_ok() && named.is_ok()
    }
}
