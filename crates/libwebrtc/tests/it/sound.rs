//! Speech-like sound that differs in each run, and how to tell whether it was heard.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use realfft::RealFftPlanner;

/// Samples per second of everything here.
pub(crate) const RATE: u32 = 16_000;

/// A seed for this run, printed so that a failure can be repeated with `SOUND_SEED`.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("SOUND_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("SOUND_SEED={seed}");
    seed
}

/// An endless voice: syllables of a gliding pitch with harmonics, each with its own length, colour and loudness.
pub(crate) struct Voice {
    rng: StdRng,
    phase: f32,
    pitch: f32,
    glide: f32,
    colour: f32,
    loudness: f32,
    at: usize,
    length: usize,
}

impl Voice {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        let (phase, pitch, glide, colour, loudness) = (0.0, 150.0, 0.0, 1.0, 0.0);
        Self {
            rng,
            phase,
            pitch,
            glide,
            colour,
            loudness,
            at: 0,
            length: 0,
        }
    }

    fn next_syllable(&mut self) {
        let rng = &mut self.rng;
        self.length = rng.random_range(RATE / 12..RATE / 4) as usize;
        self.pitch = rng.random_range(100.0..260.0);
        self.glide = rng.random_range(-0.4..0.4) * self.pitch / self.length as f32;
        self.colour = rng.random_range(0.5..1.6);
        // Every fifth or so is a pause.
        self.loudness = if rng.random_bool(0.2) {
            0.0
        } else {
            rng.random_range(2_000.0..9_000.0)
        };
        self.at = 0;
    }

    pub(crate) fn samples(&mut self, count: usize) -> Vec<i16> {
        (0..count).map(|_| self.sample()).collect()
    }

    fn sample(&mut self) -> i16 {
        if self.at >= self.length {
            self.next_syllable();
        }
        let part = self.at as f32 / self.length as f32;
        self.at += 1;
        self.pitch += self.glide;
        self.phase = (self.phase + self.pitch / RATE as f32).fract();
        let tone: f32 = (1..=12u8)
            .map(f32::from)
            .map(|n| (n * self.phase * std::f32::consts::TAU).sin() / n.powf(self.colour))
            .sum();
        let envelope = (part * std::f32::consts::PI).sin();
        (tone * envelope * self.loudness * 0.5).clamp(-30_000.0, 30_000.0) as i16
    }
}

/// Length of the pieces that are compared. A jitter buffer may lengthen or shorten the silence between syllables, so a
/// long stretch need not match as a whole.
const PIECE: usize = RATE as usize / 2;

/// How well `heard` matches some part of `said`, from 0 to 1: the median over pieces with sound of the peak of the
/// normalised cross-correlation. 0 if hardly anything was heard.
pub(crate) fn likeness(said: &[i16], heard: &[i16]) -> f32 {
    let loud = |piece: &&[i16]| energy(piece) > 200.0 * 200.0 * PIECE as f64;
    let pieces: Vec<&[i16]> = heard.chunks_exact(PIECE).filter(loud).collect();
    if pieces.len() * 2 < heard.len() / PIECE {
        return 0.0;
    }
    let mut all: Vec<f32> = pieces.into_iter().map(|piece| peak(said, piece)).collect();
    all.sort_by(f32::total_cmp);
    all[all.len() / 2]
}

fn energy(part: &[i16]) -> f64 {
    part.iter().map(|s| f64::from(*s).powi(2)).sum()
}

fn peak(said: &[i16], heard: &[i16]) -> f32 {
    assert!(
        said.len() >= heard.len(),
        "{} said, {} heard",
        said.len(),
        heard.len()
    );
    let correlation = cross_correlate(said, heard);
    let heard_energy = energy(heard);
    let mut window = energy(&said[..heard.len()]);
    let mut best = 0.0f64;
    for lag in 0..=said.len() - heard.len() {
        if lag > 0 {
            window += f64::from(said[lag + heard.len() - 1]).powi(2);
            window -= f64::from(said[lag - 1]).powi(2);
        }
        let norm = (window.max(1.0) * heard_energy.max(1.0)).sqrt();
        best = best.max(f64::from(correlation[lag]) / norm);
    }
    best as f32
}

/// Element `n` is the scalar product of `heard` with `said` from `n` on.
fn cross_correlate(said: &[i16], heard: &[i16]) -> Vec<f32> {
    let size = (said.len() + heard.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (
        planner.plan_fft_forward(size),
        planner.plan_fft_inverse(size),
    );
    let spectrum = |samples: &[i16]| {
        let mut padded = vec![0.0; size];
        padded
            .iter_mut()
            .zip(samples)
            .for_each(|(to, s)| *to = f32::from(*s));
        let mut bins = forward.make_output_vec();
        forward.process(&mut padded, &mut bins).expect("sizes fit");
        bins
    };
    let (mut a, b) = (spectrum(said), spectrum(heard));
    a.iter_mut().zip(&b).for_each(|(a, b)| *a *= b.conj());
    // Both are real signals, so the ends of the spectrum are real up to rounding.
    (a[0].im, a[size / 2].im) = (0.0, 0.0);
    let mut out = inverse.make_output_vec();
    inverse.process(&mut a, &mut out).expect("sizes fit");
    out.iter_mut().for_each(|value| *value /= size as f32);
    out
}

#[test]
fn a_voice_is_like_itself_and_unlike_another() {
    let seed = seed();
    let said = Voice::new(seed).samples(RATE as usize * 4);
    let other = Voice::new(seed ^ 1).samples(RATE as usize * 4);
    let part = &said[20_000..52_000];
    assert!(likeness(&said, part) > 0.999);
    let strange = likeness(&other, part);
    println!("{strange}");
    assert!(strange < 0.65, "{strange}");
}
