//! Where the sound of a local track comes from.

/// Sample rate of sources that do not say.
pub const DEFAULT_SAMPLE_RATE: u32 = 48_000;

/// Channels of sources that do not say.
pub const DEFAULT_NUM_CHANNELS: u32 = 1;

/// Processing of captured sound. Kept and given back, without effect: this crate has no audio
/// processing, because what it sends is not recorded by a microphone.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioSourceOptions {
    /// Remove what the loudspeaker plays.
    pub echo_cancellation: bool,
    /// Remove background noise.
    pub noise_suppression: bool,
    /// Even out loudness.
    pub auto_gain_control: bool,
}

/// A source for [`RtcAudioTrack`](crate::audio_track::RtcAudioTrack)s.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum RtcAudioSource {
    /// The program pushes frames.
    Native(native::NativeAudioSource),
    /// A microphone. This crate opens no audio devices: such a track sends silence.
    Device,
}

impl RtcAudioSource {
    /// Keeps the options; see [`AudioSourceOptions`].
    pub fn set_audio_options(&self, options: AudioSourceOptions) {
        match self {
            Self::Native(source) => source.set_audio_options(options),
            Self::Device => {}
        }
    }

    /// The options last set; a device has the default ones.
    pub fn audio_options(&self) -> AudioSourceOptions {
        match self {
            Self::Native(source) => source.audio_options(),
            Self::Device => AudioSourceOptions::default(),
        }
    }

    /// In Hz.
    pub fn sample_rate(&self) -> u32 {
        match self {
            Self::Native(source) => source.sample_rate(),
            Self::Device => DEFAULT_SAMPLE_RATE,
        }
    }

    /// 1 for mono, 2 for stereo.
    pub fn num_channels(&self) -> u32 {
        match self {
            Self::Native(source) => source.num_channels(),
            Self::Device => DEFAULT_NUM_CHANNELS,
        }
    }
}

/// Sources filled by the program.
pub mod native {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::AudioSourceOptions;
    use crate::{
        RtcError, RtcErrorType,
        audio::{block_len, pcm_queue::PcmQueue},
        audio_frame::AudioFrame,
    };

    /// A queue of sound, sent at the pace at which it is heard. Clones share the queue.
    ///
    /// Sound goes to one peer connection: the one that began to send the source's track last.
    #[derive(Debug, Clone)]
    pub struct NativeAudioSource {
        shared: Arc<Shared>,
    }

    #[derive(Debug)]
    struct Shared {
        options: Mutex<AudioSourceOptions>,
        sample_rate: u32,
        num_channels: u32,
        queue: PcmQueue,
    }

    impl NativeAudioSource {
        /// A source of `sample_rate` Hz, which should be one that Opus knows (8000, 12000, 16000,
        /// 24000, 48000); other multiples of 100 are resampled, the rest fails on capture.
        ///
        /// With `queue_size_ms` above 0, [`capture_frame`](Self::capture_frame) waits while more than
        /// that is queued. With 0 it never waits: the caller paces itself with 10 ms frames, and when it
        /// is more than 60 ms ahead the oldest frame is dropped.
        ///
        /// # Panics
        /// If `queue_size_ms` is not a multiple of 10.
        pub fn new(
            options: AudioSourceOptions,
            sample_rate: u32,
            num_channels: u32,
            queue_size_ms: u32,
        ) -> Self {
            assert!(
                queue_size_ms.is_multiple_of(10),
                "queue_size_ms must be a multiple of 10"
            );
            let block = (sample_rate / 100 * num_channels).max(1) as usize;
            let queue = PcmQueue::new(block, queue_size_ms);
            let options = Mutex::new(options);
            Self {
                shared: Arc::new(Shared {
                    options,
                    sample_rate,
                    num_channels,
                    queue,
                }),
            }
        }

        /// Forgets all sound that has not been sent.
        pub fn clear_buffer(&self) {
            self.shared.queue.clear();
        }

        /// Queues a frame of any length. Returns when at most the queue size is left to be sent, so
        /// about that long before its last sample is heard. If nothing sends the source, its sound
        /// passes unheard at the same pace.
        ///
        /// Cancel-safe in that nothing breaks; what was queued until then is sent. Frames captured by
        /// several tasks at once are mixed up in pieces of the queue size.
        ///
        /// # Errors
        /// [`RtcErrorType::InvalidState`] if the frame's format is not the source's, if that format
        /// cannot be sent, or, without a queue, if the frame is not 10 ms long.
        pub async fn capture_frame(&self, frame: &AudioFrame<'_>) -> Result<(), RtcError> {
            self.check(frame)?;
            self.shared.queue.write(&frame.data).await;
            Ok(())
        }

        /// Keeps the options; see [`AudioSourceOptions`].
        pub fn set_audio_options(&self, options: AudioSourceOptions) {
            *self.shared.options.lock() = options;
        }

        /// The options last set.
        pub fn audio_options(&self) -> AudioSourceOptions {
            *self.shared.options.lock()
        }

        /// In Hz.
        pub fn sample_rate(&self) -> u32 {
            self.shared.sample_rate
        }

        /// 1 for mono, 2 for stereo.
        pub fn num_channels(&self) -> u32 {
            self.shared.num_channels
        }

        /// Frames dropped so far because a source without a queue ran ahead. An extension over the
        /// original crate.
        pub fn dropped_frames(&self) -> u64 {
            self.shared.queue.dropped_blocks()
        }

        pub(crate) fn queue(&self) -> &PcmQueue {
            &self.shared.queue
        }

        fn check(&self, frame: &AudioFrame<'_>) -> Result<(), RtcError> {
            let (rate, channels) = (self.sample_rate(), self.num_channels());
            if rate != frame.sample_rate || channels != frame.num_channels {
                return Err(invalid("sample_rate and num_channels don't match"));
            }
            block_len(rate, channels).map_err(|error| invalid(&error.to_string()))?;
            if !frame.data.len().is_multiple_of(channels as usize) {
                return Err(invalid(
                    "frame.data length is not divisible by the channel count",
                ));
            }
            match self.shared.queue.unpaced_block() {
                Some(block) if frame.data.len() != block => {
                    Err(invalid("a source without a queue takes frames of 10 ms"))
                }
                _ => Ok(()),
            }
        }
    }

    fn invalid(message: &str) -> RtcError {
        RtcError {
            error_type: RtcErrorType::InvalidState,
            message: message.to_owned(),
        }
    }
}
