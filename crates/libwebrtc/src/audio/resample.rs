//! Rational resampling of 10 ms blocks with a polyphase windowed sinc.

use super::{AudioError, block_len};

/// Zero crossings of the sinc on each side; the delay is as many samples of the lower rate.
const CROSSINGS: f64 = 16.0;
/// Pass band as a share of the lower Nyquist frequency.
const ROLL_OFF: f64 = 0.94;
/// Filters are a multiple of this long.
const LANES: usize = 8;
/// Shape of the Kaiser window: better than 80 dB of stop band.
const KAISER_BETA: f64 = 8.0;

/// Converts between two rates that both have whole 10 ms blocks. Each block in gives exactly one block
/// out. Allocates nothing after construction if the output has room.
#[derive(Debug)]
pub struct Resampler {
    /// Output samples per `step_in` input samples.
    phases: usize,
    step_in: usize,
    taps: usize,
    /// `taps` coefficients for each phase.
    filter: Vec<f32>,
    /// Per channel the last `taps - 1` samples and room for a block.
    memory: Vec<Vec<f32>>,
    block_in: usize,
    block_out: usize,
}

impl Resampler {
    /// # Errors
    /// [`AudioError::SampleRate`] or [`AudioError::Channels`] if either format has no 10 ms block.
    pub fn new(from: u32, to: u32, channels: u32) -> Result<Self, AudioError> {
        block_len(from, channels)?;
        block_len(to, channels)?;
        let divisor = gcd(from, to);
        let (phases, step_in) = ((to / divisor) as usize, (from / divisor) as usize);
        let cutoff = ROLL_OFF * f64::from(to.min(from)) / f64::from(from);
        let taps = ((2.0 * CROSSINGS / cutoff).ceil() as usize).next_multiple_of(LANES);
        let block_in = (from / 100) as usize;
        Ok(Self {
            phases,
            step_in,
            taps,
            filter: design(phases, taps, cutoff),
            memory: vec![vec![0.0; taps - 1 + block_in]; channels as usize],
            block_in,
            block_out: (to / 100) as usize,
        })
    }

    /// Appends 10 ms at the new rate to `out`. `pcm` must be 10 ms long: of a longer one the rest is
    /// ignored, a shorter one counts as filled up with silence.
    pub fn process(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        let channels = self.memory.len();
        for (channel, memory) in self.memory.iter_mut().enumerate() {
            let fresh = &mut memory[self.taps - 1..];
            fresh.fill(0.0);
            for (to, from) in fresh
                .iter_mut()
                .zip(pcm.iter().skip(channel).step_by(channels))
            {
                *to = f32::from(*from);
            }
        }
        for n in 0..self.block_out {
            let at = n * self.step_in;
            let phase = at % self.phases * self.taps;
            let filter = &self.filter[phase..phase + self.taps];
            for memory in &self.memory {
                out.push(dot(filter, &memory[at / self.phases..]));
            }
        }
        for memory in &mut self.memory {
            memory.copy_within(self.block_in.., 0);
        }
    }
}

/// Summed in independent lanes, which the compiler turns into vector instructions.
fn dot(filter: &[f32], samples: &[f32]) -> i16 {
    let mut lanes = [0.0_f32; LANES];
    for (h, x) in filter.chunks_exact(LANES).zip(samples.chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += h[lane] * x[lane];
        }
    }
    let sum = lanes.iter().sum::<f32>();
    // Rounds; the cast saturates.
    (sum + 0.5_f32.copysign(sum)) as i16
}

/// The sinc, delayed by half its length and sampled once per phase; each phase passes DC unchanged.
fn design(phases: usize, taps: usize, cutoff: f64) -> Vec<f32> {
    let mut filter = Vec::with_capacity(phases * taps);
    let half = taps as f64 / 2.0;
    for phase in 0..phases {
        let shift = phase as f64 / phases as f64;
        let row: Vec<f64> = (0..taps)
            .map(|tap| {
                let t = (tap as f64 + 1.0) - half - shift;
                sinc(t * cutoff) * kaiser(t / half)
            })
            .collect();
        let gain: f64 = row.iter().sum();
        filter.extend(row.iter().map(|h| (h / gain) as f32));
    }
    filter
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

fn kaiser(x: f64) -> f64 {
    bessel(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel(KAISER_BETA)
}

/// Modified Bessel function of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    (1..32).fold(1.0, |sum, k| {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum + term
    })
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hz: f64, blocks: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        (0..blocks * rate as usize / 100)
            .map(|n| ((n as f64 * step).sin() * 10_000.0) as i16)
            .collect()
    }

    fn convert(from: u32, to: u32, pcm: &[i16]) -> Vec<i16> {
        let mut resampler = Resampler::new(from, to, 1).expect("both rates are valid");
        let mut out = Vec::new();
        pcm.chunks(from as usize / 100)
            .for_each(|block| resampler.process(block, &mut out));
        out
    }

    /// Level in dB of what is left of a tone after the best fitting tone of that frequency is removed.
    fn distortion_db(pcm: &[i16], rate: u32, hz: f64) -> f64 {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        let (mut s, mut c) = (0.0, 0.0);
        for (n, x) in pcm.iter().enumerate() {
            s += f64::from(*x) * (n as f64 * step).sin() * 2.0 / pcm.len() as f64;
            c += f64::from(*x) * (n as f64 * step).cos() * 2.0 / pcm.len() as f64;
        }
        let (mut rest, mut all) = (0.0, 0.0);
        for (n, x) in pcm.iter().enumerate() {
            let fit = s * (n as f64 * step).sin() + c * (n as f64 * step).cos();
            rest += (f64::from(*x) - fit).powi(2);
            all += f64::from(*x).powi(2);
        }
        10.0 * (rest / all).log10()
    }

    #[test]
    fn a_tone_survives_every_conversion() {
        for (from, to) in [
            (44_100, 48_000),
            (48_000, 44_100),
            (32_000, 48_000),
            (16_000, 10_000),
        ] {
            let out = convert(from, to, &tone(from, 1_000.0, 30));
            assert_eq!(out.len(), 30 * to as usize / 100);
            let settled = &out[to as usize / 10..];
            let db = distortion_db(settled, to, 1_000.0);
            assert!(db < -70.0, "{from} to {to}: {db:.1} dB");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_removed() {
        let out = convert(48_000, 16_000, &tone(48_000, 11_000.0, 30));
        assert!(out[1_600..].iter().all(|s| s.unsigned_abs() <= 3));
    }

    #[test]
    fn channels_do_not_mix() {
        let mut resampler = Resampler::new(44_100, 48_000, 2).expect("both rates are valid");
        let left_only: Vec<i16> = tone(44_100, 500.0, 1)
            .iter()
            .flat_map(|s| [*s, 0])
            .collect();
        let mut out = Vec::new();
        resampler.process(&left_only, &mut out);
        assert_eq!(out.len(), 960);
        assert!(out.iter().skip(1).step_by(2).all(|s| *s == 0));
    }

    #[test]
    fn rates_without_whole_blocks_are_refused() {
        assert!(matches!(
            Resampler::new(22_050, 48_000, 1),
            Err(AudioError::SampleRate(22_050))
        ));
    }
}
