//! Raw audio on the wire: linear16, µ-law, A-law.

use crate::speech::{g711, resample::Resampler};

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Linear16,
    Mulaw,
    Alaw,
}

impl Encoding {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "linear16" => Some(Self::Linear16),
            "mulaw" => Some(Self::Mulaw),
            "alaw" => Some(Self::Alaw),
            _ => None,
        }
    }

    pub(super) fn bytes_per_sample(self) -> usize {
        if self == Self::Linear16 { 2 } else { 1 }
    }

    pub(super) fn encode(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Self::Linear16 => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
            Self::Mulaw => samples.iter().map(|&s| g711::mulaw_encode(s)).collect(),
            Self::Alaw => samples.iter().map(|&s| g711::alaw_encode(s)).collect(),
        }
    }
}

/// Bytes in, 8 kHz mono out, however the bytes are cut.
#[derive(Debug)]
pub(super) struct Decoder {
    encoding: Encoding,
    channels: usize,
    resampler: Resampler,
    rest: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(encoding: Encoding, rate: u32, channels: u32) -> Self {
        let resampler = Resampler::new(rate, crate::sim::hear::RATE);
        Self {
            encoding,
            channels: channels.max(1) as usize,
            resampler,
            rest: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<i16> {
        self.rest.extend_from_slice(bytes);
        let step = self.encoding.bytes_per_sample() * self.channels;
        let whole = self.rest.len() / step * step;
        let used: Vec<u8> = self.rest.drain(..whole).collect();
        let mono: Vec<i16> = used
            .chunks_exact(step)
            .map(|frame| self.mix(frame))
            .collect();
        let mut out = Vec::new();
        self.resampler.push(&mono, &mut out);
        out
    }

    fn mix(&self, frame: &[u8]) -> i16 {
        let sample = |bytes: &[u8]| match (self.encoding, bytes) {
            (Encoding::Linear16, [low, high]) => i16::from_le_bytes([*low, *high]),
            (Encoding::Mulaw, [code]) => g711::mulaw_decode(*code),
            (Encoding::Alaw, [code]) => g711::alaw_decode(*code),
            _ => 0,
        };
        let sum: i32 = frame
            .chunks_exact(self.encoding.bytes_per_sample())
            .map(|b| i32::from(sample(b)))
            .sum();
        (sum / self.channels as i32) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_any_cut() {
        let samples: Vec<i16> = (0..400).map(|n| n * 50 - 10_000).collect();
        let bytes = Encoding::Linear16.encode(&samples);
        let mut decoder = Decoder::new(Encoding::Linear16, 8_000, 1);
        let decoded: Vec<i16> = bytes
            .chunks(7)
            .flat_map(|part| decoder.push(part))
            .collect();
        assert_eq!(decoded, samples);
    }

    #[test]
    fn two_channels_are_mixed() {
        let mut decoder = Decoder::new(Encoding::Linear16, 8_000, 2);
        assert_eq!(
            decoder.push(&Encoding::Linear16.encode(&[100, 300, -50, 50])),
            [200, 0]
        );
    }
}
