//! An agent that answers a phone, beeps when it is its turn, and falls silent when it is interrupted.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::StreamExt;
use livekit::{
    options::TrackPublishOptions,
    participant::ParticipantKind,
    prelude::{
        LocalAudioTrack, LocalTrack, RemoteParticipant, RemoteTrack, Room, RoomEvent, RoomOptions,
        TrackSource,
    },
    webrtc::{
        audio_frame::AudioFrame,
        audio_source::{AudioSourceOptions, RtcAudioSource, native::NativeAudioSource},
        audio_stream::native::NativeAudioStream,
    },
};
use livekit_api::{
    access_token::{AccessToken, VideoGrants},
    services::room::RoomClient,
};
use tokio::time::{Instant, sleep};

use super::webhook::Seen;
use crate::caller::{
    LiveKitAccess,
    line::VoiceGate,
    measure::{VOICE_DBFS, mean_square, power},
};

/// From the caller's last sound to the agent's first.
pub(super) const THINKS: Duration = Duration::from_millis(600);
/// A beep's length, in frames of 20 ms.
const BEEP: usize = 75;
const RATE: u32 = 16_000;

/// What the agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manners {
    /// Answers and talks until the caller leaves.
    Polite,
    /// Closes the room after the caller's first words.
    HangsUp,
    /// Removes the ringing leg.
    Rejects,
    /// Never comes.
    Absent,
}

pub(super) async fn serve(
    access: LiveKitAccess,
    room_name: String,
    manners: Manners,
    seen: Arc<parking_lot::Mutex<Seen>>,
) {
    if manners == Manners::Absent {
        return;
    }
    let grants = VideoGrants {
        room_join: true,
        room: room_name.clone(),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key(&access.api_key, &access.api_secret)
        .with_identity("agent")
        .with_grants(grants);
    let token = token.to_jwt().expect("a token");
    let (room, mut events) = Room::connect(&access.url, &token, RoomOptions::default())
        .await
        .expect("joins");
    let phone = phone(&room, &mut events).await;
    assert_eq!(phone.kind(), ParticipantKind::Sip);
    seen.lock().attributes = Some(phone.attributes());
    let api = RoomClient::with_api_key(
        &access.url.replace("ws", "http"),
        &access.api_key,
        &access.api_secret,
    );
    if manners == Manners::Rejects {
        sleep(Duration::from_millis(300)).await;
        api.remove_participant(&room_name, phone.identity().as_str())
            .await
            .expect("removed");
        return;
    }
    let source = publish(&room).await;
    let mut mouth = tokio::spawn(std::future::pending::<()>());
    let mut ears = VecDeque::new();
    let (heard, mut turns) = tokio::sync::mpsc::channel(8);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(RoomEvent::TrackSubscribed { track: RemoteTrack::Audio(track), .. }) => {
                    ears.push_back(tokio::spawn(hear(NativeAudioStream::new(track.rtc_track(), 16_000, 1), heard.clone())));
                }
                Some(RoomEvent::ParticipantAttributesChanged { changed_attributes, .. })
                    if changed_attributes.get("sip.callStatus").is_some_and(|status| status == "active") =>
                {
                    mouth = tokio::spawn(beep(source.clone()));
                }
                Some(RoomEvent::SipDTMFReceived { digit: Some(digit), .. }) => seen.lock().keys.push_str(&digit),
                Some(RoomEvent::Disconnected { .. }) | None => break,
                Some(_) => {}
            },
            Some(turn) = turns.recv() => match turn {
                Heard::Starts => {
                    mouth.abort();
                    source.clear_buffer();
                }
                Heard::Ends if manners == Manners::HangsUp => api.delete_room(&room_name).await.expect("deleted"),
                Heard::Ends => mouth = tokio::spawn(beep(source.clone())),
            },
        }
    }
    mouth.abort();
    ears.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn phone(
    room: &Room,
    events: &mut tokio::sync::mpsc::UnboundedReceiver<RoomEvent>,
) -> RemoteParticipant {
    if let Some(phone) = room.remote_participants().into_values().next() {
        return phone;
    }
    loop {
        if let Some(RoomEvent::ParticipantConnected(phone)) = events.recv().await {
            return phone;
        }
    }
}

async fn publish(room: &Room) -> NativeAudioSource {
    let source = NativeAudioSource::new(AudioSourceOptions::default(), RATE, 1, 100);
    let track =
        LocalAudioTrack::create_audio_track("agent", RtcAudioSource::Native(source.clone()));
    let options = TrackPublishOptions {
        source: TrackSource::Microphone,
        red: false,
        ..TrackPublishOptions::default()
    };
    room.local_participant()
        .publish_track(LocalTrack::Audio(track), options)
        .await
        .expect("published");
    source
}

async fn beep(source: NativeAudioSource) {
    for frame in 0..BEEP {
        let sample = |n: usize| {
            (9_000.0 * ((frame * 320 + n) as f64 * 600.0 * std::f64::consts::TAU / 16_000.0).sin())
                as i16
        };
        let data: Vec<i16> = (0..320).map(sample).collect();
        let frame = AudioFrame {
            data: data.into(),
            sample_rate: RATE,
            num_channels: 1,
            samples_per_channel: 320,
        };
        source.capture_frame(&frame).await.expect("captured");
    }
}

enum Heard {
    Starts,
    Ends,
}

async fn hear(mut stream: NativeAudioStream, heard: tokio::sync::mpsc::Sender<Heard>) {
    let (mut gate, mut speaking, mut last) = (VoiceGate::default(), false, Instant::now());
    while let Some(block) = stream.next().await {
        let now = Instant::now();
        let voice = gate.push(now, &block.data);
        if mean_square(&block.data) > power(VOICE_DBFS) {
            last = now;
        }
        let event = match (speaking, voice.since.is_some()) {
            (false, true) => Some(Heard::Starts),
            (true, false) if now >= last + THINKS => Some(Heard::Ends),
            _ => None,
        };
        if let Some(event) = event {
            speaking = matches!(event, Heard::Starts);
            if heard.send(event).await.is_err() {
                return;
            }
        }
    }
}
