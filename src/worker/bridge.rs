//! Between the room and the session, which do not know each other: events one way, sound the other.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    pod::PodDeps,
    standing::{Standing, Word},
    wall_clock,
};
use crate::{
    domain::{
        call::CallPhase,
        ids::{CallId, Epoch, RoomName, TenantId},
    },
    pipeline::{session::CallEvent, voice::OutFrame},
    room::{AgentVoice, LossReason, RoomEvent},
};

/// Why the room was lost, if it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Loss(Arc<Mutex<Option<LossReason>>>);

impl Loss {
    /// The first reason.
    pub(super) fn reason(&self) -> Option<LossReason> {
        *self.0.lock()
    }

    fn note(&self, reason: LossReason) {
        self.0.lock().get_or_insert(reason);
    }
}

/// What an event may need.
pub(super) struct Watch {
    pub(super) deps: PodDeps,
    pub(super) tenant: TenantId,
    pub(super) call: CallId,
    pub(super) epoch: Epoch,
    pub(super) room: RoomName,
    pub(super) loss: Loss,
    pub(super) standing: Standing,
}

/// Brings the room's events to the session, until either ends.
pub(super) async fn pump_events(
    watch: Watch,
    mut events: mpsc::Receiver<RoomEvent>,
    session: mpsc::Sender<CallEvent>,
    over: CancellationToken,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = over.cancelled() => None,
        };
        let Some(event) = event else { return };
        let event = watch.translate(event).await;
        if let Some(why) = event.filter(|event| event.is_end()) {
            watch.standing.call_off(why);
        }
        if let Some(event) = event
            && session.send(event).await.is_err()
        {
            return;
        }
    }
}

impl Watch {
    async fn translate(&self, event: RoomEvent) -> Option<CallEvent> {
        match event {
            RoomEvent::CallerJoined => None,
            RoomEvent::CallerActive => {
                self.note_active();
                Some(CallEvent::CallerActive)
            }
            RoomEvent::CallerBack => Some(CallEvent::CallerBack),
            RoomEvent::CallerLeft => Some(CallEvent::CallerLeft),
            RoomEvent::Dtmf(key) => Some(CallEvent::Dtmf(key)),
            RoomEvent::Intruder(identity) => {
                self.expel(&identity).await;
                None
            }
            RoomEvent::AgentJoined(identity) => self.standing.is_successor(&identity).then(|| {
                self.standing.end();
                CallEvent::Fenced
            }),
            RoomEvent::AgentSaid { from, text } => {
                if let Some(word) = Word::parse(&text) {
                    self.standing.hear(&from, word);
                }
                None
            }
            RoomEvent::Lost(reason) => {
                self.loss.note(reason);
                Some(CallEvent::RoomLost)
            }
        }
    }

    /// Beside the event's path: the greeting does not wait for Redis. What fails is done again by the heartbeat: a call that passes for unanswered would be given up
    /// with its pod.
    fn note_active(&self) {
        let (store, standing) = (self.deps.store.clone(), self.standing.clone());
        let (tenant, call, epoch) = (self.tenant, self.call, self.epoch);
        standing.owe_active(true);
        self.deps.tasks.spawn(async move {
            let noted = store
                .set_phase(tenant, call, epoch, CallPhase::Active, wall_clock())
                .await;
            match noted {
                Ok(_) => standing.owe_active(false),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "note that the call is active"
                ),
            }
        });
    }

    /// A room name is unguessable, so a second caller is a fault or an attack: it is put out before it can listen for long.
    async fn expel(&self, identity: &str) {
        tracing::warn!("a second sip participant is removed");
        if let Err(error) = self.deps.rooms.remove(&self.room, identity).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "remove the second sip participant"
            );
        }
    }
}

/// Brings the agent's sound to the track, as long as this pod may speak. A clear overtakes nothing: it comes after the frames it drops.
pub(super) async fn pump_voice(
    voice: AgentVoice,
    mut frames: mpsc::Receiver<OutFrame>,
    standing: Standing,
) {
    while let Some(frame) = frames.recv().await {
        match frame {
            // What waits in the track must not leave either.
            OutFrame::Sound(_) if !standing.may_speak() => voice.clear(),
            OutFrame::Sound(frame) => {
                if !voice.play(&frame).await {
                    return;
                }
            }
            OutFrame::Clear => voice.clear(),
        }
    }
}
