//! From RTP payloads to PCM: the jitter buffer's decisions carried out with an Opus decoder.

use std::time::Duration;

use super::{
    AudioError, BLOCK, MS, Ticks, block_len,
    fifo::PcmFifo,
    jitter::{JitterBuffer, Step, Wish},
    opus_channels,
    stats::ReceiverStats,
    stretch::{self, SilenceDetector},
    ticks,
};

/// How missing packets are made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repair {
    /// In-band FEC where the next packet carries it, Opus concealment elsewhere.
    #[default]
    Full,
    /// Digital silence: the reference that [`Repair::Full`] is measured against.
    Silence,
}

/// Output format of an [`AudioReceiver`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// Output rate in Hz; one of 8000, 12000, 16000, 24000, 48000, which Opus decodes to directly.
    pub sample_rate: u32,
    /// 1 or 2, whatever the sender uses.
    pub channels: u32,
    /// Normally [`Repair::Full`].
    pub repair: Repair,
}

/// Longest Opus packet.
const MAX_PACKET: Ticks = 120 * MS;
/// What may be queued besides: a rest of a block and a block of inserted silence.
const SLACK: Ticks = 3 * BLOCK;
/// A sound that stops is faded over this.
const FADE: Ticks = 5 * MS;

/// One remote audio stream: RTP payloads in at any time, 10 ms of PCM out every 10 ms.
#[derive(Debug)]
pub struct AudioReceiver {
    jitter: JitterBuffer,
    playout: Playout,
    silence: SilenceDetector,
    inserted: Ticks,
    removed: Ticks,
    now: Ticks,
}

impl AudioReceiver {
    /// # Errors
    /// [`AudioError::SampleRate`] if libopus does not decode to that rate, [`AudioError::Channels`],
    /// [`AudioError::Codec`] if there is no memory for a decoder.
    pub fn new(config: ReceiverConfig) -> Result<Self, AudioError> {
        Ok(Self {
            jitter: JitterBuffer::new(config.repair == Repair::Full),
            playout: Playout::new(config)?,
            silence: SilenceDetector::new(),
            inserted: 0,
            removed: 0,
            now: 0,
        })
    }

    /// Changes rate and channels; what is decoded but not heard yet (less than a packet) is lost.
    ///
    /// # Errors
    /// As [`AudioReceiver::new`]; the old format stays then.
    pub fn set_output(&mut self, sample_rate: u32, channels: u32) -> Result<(), AudioError> {
        let config = ReceiverConfig {
            sample_rate,
            channels,
            ..self.playout.config
        };
        if config != self.playout.config {
            self.playout = Playout::new(config)?;
        }
        Ok(())
    }

    /// Output rate and channels.
    pub fn output(&self) -> (u32, u32) {
        (
            self.playout.config.sample_rate,
            self.playout.config.channels,
        )
    }

    /// Takes one RTP payload that arrived at `now`. `seq` and `rtp_time_48k` are extended: they do not
    /// wrap while the stream lives. Anything may come: late, twice, out of order, or garbage.
    pub fn push_rtp(&mut self, now: Duration, seq: u64, rtp_time_48k: u64, payload: &[u8]) {
        self.jitter.push(ticks(now), seq, rtp_time_48k, payload);
    }

    /// Fills `out` with the next 10 ms. To be called every 10 ms; a caller that was held up calls as
    /// often as it missed. A wrongly sized `out` is filled with silence.
    pub fn pull_10ms(&mut self, now: Duration, out: &mut [i16]) {
        self.now = ticks(now);
        out.fill(0);
        if out.len() != self.playout.samples(BLOCK) {
            return;
        }
        while self.playout.fifo.len() < out.len() {
            self.step();
        }
        self.playout.fifo.pop(out);
    }

    /// Counters since the start, and the delay as of the last pull.
    pub fn stats(&self) -> ReceiverStats {
        let (stats, concealed) = self.jitter.stats();
        let ahead = self.playout.queued_ticks();
        ReceiverStats {
            concealed: duration(concealed),
            inserted: duration(self.inserted),
            removed: duration(self.removed),
            delay: duration(self.jitter.playout_delay(self.now, ahead)),
            target_delay: duration(self.jitter.target(self.now)),
            ..stats
        }
    }

    fn step(&mut self) {
        match self.jitter.next(self.now) {
            Step::Decode { payload, ticks } => {
                self.playout.decode(payload, ticks, false);
                self.adapt();
            }
            Step::Recover { payload, ticks } => self.playout.decode(payload, ticks, true),
            Step::Conceal { ticks } => self.playout.conceal(ticks),
            Step::Silence => self.playout.silence(),
        }
    }

    /// Makes silence longer or shorter if the delay is off.
    fn adapt(&mut self) {
        let block = self.playout.samples(BLOCK);
        let mut silent = true;
        for piece in self.playout.fifo.queued().chunks_exact(block) {
            silent &= self.silence.is_silent(piece);
        }
        if !silent || self.playout.fifo.len() < 2 * block {
            return;
        }
        match self.jitter.wish(self.now, self.playout.queued_ticks()) {
            Wish::Keep => {}
            Wish::Remove => {
                stretch::fold(&mut self.playout.fifo.queued()[..2 * block]);
                self.playout.fifo.skip(block);
                self.removed += BLOCK;
            }
            Wish::Insert if self.playout.fifo.len() == 2 * block => {
                self.playout.fifo.tail(block).fill(0);
                self.playout.fifo.commit(block);
                stretch::unfold(self.playout.fifo.queued());
                self.inserted += BLOCK;
            }
            Wish::Insert => {}
        }
    }
}

fn duration(ticks: Ticks) -> Duration {
    Duration::from_micros(ticks.clamp(0, 1 << 40) as u64 * 1000 / 48)
}

/// The decoder and the samples it has made.
#[derive(Debug)]
struct Playout {
    config: ReceiverConfig,
    decoder: opus::Decoder,
    fifo: PcmFifo,
    /// Last sample of each channel, and whether the sound after it must fade from it.
    last: [i16; 2],
    sounding: bool,
}

impl Playout {
    fn new(config: ReceiverConfig) -> Result<Self, AudioError> {
        let block = block_len(config.sample_rate, config.channels)?;
        if super::opus_rate_for(config.sample_rate) != config.sample_rate {
            return Err(AudioError::SampleRate(config.sample_rate));
        }
        let decoder = opus::Decoder::new(config.sample_rate, opus_channels(config.channels)?)?;
        let fifo = PcmFifo::new(block * ((MAX_PACKET + SLACK) / BLOCK) as usize);
        Ok(Self {
            config,
            decoder,
            fifo,
            last: [0; 2],
            sounding: false,
        })
    }

    /// Samples of all channels in `ticks`.
    fn samples(&self, ticks: Ticks) -> usize {
        (ticks * Ticks::from(self.config.sample_rate) / 48_000) as usize * self.channels()
    }

    fn channels(&self) -> usize {
        self.config.channels as usize
    }

    fn queued_ticks(&self) -> Ticks {
        let frames = (self.fifo.len() / self.channels()) as Ticks;
        frames * 48_000 / Ticks::from(self.config.sample_rate)
    }

    fn decode(&mut self, payload: &[u8], ticks: Ticks, fec: bool) {
        let room = self.samples(ticks);
        match self.decoder.decode(payload, self.fifo.tail(room), fec) {
            Ok(frames) => self.queue(frames * self.channels()),
            // The header was valid, the body is not: as good as lost.
            Err(_) => self.conceal(ticks),
        }
    }

    fn conceal(&mut self, ticks: Ticks) {
        let room = self.samples(ticks);
        let made = match self.config.repair {
            Repair::Full => self.decoder.decode(&[], self.fifo.tail(room), false).ok(),
            Repair::Silence => None,
        };
        if made.is_none() {
            self.fifo.tail(room).fill(0);
        }
        self.queue(made.map_or(room, |frames| frames * self.channels()));
    }

    /// Completes a block with silence, after a fade if there was sound.
    fn silence(&mut self) {
        let (block, fade) = (self.samples(BLOCK), self.samples(FADE));
        let room = block - self.fifo.len().min(block);
        let channels = self.channels();
        let tail = self.fifo.tail(room);
        tail.fill(0);
        if self.sounding {
            let fade = fade.min(tail.len());
            stretch::ramp_down(&self.last[..channels], &mut tail[..fade]);
        }
        self.fifo.commit(room);
        self.sounding = false;
    }

    fn queue(&mut self, samples: usize) {
        self.fifo.commit(samples);
        let channels = self.channels();
        if let Some(last) = self.fifo.queued().last_chunk::<2>() {
            self.last[..channels].copy_from_slice(&last[2 - channels..]);
        }
        self.sounding = true;
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
