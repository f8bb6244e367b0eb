//! One call, from its assignment to its artifact: claim, warm up, answer, converse, end. Joins the room and the pipeline, which do not know each other.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    bridge, ending, heartbeat, pod::PodDeps, registration::Assignment, transfer, wall_clock,
};
use crate::{
    domain::{
        call::{CallPhase, CallRecord, NextStep},
        call_time::CallTime,
        job::JobMetadata,
    },
    pipeline::{
        clock::CallClock,
        hearing::VoiceActivity,
        journal::{SaveError, SaveSession},
        session::{self, SessionDeps, SessionIo, WarmSession},
        toolbox::Toolbox,
    },
    providers::ProviderError,
    room::{CallRoom, JoinRequest, RoomError, RoomFeed},
    storage::{
        postgres::{Clinic, NewCall, StorageError},
        redis::{Claim, SealError, Store, StoreError, StoredCall, WriteError},
    },
    telemetry::labels,
    tools::ToolSet,
};

/// Frames between the playout and the track: the pump takes them at once.
const OUT_CAPACITY: usize = 16;
/// Room events on their way to the session.
const EVENT_CAPACITY: usize = 32;
/// The redis name of the sealed conversation.
const SESSION: &str = "session";

/// Why a call could not be served.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// Redis did not answer the claim: another dispatch will find it.
    #[error("claim the call")]
    Claim(#[source] StoreError),
    /// The room's job names no admitted call, or another room.
    #[error("the room belongs to no admitted call")]
    NotAdmitted,
    /// The clinic could not be loaded.
    #[error("load the clinic")]
    Clinic(#[source] StorageError),
    /// The tenant of an admitted call does not exist.
    #[error("the clinic does not exist")]
    NoClinic,
    /// The record's caller could not be opened.
    #[error("open the call record")]
    Sealed(#[source] SealError),
    /// The room.
    #[error("use the room")]
    Room(#[from] RoomError),
    /// A vendor.
    #[error("warm up the providers")]
    Provider(#[from] ProviderError),
}

impl CallFailure {
    /// What LiveKit is told of a panic.
    pub const PANICKED: &'static str = "agent failed";

    /// Whether the call was ours when it failed: then its caller gets the fallback from us.
    #[must_use]
    pub const fn owns_the_call(&self) -> bool {
        !matches!(self, Self::Claim(_) | Self::NotAdmitted)
    }

    /// What LiveKit is told; never a cause, which may carry an address.
    #[must_use]
    pub const fn fixed_text(&self) -> &'static str {
        match self {
            Self::Claim(_) => "claim failed",
            Self::NotAdmitted => "not admitted",
            Self::Clinic(_) | Self::NoClinic | Self::Sealed(_) => "tenant unavailable",
            Self::Room(_) => "room unavailable",
            Self::Provider(_) => "provider unavailable",
        }
    }
}

/// A claimed call and all that belongs to it.
pub(super) struct Call {
    pub(super) deps: PodDeps,
    pub(super) record: CallRecord,
    pub(super) clinic: Clinic,
    /// Zero of the call's clock, on both clocks.
    pub(super) origin: Instant,
    pub(super) started_at: DateTime<Utc>,
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
    let Some(stored) = claim(&deps, &assignment).await? else {
        return Ok(());
    };
    let call = Call::load(deps, stored).await?;
    call.deps.metrics.call_started();
    // Ends the tasks of the call, however it ends.
    let over = leave.child_token();
    let _end_of_tasks = over.clone().drop_guard();
    let beat = heartbeat::start(&call, over.clone());
    let result = call.converse(&assignment, leave, over).await;
    drop(beat);
    if result.is_err() {
        call.deps
            .metrics
            .call_ended(crate::domain::call::Outcome::Failed, call.origin.elapsed());
    }
    result
}

/// The caller of a call that we own gets the fallback: the next step first, then the end of the leg.
pub(super) async fn give_up(deps: &PodDeps, job: JobMetadata) {
    let JobMetadata {
        tenant,
        call,
        epoch,
    } = job;
    if let Err(error) = deps
        .store
        .set_next_step(tenant, call, epoch, &NextStep::Fallback)
        .await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "note the fallback"
        );
    }
    match deps.store.load(tenant, call).await {
        Ok(Some(stored)) if stored.epoch == epoch => ending::end_leg(deps, &stored.room).await,
        Ok(_) => {}
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "load the failed call"
        ),
    }
    if let Err(error) = deps
        .store
        .set_phase(tenant, call, epoch, CallPhase::Ended, wall_clock())
        .await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "end the failed call"
        );
    }
}

async fn claim(deps: &PodDeps, assignment: &Assignment) -> Result<Option<StoredCall>, CallFailure> {
    let JobMetadata {
        tenant,
        call,
        epoch,
    } = assignment.metadata;
    let claimed = deps
        .store
        .claim(tenant, call, epoch, &deps.pod, assignment.job.as_str())
        .await;
    let (label, result) = match claimed {
        Ok(Claim::Won(stored)) if stored.room.as_str() == assignment.room => {
            (labels::Claim::Won, Ok(Some(*stored)))
        }
        Ok(Claim::Won(_) | Claim::Unknown) => {
            (labels::Claim::Refused, Err(CallFailure::NotAdmitted))
        }
        Ok(Claim::Lost | Claim::Heir(_)) => (labels::Claim::Lost, Ok(None)),
        Err(error) => (labels::Claim::Unavailable, Err(CallFailure::Claim(error))),
    };
    deps.metrics.claim(label);
    result
}

impl Call {
    async fn load(deps: PodDeps, stored: StoredCall) -> Result<Self, CallFailure> {
        let clinic = deps
            .db
            .clinic(stored.tenant)
            .await
            .map_err(CallFailure::Clinic)?
            .ok_or(CallFailure::NoClinic)?;
        let record = stored.open(&clinic.sealer).map_err(CallFailure::Sealed)?;
        Ok(Self {
            deps,
            record,
            clinic,
            origin: Instant::now(),
            started_at: wall_clock(),
        })
    }

    async fn converse(
        &self,
        assignment: &Assignment,
        leave: CancellationToken,
        over: CancellationToken,
    ) -> Result<(), CallFailure> {
        let ((room, feed), warm) =
            tokio::try_join!(self.join(assignment, over.clone()), self.warm(leave))?;
        self.note_begin().await;
        // Publishing answers the phone: everything that can fail slowly is behind us.
        let voice = room.publish_voice().await?;
        let (events_tx, events) = mpsc::channel(EVENT_CAPACITY);
        let (audio_out, frames) = mpsc::channel(OUT_CAPACITY);
        let loss = bridge::Loss::default();
        let tasks = &self.deps.tasks;
        tasks.spawn(bridge::pump_events(
            self.watch(loss.clone()),
            feed.events,
            events_tx,
            over.clone(),
        ));
        tasks.spawn(bridge::pump_voice(voice, frames));
        let io = SessionIo {
            audio_in: feed.audio,
            audio_out,
            events,
            clock: CallClock::new(self.origin),
        };
        let report = warm.run(io).await;
        ending::finish(self, &room, report, loss.reason()).await;
        Ok(())
    }

    async fn join(
        &self,
        assignment: &Assignment,
        over: CancellationToken,
    ) -> Result<(CallRoom, RoomFeed), CallFailure> {
        let url = &self.deps.config.livekit.url;
        let request = JoinRequest {
            url,
            token: &assignment.token,
            origin: self.origin,
        };
        let metrics = Arc::clone(&self.deps.metrics);
        Ok(CallRoom::join(request, &self.deps.tasks, over, metrics).await?)
    }

    async fn warm(&self, leave: CancellationToken) -> Result<WarmSession, CallFailure> {
        let mut deps = self.session_deps(leave);
        deps.restored = transfer::came_back(self, SESSION).await;
        Ok(session::warm(deps).await?)
    }

    fn session_deps(&self, leave: CancellationToken) -> SessionDeps {
        let (deps, config) = (&self.deps, &self.deps.config);
        SessionDeps {
            stt: Arc::clone(&deps.providers.stt),
            llm: Arc::clone(&deps.providers.llm),
            tts: Arc::clone(&deps.providers.tts),
            vad: self.voice_activity(),
            toolbox: self.toolbox(),
            save: self.save(),
            profile: Arc::clone(&self.clinic.profile),
            config: config.pipeline.clone(),
            ring_limit: Duration::from_secs(config.gateway.ring_deadline_secs),
            call_limit: Duration::from_secs(config.worker.max_call_secs),
            started_at: self.started_at,
            restored: None,
            tasks: deps.tasks.clone(),
            stop: leave,
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
        let known = set.clone();
        Toolbox {
            specs: set.specs(),
            is_mutating: Arc::new(move |name| known.is_mutating(name)),
            run: Arc::new(move |request, turn, at: CallTime| {
                let set = set.clone();
                Box::pin(async move { set.run(request, turn, at).await })
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
        }
    }
}
