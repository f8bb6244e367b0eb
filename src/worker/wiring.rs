//! Gets a call's room and vendors ready and answers the phone; or stops at once when the call is over before that.
//!
//! A caller may hang up at any moment between the claim and the answer, and an agent that is still on its way then waits for nobody. Whoever learns of it (the heartbeat from the
//! record, the room's events) says so on [`super::standing::Standing`], and what was being made ready is dropped.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{bridge, call::Call, failure::CallFailure, registration::Assignment};
use crate::{
    domain::call::{CallPhase, Route},
    pipeline::{
        clock::CallClock,
        hearing::VoiceActivity,
        session::{self, CallEvent, SessionDeps, SessionIo, WarmSession},
    },
    room::{CallRoom, JoinRequest, RoomError, RoomFeed},
};

/// Frames between the playout and the track: the pump takes them at once.
const OUT_CAPACITY: usize = 16;

/// What joins the room and the conversation of one call.
pub(super) struct Wires {
    pub(super) room: CallRoom,
    pub(super) warm: WarmSession,
    pub(super) io: SessionIo,
    pub(super) loss: bridge::Loss,
    /// To the session.
    pub(super) events: mpsc::Sender<CallEvent>,
}

/// What came of the preparations.
pub(super) enum Wired {
    /// The phone is answered.
    Ready(Box<Wires>),
    /// The call is not to go on here: nothing is left of the preparations but an agent in the room, perhaps.
    CalledOff {
        /// Why.
        why: CallEvent,
        /// Why the room was lost, if it was.
        loss: bridge::Loss,
    },
}

type Joined = (CallRoom, RoomFeed);

impl Call {
    /// Joins and warms up, then publishes: that answers the phone, so everything that can fail slowly is behind us.
    pub(super) async fn wire(
        &self,
        assignment: &Assignment,
        over: &CancellationToken,
        (events, session): (mpsc::Sender<CallEvent>, mpsc::Receiver<CallEvent>),
        before_the_answer: impl AsyncFnOnce(&CallRoom),
    ) -> Result<Wired, CallFailure> {
        let loss = bridge::Loss::default();
        let ready = async {
            let join = async {
                let (room, feed) = self.join(assignment, over.clone()).await?;
                self.look_for_the_caller(&room);
                self.deps.tasks.spawn(bridge::pump_events(
                    self.watch(loss.clone()),
                    feed.events,
                    events.clone(),
                    over.clone(),
                ));
                Ok::<_, CallFailure>((room, feed.audio))
            };
            let ((room, audio_in), warm) = tokio::try_join!(join, self.warm())?;
            before_the_answer(&room).await;
            let voice = room.publish_voice().await?;
            Ok::<_, CallFailure>((room, audio_in, warm, voice))
        };
        let (room, audio_in, warm, voice) = tokio::select! {
            biased;
            why = self.standing.called_off() => return Ok(Wired::CalledOff { why, loss }),
            () = over.cancelled() => return Ok(Wired::CalledOff { why: CallEvent::RoomLost, loss }),
            ready = ready => match ready {
                Ok(ready) => ready,
                // A room that is gone cannot be joined, nor published in.
                Err(failure) if self.has_ended().await => {
                    tracing::debug!(error = &failure as &dyn std::error::Error, "not got ready");
                    return Ok(Wired::CalledOff { why: CallEvent::CallerLeft, loss });
                }
                Err(failure) => return Err(failure),
            },
        };
        let (audio_out, frames) = mpsc::channel(OUT_CAPACITY);
        let tasks = &self.deps.tasks;
        tasks.spawn(bridge::pump_voice(voice, frames, self.standing.clone()));
        let io = SessionIo {
            audio_in,
            audio_out,
            events: session,
            clock: CallClock::new(self.origin),
        };
        Ok(Wired::Ready(Box::new(Wires {
            room,
            warm,
            io,
            loss,
            events,
        })))
    }

    async fn has_ended(&self) -> bool {
        let phase = self.deps.store.phase(self.record.tenant, self.record.call);
        matches!(phase.await, Ok(Some(CallPhase::Ended)))
    }

    /// A trunk's caller is in the room before anybody is asked to come: who is not there has hung up. On the other route the leg may be slower than the agent, and a conversation's leg may
    /// have vanished with a LiveKit that restarts.
    fn look_for_the_caller(&self, room: &CallRoom) {
        let is_first = self.record.phase == CallPhase::Claimed;
        if self.record.route == Route::Trunk && is_first && !room.has_caller() {
            tracing::info!("the caller hung up before an agent came");
            self.standing.call_off(CallEvent::CallerLeft);
        }
    }

    /// In a task of its own: a join that is given up half-way would leave an agent in the room, and LiveKit makes the room for an agent who comes after its end.
    async fn join(
        &self,
        assignment: &Assignment,
        over: CancellationToken,
    ) -> Result<Joined, RoomError> {
        let (url, token) = (self.deps.rooms.url().clone(), assignment.token.clone());
        let (origin, tasks) = (self.origin, self.deps.tasks.clone());
        let is_in_conversation = self.record.phase == CallPhase::Active;
        let metrics = Arc::clone(&self.deps.metrics);
        let (store, rooms) = (self.deps.store.clone(), self.deps.rooms.clone());
        let (tenant, call, room_name) = (
            self.record.tenant,
            self.record.call,
            self.record.room.clone(),
        );
        let (joined, here) = oneshot::channel();
        self.deps.tasks.spawn(async move {
            let request = JoinRequest {
                url: &url,
                token: &token,
                origin,
                is_in_conversation,
            };
            let result = CallRoom::join(request, &tasks, over, metrics).await;
            if let Err(Ok((room, _))) = joined.send(result) {
                room.leave().await;
                if matches!(store.phase(tenant, call).await, Ok(Some(CallPhase::Ended))) {
                    rooms.end(&room_name).await;
                }
            }
        });
        // The task sends, or it has panicked.
        here.await.unwrap_or(Err(RoomError::Deadline))
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
            cover: self.cover.clone(),
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
}
