//! A remote track's way from RTP payloads to its listeners, as the peer connection drives it.

use std::time::Duration;

use super::{
    AudioError,
    receiver::{AudioReceiver, ReceiverConfig, Repair},
    sink::Format,
};
use crate::audio_track::RtcAudioTrack;

/// The track's public counters are renewed every so many pulls (100 ms).
const PUBLISH_EVERY: u32 = 10;

/// Receives one track. While nobody listens, packets are dropped unread and nothing is decoded; the
/// decoder runs at the highest rate that a listener asks for.
#[derive(Debug)]
pub struct InboundAudio {
    track: RtcAudioTrack,
    receiver: Option<AudioReceiver>,
    pcm: Vec<i16>,
    pulls: u32,
}

impl InboundAudio {
    /// For a track that was made for a remote sender.
    pub fn new(track: RtcAudioTrack) -> Self {
        Self {
            track,
            receiver: None,
            pcm: Vec::new(),
            pulls: 0,
        }
    }

    /// Takes an RTP payload, as [`AudioReceiver::push_rtp`] does.
    pub fn push_rtp(&mut self, now: Duration, seq: u64, rtp_time_48k: u64, payload: &[u8]) {
        if let Some(receiver) = &mut self.receiver {
            receiver.push_rtp(now, seq, rtp_time_48k, payload);
        }
    }

    /// Plays 10 ms to the track's listeners. To be called every 10 ms.
    ///
    /// # Errors
    /// [`AudioError::Codec`] if there is no memory for a decoder.
    pub fn tick_10ms(&mut self, now: Duration) -> Result<(), AudioError> {
        let Some(format) = self.track.wanted_format() else {
            self.receiver = None;
            return Ok(());
        };
        let receiver = Self::receiver_for(&mut self.receiver, format)?;
        self.pcm
            .resize((format.sample_rate / 100 * format.channels) as usize, 0);
        receiver.pull_10ms(now, &mut self.pcm);
        if !self.track.enabled() {
            self.pcm.fill(0);
        }
        self.pulls = self.pulls.wrapping_add(1);
        if self.pulls.is_multiple_of(PUBLISH_EVERY) {
            self.track.publish_stats(receiver.stats());
        }
        self.track
            .deliver(&self.pcm, format.sample_rate, format.channels)
    }

    fn receiver_for(
        slot: &mut Option<AudioReceiver>,
        format: Format,
    ) -> Result<&mut AudioReceiver, AudioError> {
        let Format {
            sample_rate,
            channels,
        } = format;
        let receiver = match slot {
            Some(receiver) => receiver,
            None => {
                let config = ReceiverConfig {
                    sample_rate,
                    channels,
                    repair: Repair::Full,
                };
                slot.insert(AudioReceiver::new(config)?)
            }
        };
        receiver.set_output(sample_rate, channels)?;
        Ok(receiver)
    }
}
