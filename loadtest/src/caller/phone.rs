//! The caller's phone behind livekit-sip: a room participant that behaves as that gateway's legs do.
//!
//! It rings, deaf, until it is subscribed to an audio track that somebody published; then it is `active`, and hears the agent
//! from its first packet on. Removed while it rings it is busy.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use livekit::{
    DisconnectReason,
    options::TrackPublishOptions,
    prelude::{
        LocalAudioTrack, LocalTrack, RemoteTrack, Room, RoomEvent, RoomOptions, SipDTMF,
        TrackSource,
    },
    webrtc::{
        audio_source::{AudioSourceOptions, RtcAudioSource, native::NativeAudioSource},
        audio_track::RtcAudioTrack,
    },
};
use livekit_api::access_token::AccessTokenError;
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    LiveKitAccess,
    ear::{self, Voice},
    line::Line,
    mouth::{Mouth, TRACK_RATE},
    token::{SipParticipant, sip_token},
};

/// For joining, publishing, one request.
const STEP_DEADLINE: Duration = Duration::from_secs(10);
/// Sound queued in the track before the mouth waits.
const QUEUE_MS: u32 = 20;

/// A leg that did not come up as a leg.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The token could not be signed.
    #[error("sign the SIP participant's token")]
    Token(#[from] AccessTokenError),
    /// LiveKit refused something.
    #[error("{what}")]
    Room {
        /// What was being done.
        what: &'static str,
        /// LiveKit's reason.
        source: Box<livekit::RoomError>,
    },
    /// The far side removed the leg before it rang.
    #[error("the leg was removed")]
    Removed,
    /// LiveKit did not answer in time.
    #[error("{0}: no answer in time")]
    Late(&'static str),
}

/// A leg in the room.
#[derive(Debug)]
pub(super) struct Phone {
    room: Arc<Room>,
    events: UnboundedReceiver<RoomEvent>,
    /// What happened while the caller's track was being published.
    early: VecDeque<RoomEvent>,
    source: NativeAudioSource,
    own: RtcAudioTrack,
    line: Arc<Line>,
    tasks: TaskTracker,
    stop: CancellationToken,
    open_at: Instant,
}

/// What came of ringing.
#[derive(Debug)]
pub(super) enum Ringing {
    /// An audio track: the call is up.
    Answered(Voice),
    /// Nobody answered in time.
    NoAnswer,
    /// The far side removed the leg.
    Rejected,
    /// The connection to LiveKit broke.
    Lost,
}

/// How a leg that was up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The far side ended it.
    Bye,
    /// The connection to LiveKit broke.
    Lost,
}

impl Phone {
    /// Joins as a ringing leg and publishes the caller's track.
    ///
    /// # Errors
    /// [`PhoneError`].
    pub(super) async fn join(
        access: &LiveKitAccess,
        who: &SipParticipant<'_>,
        line: Arc<Line>,
    ) -> Result<Self, PhoneError> {
        let token = sip_token(&access.api_key, &access.api_secret, who)?;
        let joining = Room::connect(&access.url, &token, RoomOptions::default());
        let (room, mut events) = in_time("join the room", joining).await?;
        let source = NativeAudioSource::new(AudioSourceOptions::default(), TRACK_RATE, 1, QUEUE_MS);
        let track =
            LocalAudioTrack::create_audio_track("phone", RtcAudioSource::Native(source.clone()));
        let own = track.rtc_track();
        let options = TrackPublishOptions {
            source: TrackSource::Microphone,
            red: false,
            ..TrackPublishOptions::default()
        };
        let participant = room.local_participant();
        let publishing = in_time(
            "publish the caller's track",
            participant.publish_track(LocalTrack::Audio(track), options),
        );
        let early = until_done(publishing, &mut events).await?;
        Ok(Self {
            room: Arc::new(room),
            events,
            early,
            source,
            own,
            line,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            open_at: Instant::now(),
        })
    }

    /// Rings until something comes of it.
    pub(super) async fn ring(&mut self, limit: Duration) -> Ringing {
        let deadline = Instant::now() + limit;
        loop {
            match timeout_at(deadline, self.next_event()).await {
                Err(_) => return Ringing::NoAnswer,
                Ok(None) => return Ringing::Lost,
                Ok(Some(RoomEvent::TrackSubscribed {
                    track: RemoteTrack::Audio(track),
                    participant,
                    ..
                })) => {
                    return Ringing::Answered(Voice {
                        identity: participant.identity().to_string(),
                        track: track.rtc_track(),
                    });
                }
                Ok(Some(RoomEvent::Disconnected { reason })) => {
                    return if over(reason) == Over::Bye {
                        Ringing::Rejected
                    } else {
                        Ringing::Lost
                    };
                }
                Ok(Some(_)) => {}
            }
        }
    }

    /// Takes the answer: `active`, sound in both directions. The phone's first packet comes after `first_packet`.
    ///
    /// # Errors
    /// [`PhoneError`] if LiveKit does not take the new state.
    pub(super) async fn answered(
        &mut self,
        voice: Voice,
        first_packet: Duration,
    ) -> Result<Mouth, PhoneError> {
        self.open_at = Instant::now() + first_packet;
        let active = HashMap::from([("sip.callStatus".to_owned(), "active".to_owned())]);
        let (mouth, moving) = Mouth::new(self.source.clone());
        self.own_task(ear::record_own(self.own.clone(), self.line.clone()));
        self.own_task(ear::listen(voice, self.line.clone(), self.open_at));
        let open_at = self.open_at;
        self.own_task(async move {
            tokio::time::sleep_until(open_at).await;
            moving.await;
        });
        in_time("become active", self.show(active)).await?;
        Ok(mouth)
    }

    /// Sets attributes and waits until the room shows them. The SDK misses LiveKit's answer when it comes before the SDK begins
    /// to wait for it, and then reports a timeout of its own.
    async fn show(&self, attributes: HashMap<String, String>) -> Result<(), livekit::RoomError> {
        let own = self.room.local_participant();
        let shown = async {
            let has = |all: &HashMap<_, _>| attributes.iter().all(|(k, v)| all.get(k) == Some(v));
            while !has(&own.attributes()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let refused = async {
            match own.set_attributes(attributes.clone()).await {
                Err(error @ livekit::RoomError::Request { .. }) => error,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shown => Ok(()),
            error = refused => Err(error),
        }
    }

    /// Waits until the far side ends the call, and listens to the tracks that come meanwhile.
    pub(super) async fn until_over(&mut self) -> Over {
        loop {
            match self.next_event().await {
                None => return Over::Lost,
                Some(RoomEvent::Disconnected { reason }) => {
                    tracing::debug!(?reason, "the leg was ended");
                    return over(reason);
                }
                Some(RoomEvent::TrackSubscribed {
                    track: RemoteTrack::Audio(track),
                    participant,
                    ..
                }) => {
                    let voice = Voice {
                        identity: participant.identity().to_string(),
                        track: track.rtc_track(),
                    };
                    self.own_task(ear::listen(voice, self.line.clone(), self.open_at));
                }
                Some(_) => {}
            }
        }
    }

    /// Cancel-safe.
    async fn next_event(&mut self) -> Option<RoomEvent> {
        match self.early.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        }
    }

    /// A handle for pressing keys.
    pub(super) fn keys(&self) -> Keys {
        Keys(self.room.clone())
    }

    /// Leaves and ends all tasks. A leg that is gone is left.
    pub(super) async fn hang_up(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = in_time("leave the room", self.room.close()).await {
            tracing::debug!(%error, "the room was gone before the caller left");
        }
    }

    fn own_task(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = work => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

impl Drop for Phone {
    /// A call that is abandoned in the middle ends its tasks, too.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Does something in the room; gives what happened meanwhile.
async fn until_done<T>(
    work: impl Future<Output = Result<T, PhoneError>>,
    events: &mut UnboundedReceiver<RoomEvent>,
) -> Result<VecDeque<RoomEvent>, PhoneError> {
    tokio::pin!(work);
    let mut early = VecDeque::new();
    loop {
        tokio::select! {
            done = &mut work => return done.map(|_| early),
            Some(event) = events.recv() => match event {
                RoomEvent::Disconnected { reason } if over(reason) == Over::Bye => {
                    return Err(PhoneError::Removed);
                }
                event => early.push_back(event),
            },
        }
    }
}

/// The phone's keys.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<Room>);

impl Keys {
    /// Presses one key.
    ///
    /// # Errors
    /// [`PhoneError`].
    pub(super) async fn press(&self, digit: char) -> Result<(), PhoneError> {
        let code = "0123456789*#ABCD"
            .chars()
            .position(|key| key == digit)
            .unwrap_or_default() as u32;
        let dtmf = SipDTMF {
            code,
            digit: digit.to_string(),
            destination_identities: Vec::new(),
        };
        in_time("press a key", self.0.local_participant().publish_dtmf(dtmf)).await
    }
}

pub(super) async fn in_time<T>(
    what: &'static str,
    work: impl Future<Output = Result<T, livekit::RoomError>>,
) -> Result<T, PhoneError> {
    match timeout(STEP_DEADLINE, work).await {
        Err(_) => Err(PhoneError::Late(what)),
        Ok(Err(error)) => Err(PhoneError::Room {
            what,
            source: Box::new(error),
        }),
        Ok(Ok(done)) => Ok(done),
    }
}

fn over(reason: DisconnectReason) -> Over {
    match reason {
        DisconnectReason::ParticipantRemoved
        | DisconnectReason::RoomDeleted
        | DisconnectReason::RoomClosed => Over::Bye,
        _ => Over::Lost,
    }
}
