//! A local track's way from its source to RTP payloads, as the peer connection drives it.

use super::{
    AudioError,
    sender::{AudioSender, EncodedInfo, SenderConfig},
};
use crate::{
    audio_source::{DEFAULT_NUM_CHANNELS, DEFAULT_SAMPLE_RATE, native::NativeAudioSource},
    audio_track::RtcAudioTrack,
};

/// Sends one track. The newest `OutboundAudio` of a source gets its sound; older ones send silence.
#[derive(Debug)]
pub struct OutboundAudio {
    track: RtcAudioTrack,
    source: Option<(NativeAudioSource, u64)>,
    sender: AudioSender,
    pcm: Vec<i16>,
}

impl OutboundAudio {
    /// For a track with a source; one without sends silence.
    ///
    /// # Errors
    /// [`AudioError`] if the source's format cannot be encoded.
    pub fn new(track: RtcAudioTrack) -> Result<Self, AudioError> {
        let source = track
            .source()
            .map(|source| (source.clone(), source.queue().new_reader()));
        let (rate, channels) = source.as_ref().map_or(
            (DEFAULT_SAMPLE_RATE, DEFAULT_NUM_CHANNELS),
            |(source, _)| (source.sample_rate(), source.num_channels()),
        );
        let sender = AudioSender::new(SenderConfig::speech(rate, channels))?;
        Ok(Self {
            track,
            source,
            sender,
            pcm: Vec::new(),
        })
    }

    /// Moves 10 ms on. Every second call completes a packet in `out`. Allocates nothing once its
    /// buffers have grown.
    ///
    /// # Errors
    /// [`AudioError::Codec`]; the stream can go on.
    pub fn tick_10ms(&mut self, out: &mut Vec<u8>) -> Result<Option<EncodedInfo>, AudioError> {
        let sounding = match &self.source {
            Some((source, reader)) => source.queue().take_10ms(*reader, &mut self.pcm),
            None => false,
        };
        if !sounding || !self.track.enabled() {
            return self.sender.push_silence_10ms(out);
        }
        if let Some((source, _)) = &self.source {
            // Whoever listens to a local track hears what it sends.
            self.track
                .deliver(&self.pcm, source.sample_rate(), source.num_channels())?;
        }
        self.sender.push_10ms(&self.pcm, out)
    }

    /// How loud the last block was, for RFC 6464: -127 (silence) to 0 dBov.
    pub(crate) fn level_dbov(&self) -> i8 {
        let energy: f64 = self.pcm.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
        let mean = energy / self.pcm.len().max(1) as f64;
        let full = f64::from(i16::MAX) * f64::from(i16::MAX);
        // A full-scale square wave is 0 dBov. The cast saturates at silence (minus infinity).
        ((10.0 * (mean / full).log10()).round() as i8).clamp(-127, 0)
    }

    /// See [`AudioSender::set_expected_loss`].
    pub fn set_expected_loss(&mut self, percent: u8) {
        self.sender.set_expected_loss(percent);
    }
}
