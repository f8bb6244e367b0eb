//! One call, from its assignment to its artifact: claim, warm up, answer, converse, end. Joins the room and the pipeline, which do not know each other.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    bridge, ending,
    failure::{CallFailure, SessionError},
    guard, hand_over, heartbeat, inherit,
    pod::PodDeps,
    registration::Assignment,
    standing::Standing,
    transfer, wall_clock,
    wiring::{Wired, Wires},
};
use crate::{
    domain::{
        call::{CallPhase, CallRecord},
        call_time::CallTime,
        ids::Epoch,
        job::JobMetadata,
    },
    pipeline::{
        cover::Cover,
        journal::{SaveError, SaveSession},
        session::{Beginning, CallEvent},
        snapshot::Restored,
        toolbox::Toolbox,
        turn::EndReason,
    },
    room::CallRoom,
    storage::{
        postgres::{Clinic, NewCall},
        redis::{Claim, Lapse, Store, StoredCall, WriteError},
    },
    telemetry::labels::{self, Resumption},
    tools::ToolSet,
};

/// Room events on their way to the session.
pub(super) const EVENT_CAPACITY: usize = 32;
/// The redis name of the sealed conversation.
pub(super) const SESSION: &str = "session";

/// A claimed call and all that belongs to it.
pub(super) struct Call {
    pub(super) deps: PodDeps,
    pub(super) record: CallRecord,
    /// The record as Redis holds it.
    pub(super) stored: StoredCall,
    pub(super) clinic: Clinic,
    /// Zero of the call's clock, on both clocks.
    pub(super) origin: Instant,
    pub(super) started_at: DateTime<Utc>,
    pub(super) standing: Standing,
    pub(super) cover: Cover,
}

/// The zero of a call's clock, on both clocks.
struct ClockStart {
    origin: Instant,
    started_at: DateTime<Utc>,
}

impl ClockStart {
    /// As the call's record or its saved conversation has it; now, for a call whose clock nobody has started. Two pods' wall clocks may differ: the call's time does not go back behind `at_least`.
    fn new(started_at: Option<DateTime<Utc>>, at_least: Duration) -> Self {
        let (now, wall) = (Instant::now(), wall_clock());
        let started_at = started_at.unwrap_or(wall);
        let age = (wall - started_at).to_std().unwrap_or_default();
        Self {
            origin: now.checked_sub(age.max(at_least)).unwrap_or(now),
            started_at,
        }
    }
}

/// Serves an assignment to its end. A lost claim is a success: another worker has the call.
///
/// # Errors
/// [`CallFailure`]; nothing was left running.
pub(super) async fn serve(
    deps: PodDeps,
    assignment: Arc<Assignment>,
    leave: CancellationToken,
) -> Result<(), CallFailure> {
    match claim(&deps, &assignment).await? {
        Claimed::Ours(stored) => serve_own(deps, stored, &assignment, leave).await,
        Claimed::Heir(stored) => inherit::serve(deps, stored, &assignment, leave).await,
        Claimed::Lost => Ok(()),
    }
}

async fn serve_own(
    deps: PodDeps,
    stored: StoredCall,
    assignment: &Assignment,
    leave: CancellationToken,
) -> Result<(), CallFailure> {
    let mut call = Call::load(deps, stored, assignment.metadata.epoch).await?;
    let beginning = match call.record.phase {
        CallPhase::Active => Beginning::TakenOver(call.restore().await?.unwrap_or_default()),
        _ => Beginning::New,
    };
    call.deps.metrics.call_started();
    if let Some(why) = beginning.parting(&call.clinic.profile) {
        tracing::info!("a conversation is taken over after its last words");
        ending::close_unheld(&call, beginning, why, None).await;
        return Ok(());
    }
    // Ends the tasks of the call, however it ends.
    let over = leave.child_token();
    let _end_of_tasks = over.clone().drop_guard();
    let result = call.converse(assignment, over, beginning).await;
    if result.is_err() {
        call.deps.metrics.call_left();
    }
    result
}

/// A claim's result, as far as a job needs it.
enum Claimed {
    Ours(StoredCall),
    Heir(StoredCall),
    Lost,
}

async fn claim(deps: &PodDeps, assignment: &Assignment) -> Result<Claimed, CallFailure> {
    let JobMetadata {
        tenant,
        call,
        epoch,
    } = assignment.metadata;
    let claimed = async {
        // First: a job of another project, or of another room, must change nothing of the call that it names.
        match deps.store.load(tenant, call).await? {
            Some(stored) if is_offered_so(&stored, assignment) => {}
            _ => return Ok(Claim::Unknown),
        }
        let job = assignment.job.as_str();
        deps.store
            .claim(tenant, call, epoch, &deps.pod, job, wall_clock())
            .await
    };
    let (label, result) = match claimed.await {
        Ok(Claim::Won(stored)) => (labels::Claim::Won, Ok(Claimed::Ours(*stored))),
        Ok(Claim::Heir(stored)) => (labels::Claim::Won, Ok(Claimed::Heir(*stored))),
        Ok(Claim::Unknown) => (labels::Claim::Refused, Err(CallFailure::NotAdmitted)),
        Ok(Claim::Lost) => (labels::Claim::Lost, Ok(Claimed::Lost)),
        Err(error) => (labels::Claim::Unavailable, Err(CallFailure::Claim(error))),
    };
    deps.metrics.claim(label);
    result
}

/// Whether we offered the call in this room of this project.
fn is_offered_so(stored: &StoredCall, assignment: &Assignment) -> bool {
    let placed = stored.placement.as_ref();
    stored.room.as_str() == assignment.room
        && placed.is_none_or(|placed| placed.project == assignment.link.project)
}

impl Call {
    /// `epoch` is ours: the record of a call that is to be inherited still has its worker's.
    pub(super) async fn load(
        deps: PodDeps,
        mut stored: StoredCall,
        epoch: Epoch,
    ) -> Result<Self, CallFailure> {
        stored.epoch = epoch;
        let clinic = deps
            .db
            .clinic(stored.tenant)
            .await
            .map_err(CallFailure::Clinic)?
            .ok_or(CallFailure::NoClinic)?;
        let record = stored
            .clone()
            .open(&clinic.sealer)
            .map_err(CallFailure::Sealed)?;
        let mute_after = deps.config.pool.lease_mute();
        let clock = ClockStart::new(stored.clock_at, Duration::ZERO);
        Ok(Self {
            standing: Standing::new(record.call, epoch, mute_after),
            deps,
            record,
            stored,
            clinic,
            origin: clock.origin,
            started_at: clock.started_at,
            cover: Cover::default(),
        })
    }

    /// Reads the conversation that another pod saved; none if that pod saved nothing. Sets the call's clock by it: before anything is stamped by that clock, and never after.
    pub(super) async fn restore(&mut self) -> Result<Option<Restored>, CallFailure> {
        let restored = self.saved().await.map_err(CallFailure::Session)?;
        if let Some(restored) = &restored {
            let clock = ClockStart::new(Some(restored.started_at), restored.saved_at.since_start());
            (self.origin, self.started_at) = (clock.origin, clock.started_at);
        }
        Ok(restored)
    }

    /// The conversation as it was saved last, by whatever pod.
    pub(super) async fn saved(&self) -> Result<Option<Restored>, SessionError> {
        let (tenant, call) = (self.record.tenant, self.record.call);
        let Some(saved) = self.deps.store.load_session(tenant, call).await? else {
            return Ok(None);
        };
        let sealer = &self.clinic.sealer;
        let plain = sealer.open_from_redis(SESSION, call, saved.state)?;
        let restored = Restored::decode(plain.expose())?;
        Ok(Some(transfer::corrected(&self.record, restored)))
    }

    /// Another pod takes it over at once, instead of after the lease has lapsed.
    pub(super) async fn give_back(&self) -> Option<Lapse> {
        let job = JobMetadata {
            tenant: self.record.tenant,
            call: self.record.call,
            epoch: self.record.epoch,
        };
        guard::give_back(&self.deps.store, job).await
    }

    async fn converse(
        &self,
        assignment: &Assignment,
        over: CancellationToken,
        beginning: Beginning,
    ) -> Result<(), CallFailure> {
        let is_new = matches!(beginning, Beginning::New);
        let is_back = matches!(&beginning, Beginning::TakenOver(saved) if saved.is_back());
        let (events, session) = mpsc::channel(EVENT_CAPACITY);
        let beat = heartbeat::start(self, events.clone(), &over);
        let wired = self
            .wire(assignment, &over, (events, session), async |room| {
                if is_new {
                    self.note_begin().await;
                } else {
                    self.remove_predecessors(room).await;
                }
            })
            .await?;
        let wires = match wired {
            Wired::Ready(wires) => *wires,
            Wired::CalledOff { why, loss } => {
                tracing::info!(?why, "the call is over before the answer");
                if is_new {
                    self.note_begin().await;
                }
                let why = self.ending_of(why);
                ending::close_unheld(self, beginning, why, loss.reason()).await;
                return Ok(());
            }
        };
        if is_back {
            tracing::info!("a caller is back from a person");
        } else if !is_new {
            tracing::info!("a conversation is taken over");
            self.deps.metrics.pool().resumed(Resumption::TakeOver);
        }
        self.hold(wires, beginning, over).await;
        drop(beat);
        Ok(())
    }

    /// Holds the conversation to its end here.
    pub(super) async fn hold(&self, wires: Wires, beginning: Beginning, over: CancellationToken) {
        let heir = hand_over::ask_for_heir(self, wires.events, &over);
        let report = wires.warm.run(wires.io, beginning).await;
        if report.ending == EndReason::HandedOver {
            hand_over::pass_on(self, &wires.room, heir.ready()).await;
        }
        drop(heir);
        ending::finish(self, Some(&wires.room), report, wires.loss.reason()).await;
    }

    /// Why a call ends that was called off before anybody answered it here.
    fn ending_of(&self, why: CallEvent) -> EndReason {
        match why {
            CallEvent::Fenced => EndReason::Fenced,
            CallEvent::CallerLeft if self.was_answered() => EndReason::CallerLeft,
            CallEvent::CallerLeft => EndReason::NeverCame,
            _ => EndReason::RoomLost,
        }
    }

    /// Whether the caller was in conversation before this pod had the call.
    pub(super) fn was_answered(&self) -> bool {
        self.record.phase == CallPhase::Active
    }

    /// Agents of older epochs leave the room before we speak: their pods are gone, or do not know yet that the call is not theirs.
    async fn remove_predecessors(&self, room: &CallRoom) {
        for identity in room.agents() {
            if !self.standing.is_predecessor(&identity) {
                continue;
            }
            if let Err(error) = self.deps.rooms.remove(&self.record.room, &identity).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an older agent was not removed"
                );
            }
        }
    }

    pub(super) fn toolbox(&self) -> Toolbox {
        let clock = Arc::new(wall_clock);
        let caller = self.record.caller.clone();
        let set = ToolSet::new(
            self.deps.db.clone(),
            self.clinic.clone(),
            self.record.call,
            caller,
            clock,
        )
        .with_attestation(self.record.origin.attestation)
        .with_refer(transfer::refer(self));
        let (mutating, closing, step) = (set.clone(), set.clone(), set.clone());
        Toolbox {
            specs: set.specs(),
            is_mutating: Arc::new(move |name| mutating.is_mutating(name)),
            is_closing: Arc::new(move |name| closing.is_closing(name)),
            run: Arc::new(move |request, turn, at: CallTime| {
                let set = set.clone();
                Box::pin(async move { set.run(request, turn, at).await })
            }),
            run_step: Arc::new(move |requests, turn, at: CallTime| {
                let set = step.clone();
                Box::pin(async move { set.run_step(requests, turn, at).await })
            }),
        }
    }

    /// Seals the conversation and writes it through; an older epoch is told so.
    pub(super) fn save(&self) -> SaveSession {
        let (store, sealer) = (self.deps.store.clone(), self.clinic.sealer.clone());
        let (tenant, call, epoch) = (self.record.tenant, self.record.call, self.record.epoch);
        Arc::new(move |state| {
            let sealed = sealer.seal_for_redis(SESSION, call, state.expose());
            let store: Store = store.clone();
            Box::pin(async move {
                match store
                    .save_session(tenant, call, epoch, sealed.as_bytes())
                    .await
                {
                    Ok(()) => Ok(()),
                    Err(WriteError::Fenced { .. }) => Err(SaveError::Fenced),
                    Err(error) => {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "save the session"
                        );
                        Err(SaveError::Unavailable)
                    }
                }
            })
        })
    }

    /// The call's row. Without Postgres the conversation goes on: the row is written again at the end.
    async fn note_begin(&self) {
        if let Err(error) = self
            .deps
            .db
            .begin_call(&self.clinic.sealer, &NewCall::from(&self.record))
            .await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "note the call's begin"
            );
        }
    }

    pub(super) fn watch(&self, loss: bridge::Loss) -> bridge::Watch {
        bridge::Watch {
            deps: self.deps.clone(),
            tenant: self.record.tenant,
            call: self.record.call,
            epoch: self.record.epoch,
            room: self.record.room.clone(),
            loss,
            standing: self.standing.clone(),
        }
    }
}
