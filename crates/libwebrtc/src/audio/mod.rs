//! The audio path between PCM and RTP payloads. Nothing here knows sockets, SDP or tasks.
//!
//! - Out: [`PcmQueue`](pcm_queue::PcmQueue) (what `NativeAudioSource` fills) →
//!   [`AudioSender`](sender::AudioSender) (Opus, or a constant packet for silence); joined by
//!   [`OutboundAudio`](outbound::OutboundAudio).
//! - In: [`JitterBuffer`](jitter::JitterBuffer) decides, [`AudioReceiver`](receiver::AudioReceiver)
//!   decodes and conceals, the track's sinks ([`sink`]) hand frames to `NativeAudioStream`; joined by
//!   [`InboundAudio`](inbound::InboundAudio).
//!
//! Time is always an input: a `Duration` since any fixed moment of the stream's life. Inside, time
//! and RTP timestamps share one unit, the tick of 1/48000 s.

pub mod bench_support;
pub(crate) mod delay;
pub(crate) mod fifo;
pub(crate) mod inbound;
pub(crate) mod jitter;
pub(crate) mod outbound;
pub(crate) mod packets;
pub(crate) mod pcm_queue;
pub(crate) mod receiver;
pub(crate) mod resample;
pub(crate) mod sender;
pub(crate) mod sink;
pub(crate) mod stats;
pub(crate) mod stretch;
pub(crate) mod toc;

use std::time::Duration;

/// One tick is 1/48000 s, the RTP clock of Opus whatever the sample rate is.
pub(crate) type Ticks = i64;

/// Ticks in one millisecond.
pub(crate) const MS: Ticks = 48;

/// Ticks in the 10 ms block in which PCM enters and leaves this module.
pub(crate) const BLOCK: Ticks = 10 * MS;

/// `now` in ticks; saturates after 6 million years.
pub(crate) fn ticks(now: Duration) -> Ticks {
    Ticks::try_from(now.as_micros().saturating_mul(48) / 1000).unwrap_or(Ticks::MAX)
}

/// What can be wrong with audio handed to this module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The rate has no whole number of samples in 10 ms or lies outside 8 to 192 kHz.
    #[error("sample rate {0} Hz is not supported")]
    SampleRate(u32),
    /// Only mono and stereo exist in Opus over RTP.
    #[error("{0} channels are not supported")]
    Channels(u32),
    /// A block was not exactly 10 ms long.
    #[error("a 10 ms block has {expected} samples, not {got}")]
    BlockSize {
        /// Samples of all channels in 10 ms.
        expected: usize,
        /// Samples in the block given.
        got: usize,
    },
    /// libopus refused.
    #[error("opus codec")]
    Codec(#[from] opus::Error),
}

/// Rates at which libopus takes and gives PCM.
const OPUS_RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];

/// The lowest Opus rate that keeps all of `rate`'s bandwidth, at most 48 kHz.
pub(crate) fn opus_rate_for(rate: u32) -> u32 {
    OPUS_RATES
        .into_iter()
        .find(|r| *r >= rate)
        .unwrap_or(48_000)
}

/// Samples of all channels in one 10 ms block.
///
/// # Errors
/// [`AudioError::SampleRate`] and [`AudioError::Channels`] for formats this module cannot carry.
pub(crate) fn block_len(sample_rate: u32, channels: u32) -> Result<usize, AudioError> {
    if !(8_000..=192_000).contains(&sample_rate) || !sample_rate.is_multiple_of(100) {
        return Err(AudioError::SampleRate(sample_rate));
    }
    if !(1..=2).contains(&channels) {
        return Err(AudioError::Channels(channels));
    }
    Ok((sample_rate / 100 * channels) as usize)
}

pub(crate) fn opus_channels(channels: u32) -> Result<opus::Channels, AudioError> {
    match channels {
        1 => Ok(opus::Channels::Mono),
        2 => Ok(opus::Channels::Stereo),
        other => Err(AudioError::Channels(other)),
    }
}
