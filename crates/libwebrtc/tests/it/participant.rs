//! A participant of a room who talks, listens and keeps a record of both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use libwebrtc::audio_frame::AudioFrame;
use libwebrtc::audio_source::native::NativeAudioSource;
use libwebrtc::audio_source::{AudioSourceOptions, RtcAudioSource};
use libwebrtc::audio_stream::native::NativeAudioStream;
use libwebrtc::stats::{RtcStats, TransportStats};
use livekit::StreamReader;
use livekit::options::TrackPublishOptions;
use livekit::prelude::*;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{AbortHandle, JoinSet};

use crate::server::Server;
use crate::sound::{RATE, Voice, likeness};

/// One peer connection for both directions, or one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Single,
    Dual,
}

/// What a participant went through.
#[derive(Default)]
pub(crate) struct Diary {
    pub(crate) said: Vec<i16>,
    pub(crate) heard: Vec<i16>,
    pub(crate) subscribed: usize,
    pub(crate) ended_streams: usize,
    pub(crate) reconnecting: usize,
    pub(crate) reconnected: usize,
    pub(crate) republished: usize,
    pub(crate) data: Vec<(Vec<u8>, DataPacketKind)>,
    pub(crate) digits: Vec<(u32, Option<String>)>,
    pub(crate) texts: Vec<String>,
    pub(crate) speakers: Vec<String>,
}

pub(crate) struct Participant {
    pub(crate) room: Arc<Room>,
    pub(crate) diary: Arc<Mutex<Diary>>,
    name: String,
    tasks: JoinSet<()>,
    voice: Option<AbortHandle>,
}

/// One block of 20 ms.
const BLOCK: usize = RATE as usize / 50;

impl Participant {
    pub(crate) async fn join(server: &Server, room: &str, name: &str, mode: Mode) -> Self {
        let mut options = RoomOptions::default();
        options.single_peer_connection = mode == Mode::Single;
        let token = server.token(room, name);
        let started = Instant::now();
        let joined = Room::connect(&server.url(), &token, options).await;
        let (room, events) = joined.expect("the room can be joined");
        println!("{name} joined in {} ms", started.elapsed().as_millis());
        assert_eq!(
            room.is_single_peer_connection_active(),
            mode == Mode::Single
        );
        let diary = Arc::new(Mutex::new(Diary::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_diary(events, diary.clone()));
        Self {
            room: Arc::new(room),
            diary,
            name: name.to_owned(),
            tasks,
            voice: None,
        }
    }

    /// Publishes a track and talks into it until [`Self::unpublish`] or the end.
    pub(crate) async fn talk(&mut self, seed: u64) -> LocalTrackPublication {
        let source = NativeAudioSource::new(AudioSourceOptions::default(), RATE, 1, 100);
        let track =
            LocalAudioTrack::create_audio_track("voice", RtcAudioSource::Native(source.clone()));
        let options = TrackPublishOptions {
            source: TrackSource::Microphone,
            ..TrackPublishOptions::default()
        };
        let local = self.room.local_participant();
        let published = local.publish_track(LocalTrack::Audio(track), options).await;
        let publication = published.expect("the track is published");
        let diary = self.diary.clone();
        self.voice = Some(self.tasks.spawn(talk(source, Voice::new(seed), diary)));
        publication
    }

    pub(crate) async fn unpublish(&mut self, publication: &LocalTrackPublication) {
        if let Some(voice) = self.voice.take() {
            voice.abort();
        }
        let gone = self
            .room
            .local_participant()
            .unpublish_track(&publication.sid())
            .await;
        gone.expect("the track was published");
    }

    /// Waits until the diary says so.
    pub(crate) async fn until(&self, what: &str, limit: Duration, holds: impl Fn(&Diary) -> bool) {
        let waited = tokio::time::timeout(limit, async {
            while !holds(&self.diary.lock()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        if waited.await.is_err() {
            let diary = self.diary.lock();
            let (tracks, ends) = (diary.subscribed, diary.ended_streams);
            panic!(
                "{}: no {what} within {limit:?}; {tracks} tracks, {ends} ended",
                self.name
            );
        }
    }

    /// Listens for that long from now on and compares with what the other one said lately. 0 if too little sound comes.
    pub(crate) async fn hears(&self, other: &Participant, seconds: f32) -> f32 {
        let before = self.diary.lock().heard.len();
        let samples = (seconds * RATE as f32) as usize;
        let limit = Duration::from_secs_f32(seconds + 5.0);
        let listened = tokio::time::timeout(limit, async {
            while self.diary.lock().heard.len() < before + samples {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        if listened.await.is_err() {
            return 0.0;
        }
        let heard = self.diary.lock().heard[before..before + samples].to_vec();
        let said = other.diary.lock().said.clone();
        let recent = said.len().saturating_sub(samples + 3 * RATE as usize);
        likeness(&said[recent..], &heard)
    }

    /// The transport that media takes.
    pub(crate) async fn transport(&self) -> TransportStats {
        let stats = self.room.get_stats().await.expect("there are statistics");
        let all = stats
            .publisher_stats
            .into_iter()
            .chain(stats.subscriber_stats);
        let mut transports = all.filter_map(|stats| match stats {
            RtcStats::Transport(transport) => Some(transport),
            _ => None,
        });
        transports.next_back().expect("there is a transport")
    }

    pub(crate) async fn leave(mut self) {
        self.room.close().await.expect("the room can be left");
        self.tasks.shutdown().await;
    }
}

/// Both hear what the other says, and not something else, for 2 s; they begin to within a minute. On a busy machine the
/// talkers themselves falter and reconnects take their time.
pub(crate) async fn converse(a: &Participant, b: &Participant) {
    let mut heard = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        let (ab, ba) = tokio::join!(a.hears(b, 2.0), b.hears(a, 2.0));
        println!(
            "{} hears {}: {ab:.3}, the other way {ba:.3}",
            a.name, b.name
        );
        if ab > 0.75 && ba > 0.75 {
            return;
        }
        heard.push((ab, ba));
    }
    for person in [a, b] {
        println!("{}: {:#?}", person.name, person.room.get_stats().await);
    }
    panic!("{} and {}: {heard:?}", a.name, b.name);
}

/// Two participants who talk to each other.
pub(crate) async fn couple(server: &Server, room: &str, mode: Mode) -> (Participant, Participant) {
    let seed = crate::sound::seed();
    let (mut a, mut b) = tokio::join!(
        Participant::join(server, room, "alice", mode),
        Participant::join(server, room, "bob", mode)
    );
    tokio::join!(a.talk(seed), b.talk(seed ^ 0xb0b));
    let limit = Duration::from_secs(30);
    tokio::join!(
        a.until("track", limit, |diary| diary.subscribed > 0),
        b.until("track", limit, |diary| diary.subscribed > 0)
    );
    (a, b)
}

async fn talk(source: NativeAudioSource, mut voice: Voice, diary: Arc<Mutex<Diary>>) {
    loop {
        let samples = voice.samples(BLOCK);
        diary.lock().said.extend_from_slice(&samples);
        let frame = AudioFrame {
            data: samples.into(),
            sample_rate: RATE,
            num_channels: 1,
            samples_per_channel: BLOCK as u32,
        };
        source
            .capture_frame(&frame)
            .await
            .expect("the source takes sound");
    }
}

async fn keep_diary(mut events: UnboundedReceiver<RoomEvent>, diary: Arc<Mutex<Diary>>) {
    let mut listeners = JoinSet::new();
    while let Some(event) = events.recv().await {
        match event {
            RoomEvent::TrackSubscribed {
                track: RemoteTrack::Audio(track),
                ..
            } => {
                diary.lock().subscribed += 1;
                listeners.spawn(listen(track, diary.clone()));
            }
            RoomEvent::Reconnecting => diary.lock().reconnecting += 1,
            RoomEvent::Reconnected => diary.lock().reconnected += 1,
            RoomEvent::LocalTrackRepublished { .. } => diary.lock().republished += 1,
            RoomEvent::DataReceived { payload, kind, .. } => {
                diary.lock().data.push((payload.to_vec(), kind));
            }
            RoomEvent::SipDTMFReceived { code, digit, .. } => {
                diary.lock().digits.push((code, digit))
            }
            RoomEvent::TextStreamOpened { reader, .. } => {
                let Some(reader) = reader.take() else {
                    continue;
                };
                let diary = diary.clone();
                listeners.spawn(async move {
                    let text = reader.read_all().await.expect("the text arrives");
                    diary.lock().texts.push(text);
                });
            }
            RoomEvent::ActiveSpeakersChanged { speakers } => {
                let names = speakers
                    .iter()
                    .map(|speaker| speaker.identity().to_string());
                diary.lock().speakers.extend(names);
            }
            _ => {}
        }
    }
}

async fn listen(track: RemoteAudioTrack, diary: Arc<Mutex<Diary>>) {
    let mut stream = NativeAudioStream::new(track.rtc_track(), RATE as i32, 1);
    while let Some(frame) = stream.next().await {
        diary.lock().heard.extend_from_slice(&frame.data);
    }
    diary.lock().ended_streams += 1;
}
