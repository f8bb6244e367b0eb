//! How long sound takes between the caller's recording and the agent's ear and mouth, measured without the agent.
//!
//! An answering participant stands where the worker stands: it hears through the same engine in the same frames, and hands
//! sound to the room as the worker does, on a 20 ms clock through a track with the same queue. Both ends run on one clock, so
//! each direction is measured by itself. What a worker says of its own response time plus this path is what the caller's
//! recording must show.

use std::{sync::Arc, time::Duration};

use livekit::{
    options::TrackPublishOptions,
    prelude::{
        LocalAudioTrack, LocalTrack, RemoteTrack, Room, RoomEvent, RoomOptions, TrackSource,
    },
    webrtc::{
        audio_frame::AudioFrame,
        audio_source::{AudioSourceOptions, RtcAudioSource, native::NativeAudioSource},
    },
};
use livekit_api::access_token::{AccessToken, VideoGrants};
use serde::Serialize;
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    LiveKitAccess, PhoneError,
    ear::{self, Voice},
    line::Line,
    measure::{VOICE_DBFS, voiced},
    mouth::{Mouth, TRACK_RATE},
    phone::{Phone, Ringing, in_time},
    recording::time,
    token::{SipParticipant, Way},
};

/// The worker's queue in front of the network.
const AGENT_QUEUE_MS: u32 = 100;
/// Samples in a frame of 20 ms.
const FRAME: usize = 320;
/// Length of a test sound, in frames.
const BURST_FRAMES: usize = 15;
/// Each direction is measured so often.
const ROUNDS: usize = 8;
/// The jitter buffers settle first.
const SETTLE: Duration = Duration::from_secs(4);
/// Until both ends hear each other.
const JOIN_DEADLINE: Duration = Duration::from_secs(10);

/// A probe that gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// An end could not take part.
    #[error("join the probe's room")]
    Phone(#[from] PhoneError),
    /// The ends did not hear each other.
    #[error("the probe heard {heard} of {sent} sounds")]
    Deaf {
        /// Sounds sent in both directions.
        sent: usize,
        /// Sounds that arrived.
        heard: usize,
    },
}

/// One direction, ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OneWay {
    /// Median.
    pub median_ms: f64,
    /// Fastest.
    pub min_ms: f64,
    /// Slowest.
    pub max_ms: f64,
}

/// The media path between a caller's recording and an agent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MediaPath {
    /// From a sound that leaves the caller to the frame that the agent hears it in.
    pub to_agent: OneWay,
    /// From the frame that the agent hands to the room to the sound that arrives at the caller.
    pub from_agent: OneWay,
    /// Wait in the caller's jitter buffer meanwhile, ms: it differs from call to call, and calls report their own.
    pub caller_buffer_ms: f64,
}

impl MediaPath {
    /// The path of a turn whose first sound waited so long in the caller's jitter buffer.
    #[must_use]
    pub fn of_turn(&self, caller_buffer_ms: Option<f64>) -> f64 {
        let buffer = caller_buffer_ms.unwrap_or(self.caller_buffer_ms) - self.caller_buffer_ms;
        self.to_agent.median_ms + self.from_agent.median_ms + buffer
    }
}

/// Measures the path; takes about fifteen seconds.
///
/// # Errors
/// [`ProbeError`].
pub async fn measure_path(access: &LiveKitAccess) -> Result<MediaPath, ProbeError> {
    let room = format!("probe-{:032x}", rand::random::<u128>());
    let origin = Instant::now();
    let (caller_line, agent_line) = (Line::new(origin, None), Line::new(origin, None));
    let mut tasks = JoinSet::new();
    let agent = StandIn::join(access, &room, agent_line.clone(), &mut tasks).await?;
    let probe = SipParticipant {
        room: &room,
        kind: "standard",
        from: "probe",
        call_id: "SCL_probe",
        way: Way::Dialled,
    };
    let mut phone = Phone::join(access, &probe, caller_line.clone()).await?;
    let Ringing::Answered(track) = phone.ring(JOIN_DEADLINE).await else {
        return Err(ProbeError::Deaf { sent: 0, heard: 0 });
    };
    let mouth = phone.answered(track, Duration::ZERO).await?;
    sleep(SETTLE).await;
    let marks = play(&mouth, &agent).await;
    phone.hang_up().await;
    agent.leave().await;
    tasks.shutdown().await;
    path(&caller_line, &agent_line, &marks)
}

/// When test sounds were handed over.
#[derive(Default)]
struct Marks {
    by_agent: Vec<Instant>,
}

async fn play(mouth: &Mouth, agent: &StandIn) -> Marks {
    let mut marks = Marks::default();
    let burst = Arc::new(burst());
    for round in 0..ROUNDS {
        // Off any grid: the phase between the clocks differs from round to round.
        let odd = Duration::from_micros(1_700 * round as u64);
        if mouth.say(burst.clone()).await.is_none() {
            break;
        }
        sleep(Duration::from_millis(450) + odd).await;
        let Some(handed) = agent.sound().await else {
            break;
        };
        marks.by_agent.push(handed);
        sleep(Duration::from_millis(700) + odd).await;
    }
    marks
}

fn path(caller: &Line, agent: &Line, marks: &Marks) -> Result<MediaPath, ProbeError> {
    let (caller_log, agent_log) = (caller.log.lock(), agent.log.lock());
    let sent = voiced(&caller_log.recording.sent, VOICE_DBFS);
    let ear = voiced(&agent_log.recording.heard, VOICE_DBFS);
    let back = voiced(&caller_log.recording.heard, VOICE_DBFS);
    let deaf = || ProbeError::Deaf {
        sent: sent.len() + marks.by_agent.len(),
        heard: ear.len() + back.len(),
    };
    if sent.is_empty()
        || sent.len() != ear.len()
        || back.is_empty()
        || back.len() != marks.by_agent.len()
    {
        return Err(deaf());
    }
    // As turns are measured: the caller's by their end, the agent's by their start.
    let to_agent = sent
        .iter()
        .zip(&ear)
        .map(|(sent, heard)| difference(time(sent.end), time(heard.end)));
    let from_agent = marks
        .by_agent
        .iter()
        .zip(&back)
        .map(|(handed, heard)| difference(caller.at(*handed), time(heard.start)));
    let delays = caller_log
        .buffer
        .iter()
        .filter(|sample| sample.at > time(sent[0].start));
    let mut buffer: Vec<f64> = delays
        .map(|sample| sample.delay.as_secs_f64() * 1_000.0)
        .collect();
    Ok(MediaPath {
        to_agent: one_way(to_agent.collect()),
        from_agent: one_way(from_agent.collect()),
        caller_buffer_ms: median(&mut buffer),
    })
}

fn difference(from: Duration, to: Duration) -> f64 {
    (to.as_secs_f64() - from.as_secs_f64()) * 1_000.0
}

fn one_way(mut samples: Vec<f64>) -> OneWay {
    let median_ms = median(&mut samples);
    OneWay {
        median_ms,
        min_ms: samples.first().copied().unwrap_or_default(),
        max_ms: samples.last().copied().unwrap_or_default(),
    }
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

/// A tone with sharp edges.
fn burst() -> Vec<i16> {
    let sample = |n: usize| {
        (8_000.0 * (n as f64 * 440.0 * std::f64::consts::TAU / f64::from(TRACK_RATE)).sin()) as i16
    };
    (0..BURST_FRAMES * FRAME).map(sample).collect()
}

/// Stands where a worker stands.
struct StandIn {
    room: Room,
    orders: mpsc::Sender<()>,
    handed: tokio::sync::Mutex<mpsc::Receiver<Instant>>,
}

impl StandIn {
    async fn join(
        access: &LiveKitAccess,
        room: &str,
        line: Arc<Line>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, PhoneError> {
        let grants = VideoGrants {
            room_join: true,
            room: room.to_owned(),
            ..VideoGrants::default()
        };
        let token = AccessToken::with_api_key(&access.api_key, &access.api_secret)
            .with_identity("probe-agent")
            .with_grants(grants)
            .to_jwt()?;
        let (room, events) = in_time(
            "join the room",
            Room::connect(&access.url, &token, RoomOptions::default()),
        )
        .await?;
        let source =
            NativeAudioSource::new(AudioSourceOptions::default(), TRACK_RATE, 1, AGENT_QUEUE_MS);
        let track =
            LocalAudioTrack::create_audio_track("agent", RtcAudioSource::Native(source.clone()));
        let options = TrackPublishOptions {
            source: TrackSource::Microphone,
            red: false,
            ..TrackPublishOptions::default()
        };
        in_time(
            "publish",
            room.local_participant()
                .publish_track(LocalTrack::Audio(track), options),
        )
        .await?;
        let (orders, inbox) = mpsc::channel(1);
        let (out, handed) = mpsc::channel(1);
        tasks.spawn(hear(events, line));
        tasks.spawn(speak(source, inbox, out));
        Ok(Self {
            room,
            orders,
            handed: tokio::sync::Mutex::new(handed),
        })
    }

    /// Sends a test sound; gives when its first frame was handed to the room.
    async fn sound(&self) -> Option<Instant> {
        self.orders.send(()).await.ok()?;
        self.handed.lock().await.recv().await
    }

    async fn leave(self) {
        if let Err(error) = in_time("leave", self.room.close()).await {
            tracing::debug!(%error, "the probe's room was gone");
        }
    }
}

async fn hear(mut events: UnboundedReceiver<RoomEvent>, line: Arc<Line>) {
    let mut ears = JoinSet::new();
    while let Some(event) = events.recv().await {
        if let RoomEvent::TrackSubscribed {
            track: RemoteTrack::Audio(track),
            participant,
            ..
        } = event
        {
            let voice = Voice {
                identity: participant.identity().to_string(),
                track: track.rtc_track(),
            };
            ears.spawn(ear::listen(voice, line.clone(), Instant::now()));
        }
    }
}

/// A frame every 20 ms, silent unless a sound was ordered.
async fn speak(
    source: NativeAudioSource,
    mut orders: mpsc::Receiver<()>,
    handed: mpsc::Sender<Instant>,
) {
    let (silence, burst) = ([0; FRAME], burst());
    let mut clock = interval(Duration::from_millis(20));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut rest: &[i16] = &[];
    loop {
        clock.tick().await;
        if rest.is_empty() && orders.try_recv().is_ok() {
            rest = &burst;
            if handed.try_send(Instant::now()).is_err() {
                return;
            }
        }
        let (frame, later) = if rest.is_empty() {
            (&silence[..], rest)
        } else {
            rest.split_at(FRAME)
        };
        rest = later;
        let frame = AudioFrame {
            data: frame.into(),
            sample_rate: TRACK_RATE,
            num_channels: 1,
            samples_per_channel: FRAME as u32,
        };
        if source.capture_frame(&frame).await.is_err() {
            return;
        }
    }
}
