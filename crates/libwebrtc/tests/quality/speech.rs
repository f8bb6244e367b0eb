//! Speech-like sound from a seed: a glottal source through moving formants, fricatives and stops, in
//! syllables. Nobody understands it, but it has the rhythm, pitch and spectrum that codecs, voice
//! detectors and intelligibility measures look for.

use rand::{Rng, SeedableRng, rngs::StdRng};

pub(crate) const RATE: u32 = 16_000;

/// First three formants in Hz of a, e, i, o, u; the fourth is common.
const VOWELS: [[f64; 3]; 5] = [
    [730.0, 1_090.0, 2_440.0],
    [530.0, 1_840.0, 2_480.0],
    [270.0, 2_290.0, 3_010.0],
    [570.0, 840.0, 2_410.0],
    [300.0, 870.0, 2_240.0],
];
const FOURTH: f64 = 3_500.0;
const BANDWIDTHS: [f64; 4] = [80.0, 100.0, 140.0, 220.0];
/// Level of an utterance: -23 dBFS.
const LEVEL: f64 = 2_320.0;

/// A second-order resonance with gain 1 at 0 Hz.
#[derive(Default, Clone, Copy)]
struct Resonator {
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn step(&mut self, x: f64, hz: f64, bandwidth: f64) -> f64 {
        let r = (-std::f64::consts::PI * bandwidth / f64::from(RATE)).exp();
        let b = 2.0 * r * (std::f64::consts::TAU * hz / f64::from(RATE)).cos();
        let c = -r * r;
        let y = (1.0 - b - c) * x + b * self.y1 + c * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

struct Voice {
    rng: StdRng,
    phase: f64,
    glottis: f64,
    tract: [Resonator; 4],
    formants: [f64; 3],
    hiss: Resonator,
    samples: Vec<f64>,
}

/// About `seconds` of speech, scaled to a common level.
pub(crate) fn utterance(seed: u64, seconds: f64) -> Vec<i16> {
    let mut voice = Voice {
        rng: StdRng::seed_from_u64(seed),
        phase: 0.0,
        glottis: 0.0,
        tract: Default::default(),
        formants: VOWELS[0],
        hiss: Resonator::default(),
        samples: Vec::new(),
    };
    let wanted = (seconds * f64::from(RATE)) as usize;
    let base = voice.rng.random_range(95.0..210.0);
    while voice.samples.len() < wanted {
        // The pitch falls over the utterance.
        let pitch = base * (1.15 - 0.3 * voice.samples.len() as f64 / wanted as f64);
        voice.syllable(pitch);
    }
    let energy: f64 = voice.samples.iter().map(|s| s * s).sum();
    let gain = LEVEL / (energy / voice.samples.len() as f64).sqrt();
    voice
        .samples
        .iter()
        .map(|s| (s * gain).clamp(-32_000.0, 32_000.0) as i16)
        .collect()
}

impl Voice {
    fn syllable(&mut self, pitch: f64) {
        match self.rng.random_range(0..4) {
            0 => self.fricative(),
            1 => self.stop(),
            2 => self.voiced([250.0, 1_100.0, 2_200.0], pitch, 0.06, 0.3),
            _ => {}
        }
        let vowel = VOWELS[self.rng.random_range(0..VOWELS.len())];
        let seconds = self.rng.random_range(0.09..0.2);
        let loudness = self.rng.random_range(0.6..1.2);
        let pitch = pitch * self.rng.random_range(0.9..1.15);
        self.voiced(vowel, pitch, seconds, loudness);
    }

    fn voiced(&mut self, target: [f64; 3], pitch: f64, seconds: f64, loudness: f64) {
        let count = (seconds * f64::from(RATE)) as usize;
        for n in 0..count {
            for (formant, target) in self.formants.iter_mut().zip(target) {
                // Formants glide over some 20 ms.
                *formant += (target - *formant) * 0.003;
            }
            let shape = (std::f64::consts::PI * (n as f64 + 0.5) / count as f64)
                .sin()
                .powf(0.6);
            let source = self.glottal(pitch) * loudness * shape;
            let [f1, f2, f3] = self.formants;
            let mut sample = source;
            for (k, hz) in [f1, f2, f3, FOURTH].into_iter().enumerate() {
                sample = self.tract[k].step(sample, hz, BANDWIDTHS[k]);
            }
            self.samples.push(sample);
        }
    }

    /// One sample of a smoothed pulse train with some breath and uneven pitch.
    fn glottal(&mut self, pitch: f64) -> f64 {
        self.phase += pitch * self.rng.random_range(0.97..1.03) / f64::from(RATE);
        let pulse = if self.phase >= 1.0 {
            self.phase -= 1.0;
            f64::from(RATE) / pitch
        } else {
            0.0
        };
        self.glottis += (pulse - self.glottis) * 0.25;
        self.glottis - 1.0 + self.rng.random_range(-0.15..0.15)
    }

    fn fricative(&mut self) {
        let (hz, seconds) = (
            self.rng.random_range(2_500.0..6_000.0),
            self.rng.random_range(0.05..0.11),
        );
        let count = (seconds * f64::from(RATE)) as usize;
        for n in 0..count {
            let shape = (std::f64::consts::PI * n as f64 / count as f64).sin();
            let noise = self.rng.random_range(-1.0..1.0) * shape;
            let sample = self.hiss.step(noise, hz, 1_200.0);
            self.samples.push(sample * 0.15);
        }
    }

    fn stop(&mut self) {
        self.samples
            .extend(std::iter::repeat_n(0.0, RATE as usize / 25));
        for n in 0..RATE as usize / 80 {
            let decay = (-(n as f64) / 50.0).exp();
            self.samples.push(self.rng.random_range(-0.6..0.6) * decay);
        }
    }
}
