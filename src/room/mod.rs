//! The LiveKit room of one call: join, the caller's sound in, the agent's sound out, DTMF. The only importer of the `livekit` SDK.
//!
//! A caller is a participant of kind SIP; there is exactly one. Whoever else comes is reported as an intruder and never heard.

mod caller;
mod inbound;
mod outbound;

use std::{sync::Arc, time::Duration};

use livekit::{
    participant::ParticipantKind,
    prelude::{ConnectionState, DataPacket, Room, RoomOptions},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

pub use self::{inbound::EventReader, outbound::AgentVoice};
use crate::{media::frame::AudioFrame, telemetry::metrics::Metrics};

/// Two seconds of the caller; a full channel drops the newest frame and counts it.
const AUDIO_CAPACITY: usize = 100;
/// Events are few; the reader waits when the call is slow.
const EVENT_CAPACITY: usize = 32;

/// The SDK alone would try for over a minute, with the caller in silence.
const JOIN_DEADLINE: Duration = Duration::from_secs(10);

/// The topic under which agents of one call talk to each other.
const AGENTS_TOPIC: &str = "neurality.agents";

/// A room that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The server refused us, or cannot be reached.
    #[error("join the room")]
    Join(#[source] Box<livekit::RoomError>),
    /// The server lets us in, and no sound gets through: another pod may be better placed.
    #[error("join the room in time")]
    Deadline,
    /// The agent's track was refused.
    #[error("publish the agent's track")]
    Publish(#[source] Box<livekit::RoomError>),
}

/// What happens in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// The caller's leg is in the room and rings.
    CallerJoined,
    /// The caller hears us: `sip.callStatus` is `active`.
    CallerActive,
    /// The caller's leg had vanished, is back, and is heard again.
    CallerBack,
    /// The caller hung up, or the leg vanished and stayed away.
    CallerLeft,
    /// A key was pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    Dtmf(char),
    /// A second SIP participant came.
    Intruder(String),
    /// Another agent came: its identity.
    AgentJoined(String),
    /// An agent said something to the others.
    AgentSaid {
        /// Its identity.
        from: String,
        /// What.
        text: String,
    },
    /// We are out of the room, and why.
    Lost(LossReason),
}

/// Why we are out of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// The room was deleted or closed.
    RoomClosed,
    /// A newer epoch removed us: not the end of the call.
    Removed,
    /// The connection could not be restored.
    Connection,
}

/// How to join.
#[derive(Debug)]
pub struct JoinRequest<'a> {
    /// `ws://` or `wss://` of the server.
    pub url: &'a Url,
    /// The job's token.
    pub token: &'a str,
    /// The zero of the call's clock.
    pub origin: Instant,
    /// The caller was on the line before us: if they are not there, their leg has vanished, and may come back.
    pub is_in_conversation: bool,
}

/// What the room feeds the call with.
#[derive(Debug)]
pub struct RoomFeed {
    /// The caller's sound.
    pub audio: mpsc::Receiver<AudioFrame>,
    /// What happens.
    pub events: mpsc::Receiver<RoomEvent>,
}

/// A joined room.
#[derive(Debug)]
pub struct CallRoom {
    room: Arc<Room>,
}

impl CallRoom {
    /// Joins, and starts to read the caller. The reader's tasks run on `tasks` and end with `stop` or with the room.
    ///
    /// # Errors
    /// [`RoomError::Join`], [`RoomError::Deadline`].
    pub async fn join(
        request: JoinRequest<'_>,
        tasks: &TaskTracker,
        stop: CancellationToken,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, RoomFeed), RoomError> {
        let joined = Room::connect(request.url.as_str(), request.token, RoomOptions::default());
        let (room, room_events) = timeout(JOIN_DEADLINE, joined)
            .await
            .map_err(|_| RoomError::Deadline)?
            .map_err(|e| RoomError::Join(Box::new(e)))?;
        let room = Arc::new(room);
        let (audio_tx, audio) = mpsc::channel(AUDIO_CAPACITY);
        let (event_tx, events) = mpsc::channel(EVENT_CAPACITY);
        let reader = EventReader::new(
            Arc::clone(&room),
            audio_tx,
            event_tx,
            request,
            tasks.clone(),
            stop,
            metrics,
        );
        tasks.spawn(reader.run(room_events));
        Ok((Self { room }, RoomFeed { audio, events }))
    }

    /// Publishes the agent's track. On the SIP side this answers the phone.
    ///
    /// # Errors
    /// [`RoomError::Publish`].
    pub async fn publish_voice(&self) -> Result<AgentVoice, RoomError> {
        AgentVoice::publish(&self.room).await
    }

    /// Whether a caller is in the room.
    #[must_use]
    pub fn has_caller(&self) -> bool {
        let mut others = self.room.remote_participants().into_values();
        others.any(|other| other.kind() == ParticipantKind::Sip)
    }

    /// Identities of the agents that are in the room beside us.
    #[must_use]
    pub fn agents(&self) -> Vec<String> {
        let others = self.room.remote_participants().into_values();
        others
            .filter(|other| other.kind() == ParticipantKind::Agent)
            .map(|other| other.identity().to_string())
            .collect()
    }

    /// Says something to the other agents in the room. It may get lost.
    pub async fn tell_agents(&self, text: String) {
        let packet = DataPacket {
            payload: text.into_bytes(),
            topic: Some(AGENTS_TOPIC.to_owned()),
            reliable: true,
            destination_identities: self.agents().into_iter().map(Into::into).collect(),
        };
        if packet.destination_identities.is_empty() {
            return;
        }
        if let Err(error) = self.room.local_participant().publish_data(packet).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "word to the other agents"
            );
        }
    }

    /// Leaves. A room that is already gone is left.
    pub async fn leave(&self) {
        leave(&self.room).await;
    }
}

async fn leave(room: &Room) {
    if room.connection_state() == ConnectionState::Disconnected {
        return;
    }
    if let Err(error) = room.close().await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "the room was gone before we left"
        );
    }
}
