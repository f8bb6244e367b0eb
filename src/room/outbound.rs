//! From the call to the room: the agent's sound.

use livekit::{
    options::TrackPublishOptions,
    prelude::{LocalAudioTrack, LocalTrack, Room, TrackSource},
    webrtc::{
        audio_frame::AudioFrame as SdkFrame,
        audio_source::{AudioSourceOptions, RtcAudioSource, native::NativeAudioSource},
    },
};

use super::RoomError;
use crate::media::frame::{AudioFrame, FRAME_SAMPLES, SAMPLE_RATE};

/// Sound that may wait inside the track: enough to bridge a late wake-up, little enough that a barge-in is heard at once.
const QUEUE_MS: u32 = 100;

/// The agent's published track.
#[derive(Clone, Debug)]
pub struct AgentVoice {
    source: NativeAudioSource,
}

impl AgentVoice {
    pub(super) async fn publish(room: &Room) -> Result<Self, RoomError> {
        let source =
            NativeAudioSource::new(AudioSourceOptions::default(), SAMPLE_RATE, 1, QUEUE_MS);
        let track =
            LocalAudioTrack::create_audio_track("agent", RtcAudioSource::Native(source.clone()));
        let options = TrackPublishOptions {
            source: TrackSource::Microphone,
            red: false,
            ..Default::default()
        };
        room.local_participant()
            .publish_track(LocalTrack::Audio(track), options)
            .await
            .map_err(|e| RoomError::Publish(Box::new(e)))?;
        Ok(Self { source })
    }

    /// Queues 20 ms; waits while the queue is full. False when the track is gone.
    pub async fn play(&self, frame: &AudioFrame) -> bool {
        let sdk = SdkFrame {
            data: frame.samples.as_slice().into(),
            sample_rate: SAMPLE_RATE,
            num_channels: 1,
            samples_per_channel: FRAME_SAMPLES as u32,
        };
        self.source.capture_frame(&sdk).await.is_ok()
    }

    /// Drops what is queued and not yet sent (barge-in).
    pub fn clear(&self) {
        self.source.clear_buffer();
    }
}
