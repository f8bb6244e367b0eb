//! From PCM to RTP payloads: Opus while there is sound, a constant packet while there is none.

use super::{AudioError, block_len, opus_channels, opus_rate_for, resample::Resampler, stretch};

/// Playing time of a packet in RTP clock units (20 ms).
const PACKET_48K: u32 = 960;
/// Encoded silence after the last sound (100 ms) before the constant packet takes over: the codec's
/// filters ring out, and its last packet then is what it would send for ever.
const FLUSH_PACKETS: u32 = 5;
/// At most 1 LSB (-90 dBFS) is silence, so that dither is not encoded.
const SILENT_PEAK: u16 = 1;
/// A sound that breaks off louder than this gets a ramp to zero.
const CLICK: u16 = 16;
/// Room for any packet at the bit rates used here; what libopus itself recommends is larger than a
/// datagram.
const MAX_PACKET_BYTES: usize = 1_275;
/// Packets with FEC get a quarter more bits: libopus leaves the FEC data out at the plain rates.
const FEC_SHARE: i32 = 4;
const FEC_COMPLEXITY: u8 = 2;
/// What Opus can use for two channels.
const MAX_BITRATE: i32 = 510_000;
/// With more loss than this, libopus would spend most bits on redundancy.
const MAX_EXPECTED_LOSS: u8 = 30;

/// How a stream is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderConfig {
    /// Rate of the source in Hz: a multiple of 100 from 8000 on. Rates that Opus knows (8000, 12000,
    /// 16000, 24000, 48000) are encoded without resampling.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u32,
    /// Average bit rate in bit/s of sounding packets; FEC comes on top with a quarter of it.
    pub bitrate: u32,
    /// Opus encoder effort, 0 to 10; at least 2 while packets carry FEC, which libopus otherwise leaves
    /// out at these bit rates.
    pub complexity: u8,
    /// Loss to expect in percent; above 0 packets carry in-band FEC.
    pub expected_loss: u8,
}

impl SenderConfig {
    /// Speech: 24 to 32 kbit/s per channel by rate, without FEC until loss is reported, at the lowest
    /// effort.
    ///
    /// Effort 5 costs three times the CPU of effort 0 (115 µs per 20 ms against 39, at 16 kHz) and
    /// raises STOI from 0.992 to 0.995; encoding is the largest fixed cost of a call.
    pub fn speech(sample_rate: u32, channels: u32) -> Self {
        let per_channel = match opus_rate_for(sample_rate) {
            8_000 | 12_000 | 16_000 => 24_000,
            24_000 => 28_000,
            _ => 32_000,
        };
        let bitrate = per_channel * channels.clamp(1, 2);
        Self {
            sample_rate,
            channels,
            bitrate,
            complexity: 0,
            expected_loss: 0,
        }
    }
}

/// A packet that [`AudioSender::push_10ms`] has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedInfo {
    /// Playing time of the packet in RTP clock units (1/48000 s): 960.
    pub rtp_samples_48k: u32,
    /// It was encoded; `false` for the constant packet of a silence.
    pub voice: bool,
}

/// One outgoing audio stream.
#[derive(Debug)]
pub struct AudioSender {
    encoder: opus::Encoder,
    resampler: Option<Resampler>,
    bitrate: i32,
    complexity: u8,
    channels: usize,
    /// Samples of all channels in a block as it comes in, and in a packet as it is encoded.
    block: usize,
    packet: usize,
    pending: Vec<i16>,
    /// The constant packet of the current silence.
    silence: Vec<u8>,
    silent_packets: u32,
    /// A silent block, but for the end of a sound that was cut off.
    quiet: Vec<i16>,
    /// Last sample of each channel.
    last: [i16; 2],
    expected_loss: u8,
    /// The encoder has not been told of it yet.
    loss_is_news: bool,
}

impl AudioSender {
    /// # Errors
    /// [`AudioError::SampleRate`], [`AudioError::Channels`], or [`AudioError::Codec`] for settings that
    /// libopus refuses.
    pub fn new(config: SenderConfig) -> Result<Self, AudioError> {
        let block = block_len(config.sample_rate, config.channels)?;
        let rate = opus_rate_for(config.sample_rate);
        let packet = 2 * block_len(rate, config.channels)?;
        let resampler = (rate != config.sample_rate)
            .then(|| Resampler::new(config.sample_rate, rate, config.channels))
            .transpose()?;
        Ok(Self {
            encoder: speech_encoder(rate, &config)?,
            resampler,
            bitrate: i32::try_from(config.bitrate)
                .unwrap_or(i32::MAX)
                .min(MAX_BITRATE),
            complexity: config.complexity,
            channels: config.channels as usize,
            block,
            packet,
            pending: Vec::with_capacity(packet),
            silence: Vec::with_capacity(MAX_PACKET_BYTES),
            silent_packets: 0,
            quiet: vec![0; block],
            last: [0; 2],
            expected_loss: config.expected_loss.min(MAX_EXPECTED_LOSS),
            loss_is_news: true,
        })
    }

    /// Takes one 10 ms block, interleaved, at the source's rate. Every second block completes a packet,
    /// which is written to `out`.
    ///
    /// # Errors
    /// [`AudioError::BlockSize`] for a block of another length; [`AudioError::Codec`]. The stream can go
    /// on after either.
    pub fn push_10ms(
        &mut self,
        pcm: &[i16],
        out: &mut Vec<u8>,
    ) -> Result<Option<EncodedInfo>, AudioError> {
        if pcm.len() != self.block {
            return Err(AudioError::BlockSize {
                expected: self.block,
                got: pcm.len(),
            });
        }
        if pcm.iter().all(|s| s.unsigned_abs() <= SILENT_PEAK) {
            return self.push_silence_10ms(out);
        }
        match &mut self.resampler {
            Some(resampler) => resampler.process(pcm, &mut self.pending),
            None => self.pending.extend_from_slice(pcm),
        }
        self.last[..self.channels].copy_from_slice(&pcm[pcm.len() - self.channels..]);
        self.silent_packets = 0;
        self.finish(out)
    }

    /// Takes 10 ms of silence: what to call when the source has nothing. After 100 ms it costs next
    /// to nothing.
    ///
    /// # Errors
    /// [`AudioError::Codec`].
    pub fn push_silence_10ms(
        &mut self,
        out: &mut Vec<u8>,
    ) -> Result<Option<EncodedInfo>, AudioError> {
        self.soften_end();
        match &mut self.resampler {
            // Later its memory is empty.
            Some(resampler) if self.silent_packets <= FLUSH_PACKETS => {
                resampler.process(&self.quiet, &mut self.pending);
            }
            Some(_) => self.pending.resize(self.pending.len() + self.packet / 2, 0),
            None => self.pending.extend_from_slice(&self.quiet),
        }
        self.finish(out)
    }

    /// Tells the encoder what share of packets the receiver misses, in percent, as its RTCP reports
    /// say; takes effect with the next encoded packet. Above 0, packets carry a low-rate copy of the
    /// one before.
    pub fn set_expected_loss(&mut self, percent: u8) {
        let percent = percent.min(MAX_EXPECTED_LOSS);
        self.loss_is_news |= percent != self.expected_loss;
        self.expected_loss = percent;
    }

    /// Makes the next silent block; a sound that broke off before it runs out over its first half.
    fn soften_end(&mut self) {
        let last = std::mem::take(&mut self.last);
        self.quiet.fill(0);
        if last.iter().any(|s| s.unsigned_abs() > CLICK) {
            let half = self.block / 2;
            stretch::ramp_down(&last[..self.channels], &mut self.quiet[..half]);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<Option<EncodedInfo>, AudioError> {
        if self.pending.len() < self.packet {
            return Ok(None);
        }
        let silent = self.pending.iter().all(|s| *s == 0);
        self.silent_packets = if silent {
            self.silent_packets.saturating_add(1)
        } else {
            0
        };
        let voice = self.silent_packets <= FLUSH_PACKETS;
        let encoded = if voice {
            self.encode(out)
        } else {
            self.repeat_silence(out)
        };
        self.pending.clear();
        encoded?;
        Ok(Some(EncodedInfo {
            rtp_samples_48k: PACKET_48K,
            voice,
        }))
    }

    fn encode(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        if self.loss_is_news {
            self.expect_loss()?;
        }
        out.resize(MAX_PACKET_BYTES, 0);
        let length = self.encoder.encode(&self.pending, out)?;
        out.truncate(length);
        if self.silent_packets == FLUSH_PACKETS {
            self.silence.clear();
            self.silence.extend_from_slice(out);
        }
        Ok(())
    }

    fn expect_loss(&mut self) -> Result<(), AudioError> {
        let fec = self.expected_loss > 0;
        let bitrate = if fec {
            self.bitrate + self.bitrate / FEC_SHARE
        } else {
            self.bitrate
        };
        let complexity = if fec {
            self.complexity.max(FEC_COMPLEXITY)
        } else {
            self.complexity
        };
        self.encoder.set_complexity(i32::from(complexity))?;
        self.encoder.set_bitrate(opus::Bitrate::Bits(bitrate))?;
        self.encoder.set_inband_fec(fec)?;
        self.encoder
            .set_packet_loss_perc(i32::from(self.expected_loss))?;
        self.loss_is_news = false;
        Ok(())
    }

    fn repeat_silence(&self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        out.clear();
        out.extend_from_slice(&self.silence);
        Ok(())
    }
}

fn speech_encoder(rate: u32, config: &SenderConfig) -> Result<opus::Encoder, AudioError> {
    let channels = opus_channels(config.channels)?;
    let mut encoder = opus::Encoder::new(rate, channels, opus::Application::Voip)?;
    encoder.set_signal(opus::Signal::Voice)?;
    encoder.set_vbr(true)?;
    Ok(encoder)
}

#[cfg(test)]
#[path = "sender_tests.rs"]
mod tests;
