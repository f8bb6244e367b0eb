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
};
use crate::{
    domain::{
        call::{CallPhase, CallRecord},
        call_time::CallTime,
        ids::Epoch,
        job::JobMetadata,
    },
    pipeline::{
        clock::CallClock,
        hearing::VoiceActivity,
        journal::{SaveError, SaveSession},
        session::{self, Beginning, CallEvent, SessionDeps, SessionIo, WarmSession},
        snapshot::Restored,
        toolbox::Toolbox,
        turn::EndReason,
    },
    room::{CallRoom, JoinRequest, RoomFeed},
    storage::{
        postgres::{Clinic, NewCall},
        redis::{Claim, Lapse, Store, StoredCall, WriteError},
    },
    telemetry::labels::{self, Resumption},
    tools::ToolSet,
};

/// Frames between the playout and the track: the pump takes them at once.
const OUT_CAPACITY: usize = 16;
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
}

/// What joins the room and the conversation of one call.
pub(super) struct Wires {
    pub(super) room: CallRoom,
    pub(super) warm: WarmSession,
    pub(super) io: SessionIo,
    pub(super) loss: bridge::Loss,
    /// To the session.
    pub(super) events: mpsc::Sender<CallEvent>,
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
        deps.store.claim(tenant, call, epoch, &deps.pod, job).await
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
        Ok(Self {
            standing: Standing::new(record.call, epoch, mute_after),
            deps,
            record,
            stored,
            clinic,
            origin: Instant::now(),
            started_at: wall_clock(),
        })
    }

    /// Reads the conversation that another pod saved, and sets the call's clock by it. None if that pod saved nothing.
    pub(super) async fn restore(&mut self) -> Result<Option<Restored>, CallFailure> {
        let restored = self.saved().await.map_err(CallFailure::Session)?;
        if let Some(restored) = &restored {
            let now = wall_clock();
            let age = (now - restored.started_at).to_std().unwrap_or_default();
            // Two pods' wall clocks may differ; the call's time never goes back.
            let age = age.max(restored.saved_at.since_start());
            self.started_at = restored.started_at;
            self.origin = Instant::now().checked_sub(age).unwrap_or(self.origin);
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
        let wires = self
            .wire(assignment, &over, (events, session), async |room| {
                if is_new {
                    self.note_begin().await;
                } else {
                    self.remove_predecessors(room).await;
                }
            })
            .await?;
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

    /// Joins and warms up, then publishes: that answers the phone, so everything that can fail slowly is behind us.
    pub(super) async fn wire(
        &self,
        assignment: &Assignment,
        over: &CancellationToken,
        (events, session): (mpsc::Sender<CallEvent>, mpsc::Receiver<CallEvent>),
        before_the_answer: impl AsyncFnOnce(&CallRoom),
    ) -> Result<Wires, CallFailure> {
        let ((room, feed), warm) =
            tokio::try_join!(self.join(assignment, over.clone()), self.warm())?;
        before_the_answer(&room).await;
        let voice = room.publish_voice().await?;
        let (audio_out, frames) = mpsc::channel(OUT_CAPACITY);
        let loss = bridge::Loss::default();
        let tasks = &self.deps.tasks;
        tasks.spawn(bridge::pump_events(
            self.watch(loss.clone()),
            feed.events,
            events.clone(),
            over.clone(),
        ));
        tasks.spawn(bridge::pump_voice(voice, frames, self.standing.clone()));
        let io = SessionIo {
            audio_in: feed.audio,
            audio_out,
            events: session,
            clock: CallClock::new(self.origin),
        };
        Ok(Wires {
            room,
            warm,
            io,
            loss,
            events,
        })
    }

    /// Holds the conversation to its end here.
    pub(super) async fn hold(&self, wires: Wires, beginning: Beginning, over: CancellationToken) {
        let heir = hand_over::ask_for_heir(self, wires.events, &over);
        let report = wires.warm.run(wires.io, beginning).await;
        if report.ending == EndReason::HandedOver {
            hand_over::pass_on(self, &wires.room, heir.ready()).await;
        }
        drop(heir);
        ending::finish(self, &wires.room, report, wires.loss.reason()).await;
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

    async fn join(
        &self,
        assignment: &Assignment,
        over: CancellationToken,
    ) -> Result<(CallRoom, RoomFeed), CallFailure> {
        let url = self.deps.rooms.url();
        let request = JoinRequest {
            url,
            token: &assignment.token,
            origin: self.origin,
        };
        let metrics = Arc::clone(&self.deps.metrics);
        Ok(CallRoom::join(request, &self.deps.tasks, over, metrics).await?)
    }

    async fn warm(&self) -> Result<WarmSession, CallFailure> {
        Ok(session::warm(self.session_deps(), self.voice_activity()).await?)
    }

    fn session_deps(&self) -> SessionDeps {
        let (deps, config) = (&self.deps, &self.deps.config);
        SessionDeps {
            stt: Arc::clone(&deps.providers.stt),
            llm: Arc::clone(&deps.providers.llm),
            tts: Arc::clone(&deps.providers.tts),
            toolbox: self.toolbox(),
            save: self.save(),
            profile: Arc::clone(&self.clinic.profile),
            config: config.pipeline.clone(),
            ring_limit: Duration::from_secs(config.gateway.ring_deadline_secs),
            call_limit: Duration::from_secs(config.worker.max_call_secs),
            started_at: self.started_at,
            tasks: deps.tasks.clone(),
            // Not `leave`: a session that is told to stop hands its caller on, one that has to leave the room lost the call.
            stop: self.deps.hard.clone(),
            metrics: Arc::clone(&deps.metrics),
        }
    }

    fn voice_activity(&self) -> VoiceActivity {
        let (mut input, events) = self.deps.providers.vad.open().split();
        VoiceActivity {
            push: Box::new(move |frame| input.push(frame)),
            events,
        }
    }

    fn toolbox(&self) -> Toolbox {
        let clock = Arc::new(wall_clock);
        let caller = self.record.caller.clone();
        let set = ToolSet::new(
            self.deps.db.clone(),
            self.clinic.clone(),
            self.record.call,
            caller,
            clock,
        )
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
    fn save(&self) -> SaveSession {
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

    fn watch(&self, loss: bridge::Loss) -> bridge::Watch {
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
