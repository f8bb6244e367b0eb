//! From the room to the call: events and the caller's sound.

use std::sync::Arc;

use futures_util::StreamExt;
use livekit::{
    DisconnectReason,
    participant::ParticipantKind,
    prelude::{RemoteTrack, Room, RoomEvent as SdkEvent},
    webrtc::{
        audio_stream::native::NativeAudioStream,
        audio_track::{ReceiverStats, RtcAudioTrack},
    },
};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{AGENTS_TOPIC, JoinRequest, LossReason, RoomEvent, caller::Caller};
use crate::{
    domain::call_time::CallTime,
    media::frame::{AudioFrame, FRAME_SAMPLES, PTIME, SAMPLE_RATE},
    telemetry::{
        labels::{DropPoint, Packet},
        metrics::Metrics,
    },
};

/// Reads one room.
#[derive(Debug)]
pub struct EventReader {
    room: Arc<Room>,
    caller: Caller,
    audio: mpsc::Sender<AudioFrame>,
    events: mpsc::Sender<RoomEvent>,
    origin: Instant,
    is_in_conversation: bool,
    tasks: TaskTracker,
    stop: CancellationToken,
    metrics: Arc<Metrics>,
}

impl EventReader {
    pub(super) fn new(
        room: Arc<Room>,
        audio: mpsc::Sender<AudioFrame>,
        events: mpsc::Sender<RoomEvent>,
        request: JoinRequest<'_>,
        tasks: TaskTracker,
        stop: CancellationToken,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            room,
            caller: Caller::default(),
            audio,
            events,
            origin: request.origin,
            is_in_conversation: request.is_in_conversation,
            tasks,
            stop,
            metrics,
        }
    }

    /// Reads until the call stops, and sees to it that we are out of the room then: a room that is only dropped stays connected.
    pub(super) async fn run(mut self, room_events: mpsc::UnboundedReceiver<SdkEvent>) {
        self.read(room_events).await;
        self.stop.cancelled().await;
        super::leave(&self.room).await;
    }

    /// Until the room is lost, the call stops, or nobody listens.
    async fn read(&mut self, mut room_events: mpsc::UnboundedReceiver<SdkEvent>) {
        let present: Vec<_> = self.room.remote_participants().into_values().collect();
        for participant in present {
            for event in self.caller.joined(&participant) {
                self.tell(event).await;
            }
        }
        if self.is_in_conversation {
            self.caller.expected(Instant::now());
        }
        loop {
            let patience = self.caller.awaited_until();
            let events = tokio::select! {
                event = room_events.recv() => event.map(|event| self.translate(event)),
                () = until(patience) => {
                    tracing::info!("the caller's leg stays away");
                    Some(vec![self.caller.given_up()])
                }
                () = self.stop.cancelled() => None,
            };
            let Some(events) = events else { return };
            for event in events {
                if !self.tell(event).await {
                    return;
                }
            }
        }
    }

    async fn tell(&self, event: RoomEvent) -> bool {
        self.events.send(event).await.is_ok()
    }

    fn translate(&mut self, event: SdkEvent) -> Vec<RoomEvent> {
        match event {
            SdkEvent::ParticipantConnected(participant) => self.caller.joined(&participant),
            SdkEvent::ParticipantDisconnected(participant) => self
                .caller
                .left(
                    &participant.identity(),
                    participant.disconnect_reason(),
                    Instant::now(),
                )
                .into_iter()
                .collect(),
            SdkEvent::ParticipantAttributesChanged {
                participant,
                changed_attributes,
            } => self
                .caller
                .attributes(&participant.identity(), &changed_attributes)
                .into_iter()
                .collect(),
            SdkEvent::TrackSubscribed {
                track: RemoteTrack::Audio(track),
                participant,
                ..
            } => {
                let identity = participant.identity();
                if self.caller.is(&identity) {
                    self.listen(track.rtc_track());
                }
                self.caller.heard(&identity).into_iter().collect()
            }
            SdkEvent::SipDTMFReceived {
                digit: Some(digit),
                participant,
                ..
            } => {
                let from = participant.map(|participant| participant.identity());
                self.caller
                    .pressed(from.as_ref(), &digit)
                    .into_iter()
                    .collect()
            }
            SdkEvent::DataReceived {
                payload,
                topic: Some(topic),
                participant: Some(from),
                ..
            } if topic == AGENTS_TOPIC && from.kind() == ParticipantKind::Agent => {
                vec![RoomEvent::AgentSaid {
                    from: from.identity().to_string(),
                    text: String::from_utf8_lossy(&payload).into_owned(),
                }]
            }
            SdkEvent::Reconnecting => {
                tracing::info!("the room is being joined again");
                self.caller.reconnecting();
                Vec::new()
            }
            SdkEvent::Reconnected => {
                tracing::info!("the room is joined again");
                self.caller.reconnected(Instant::now());
                Vec::new()
            }
            SdkEvent::Disconnected { reason } => vec![RoomEvent::Lost(loss(reason))],
            _ => Vec::new(),
        }
    }

    fn listen(&self, track: RtcAudioTrack) {
        let ears = Ears {
            audio: self.audio.clone(),
            origin: self.origin,
            metrics: Arc::clone(&self.metrics),
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = ears.run(track) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

/// Reads one track.
struct Ears {
    audio: mpsc::Sender<AudioFrame>,
    origin: Instant,
    metrics: Arc<Metrics>,
}

impl Ears {
    /// The codec decodes straight to 16 kHz in blocks of 10 ms; two make a frame.
    async fn run(self, track: RtcAudioTrack) {
        let mut stream = NativeAudioStream::new(track.clone(), SAMPLE_RATE.cast_signed(), 1);
        let mut quality = Quality::new(track, Arc::clone(&self.metrics));
        let mut frame = AudioFrame::silence(CallTime::ZERO);
        let mut filled = 0;
        while let Some(block) = stream.next().await {
            for sample in block.data.iter() {
                frame.samples[filled] = *sample;
                filled += 1;
                if filled == FRAME_SAMPLES {
                    filled = 0;
                    frame.at = CallTime::from_duration(self.origin.elapsed()) - PTIME;
                    quality.heard_frame();
                    if !self.pass_on(frame.clone()) {
                        return;
                    }
                }
            }
            stream.recycle(block);
        }
    }

    fn pass_on(&self, frame: AudioFrame) -> bool {
        match self.audio.try_send(frame) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.metrics.dropped(DropPoint::Inbound);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

/// Frames between two reports of the media's quality: one second.
const REPORT_FRAMES: u32 = 50;

/// Brings the jitter buffer's counters to the catalogue, by what was added since the last report.
struct Quality {
    track: RtcAudioTrack,
    told: ReceiverStats,
    frames: u32,
    metrics: Arc<Metrics>,
}

impl Quality {
    fn new(track: RtcAudioTrack, metrics: Arc<Metrics>) -> Self {
        Self {
            track,
            told: ReceiverStats::default(),
            frames: 0,
            metrics,
        }
    }

    fn heard_frame(&mut self) {
        self.frames += 1;
        if self.frames >= REPORT_FRAMES {
            self.report();
        }
    }

    fn report(&mut self) {
        self.frames = 0;
        let (now, told) = (self.track.concealment(), self.told);
        let counters = [
            (
                Packet::Received,
                now.packets_received,
                told.packets_received,
            ),
            (Packet::Lost, now.packets_lost, told.packets_lost),
            (
                Packet::Recovered,
                now.packets_recovered_by_fec,
                told.packets_recovered_by_fec,
            ),
            (Packet::Late, now.packets_late, told.packets_late),
        ];
        for (fate, now, told) in counters {
            self.metrics.packets(fate, now.saturating_sub(told));
        }
        self.metrics
            .concealed(now.concealed.saturating_sub(told.concealed));
        self.told = now;
    }
}

impl Drop for Quality {
    fn drop(&mut self) {
        self.report();
    }
}

/// Never, without a time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn loss(reason: DisconnectReason) -> LossReason {
    match reason {
        DisconnectReason::RoomDeleted | DisconnectReason::RoomClosed => LossReason::RoomClosed,
        DisconnectReason::ParticipantRemoved | DisconnectReason::DuplicateIdentity => {
            LossReason::Removed
        }
        _ => LossReason::Connection,
    }
}
