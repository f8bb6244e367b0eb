//! Mel energies per 16 ms, and cepstra that depend neither on loudness nor on a flat change of the line.

use std::{f32::consts::PI, sync::Arc};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};

use super::{HOP, RATE};

const WINDOW: usize = 256;
const BANDS: usize = 20;
const LOWEST_HZ: f32 = 180.0;
const HIGHEST_HZ: f32 = 3_500.0;
/// Energies this far below the loud parts count as silence: noise and codecs differ there.
const FLOOR: f32 = 1.6e-3; // -28 dB
/// Coefficients per frame: overall level and eleven of the spectrum's shape.
pub(super) const SIZE: usize = 12;
/// The level says less than the shape.
const LEVEL_WEIGHT: f32 = 0.5;

/// One 16 ms step: energy per band, and the level of the whole in dB relative to full scale.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    bands: [f32; BANDS],
    /// dBFS.
    pub level: f32,
}

/// Cepstrum of one frame.
pub(super) type Cepstrum = [f32; SIZE];

/// Turns a stream of 8 kHz samples into frames.
pub struct Extractor {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// First bin and weights of every band.
    filters: Vec<(usize, Vec<f32>)>,
    pending: Vec<f32>,
    scratch: Vec<f32>,
    spectrum: Vec<Complex32>,
}

impl std::fmt::Debug for Extractor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extractor")
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}

impl Default for Extractor {
    fn default() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        Self {
            spectrum: fft.make_output_vec(),
            scratch: fft.make_input_vec(),
            fft,
            window: (0..WINDOW)
                .map(|n| 0.54 - 0.46 * (2.0 * PI * n as f32 / (WINDOW - 1) as f32).cos())
                .collect(),
            filters: filters(),
            pending: Vec::new(),
        }
    }
}

impl Extractor {
    /// Takes samples, appends the frames they complete.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<Frame>) {
        self.pending
            .extend(samples.iter().map(|&s| f32::from(s) / 32_768.0));
        let mut at = 0;
        while at + WINDOW <= self.pending.len() {
            out.push(self.frame(at));
            at += HOP;
        }
        self.pending.drain(..at);
    }

    fn frame(&mut self, at: usize) -> Frame {
        let samples = &self.pending[at..at + WINDOW];
        let power = samples.iter().map(|s| s * s).sum::<f32>() / WINDOW as f32;
        for ((target, sample), weight) in self.scratch.iter_mut().zip(samples).zip(&self.window) {
            *target = sample * weight;
        }
        let mut bands = [0.0; BANDS];
        // The lengths are those the plan asked for, so this cannot fail; silence is the harmless answer if it did.
        if self
            .fft
            .process(&mut self.scratch, &mut self.spectrum)
            .is_ok()
        {
            for (band, (first, weights)) in bands.iter_mut().zip(&self.filters) {
                *band = self.spectrum[*first..]
                    .iter()
                    .zip(weights)
                    .map(|(bin, w)| bin.norm_sqr() * w)
                    .sum();
            }
        }
        Frame {
            bands,
            level: 10.0 * power.max(1e-10).log10(),
        }
    }
}

/// Cepstra of a piece of speech. The silence floor follows the piece's own loud frames, so gain does not matter.
pub(super) fn cepstra(frames: &[Frame]) -> Vec<Cepstrum> {
    let mut totals: Vec<f32> = frames
        .iter()
        .map(|f| f.bands.iter().sum::<f32>() / BANDS as f32)
        .collect();
    totals.sort_by(|a, b| b.total_cmp(a));
    let loud = &totals[..totals.len().div_ceil(3)];
    let reference = loud.iter().sum::<f32>() / loud.len().max(1) as f32;
    let floor = (reference * FLOOR).max(1e-12);
    frames.iter().map(|f| cepstrum(f, floor)).collect()
}

fn cepstrum(frame: &Frame, floor: f32) -> Cepstrum {
    let logs = frame.bands.map(|energy| (energy + floor).log10());
    let mut out = [0.0; SIZE];
    for (k, value) in out.iter_mut().enumerate() {
        *value = logs
            .iter()
            .zip(&COSINES[k])
            .map(|(log, cos)| log * cos)
            .sum();
    }
    out[0] *= LEVEL_WEIGHT;
    out
}

static COSINES: std::sync::LazyLock<[[f32; BANDS]; SIZE]> = std::sync::LazyLock::new(|| {
    let scale = (2.0 / BANDS as f32).sqrt();
    let cosine =
        |k: usize, n: usize| (PI * k as f32 * (n as f32 + 0.5) / BANDS as f32).cos() * scale;
    std::array::from_fn(|k| {
        std::array::from_fn(|n| {
            if k == 0 {
                scale / 2f32.sqrt()
            } else {
                cosine(k, n)
            }
        })
    })
});

/// Triangles, equally spaced on the mel scale, each of area one.
fn filters() -> Vec<(usize, Vec<f32>)> {
    let mel = |hz: f32| 1_127.0 * (1.0 + hz / 700.0).ln();
    let hertz = |mel: f32| 700.0 * ((mel / 1_127.0).exp() - 1.0);
    let (low, high) = (mel(LOWEST_HZ), mel(HIGHEST_HZ));
    let edge = |i: usize| {
        hertz(low + (high - low) * i as f32 / (BANDS + 1) as f32) * WINDOW as f32 / RATE as f32
    };
    (0..BANDS)
        .map(|band| {
            let (left, centre, right) = (edge(band), edge(band + 1), edge(band + 2));
            let first = left.ceil() as usize;
            let weight = |bin: usize| {
                let bin = bin as f32;
                ((bin - left) / (centre - left))
                    .min((right - bin) / (right - centre))
                    .max(0.0)
            };
            let weights: Vec<f32> = (first..=right.floor() as usize).map(weight).collect();
            // A narrow triangle may fall between two bins: take the nearest then.
            if weights.iter().sum::<f32>() < 0.05 {
                return (centre.round() as usize, vec![1.0]);
            }
            let area: f32 = weights.iter().sum();
            (first, weights.iter().map(|w| w / area).collect())
        })
        .collect()
}
