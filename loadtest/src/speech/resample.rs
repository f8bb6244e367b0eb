//! Rational resampling with a windowed sinc, streaming or in one piece. The output is aligned with the input: no delay
//! is added, the last [`HALF_WIDTH`] (scaled) input samples are held back until [`Resampler::finish`].

/// Zero crossings kept on each side of the sinc at the lower of the two rates.
const HALF_WIDTH: usize = 16;
/// Part of the lower Nyquist band that passes.
const PASSBAND: f64 = 0.94;

/// Changes the sample rate of one mono stream.
#[derive(Debug)]
pub struct Resampler {
    up: usize,
    down: usize,
    half: usize,
    /// One filter per output phase, `2 * half` coefficients each.
    phases: Vec<Vec<f32>>,
    buffer: Vec<f32>,
    /// Position of the next output in `buffer`, in units of 1/`up` input samples.
    position: usize,
}

impl Resampler {
    /// From `from` to `to` samples per second; a rate of 0 is taken as 1.
    #[must_use]
    pub fn new(from: u32, to: u32) -> Self {
        let (from, to) = (from.max(1) as usize, to.max(1) as usize);
        let divisor = gcd(from, to);
        let (up, down) = (to / divisor, from / divisor);
        let scale = (down as f64 / up as f64).max(1.0);
        let half = (HALF_WIDTH as f64 * scale).ceil() as usize;
        let phases = (0..up)
            .map(|phase| filter(phase as f64 / up as f64, half, scale))
            .collect();
        Self {
            up,
            down,
            half,
            phases,
            buffer: vec![0.0; half - 1],
            position: 0,
        }
    }

    /// Takes input, appends what is ready to `out`.
    pub fn push(&mut self, input: &[i16], out: &mut Vec<i16>) {
        if self.up == self.down {
            out.extend_from_slice(input);
            return;
        }
        self.buffer.extend(input.iter().map(|&s| f32::from(s)));
        self.drain(out);
    }

    /// Gives out the samples that were held back. The stream may go on, after a gap of silence.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        if self.up != self.down {
            self.buffer.extend(std::iter::repeat_n(0.0, self.half));
            self.drain(out);
        }
    }

    fn drain(&mut self, out: &mut Vec<i16>) {
        let width = 2 * self.half;
        while let Some(window) = self
            .buffer
            .get(self.position / self.up..self.position / self.up + width)
        {
            let taps = &self.phases[self.position % self.up];
            let sum: f32 = window.iter().zip(taps).map(|(x, h)| x * h).sum();
            out.push(sum.round().clamp(-32_768.0, 32_767.0) as i16);
            self.position += self.down;
        }
        let used = (self.position / self.up).min(self.buffer.len());
        self.buffer.drain(..used);
        self.position -= used * self.up;
    }
}

/// A whole recording at another rate; the length scales with the rate (rounded up).
#[must_use]
pub fn convert(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to);
    let mut out = Vec::with_capacity(samples.len() * to as usize / from.max(1) as usize + 1);
    resampler.push(samples, &mut out);
    resampler.finish(&mut out);
    out.truncate((samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from.max(1))) as usize);
    out
}

/// Coefficients for an output that lies `fraction` of an input sample after the window's centre.
fn filter(fraction: f64, half: usize, scale: f64) -> Vec<f32> {
    let cutoff = PASSBAND / scale;
    let taps: Vec<f64> = (0..2 * half)
        .map(|k| {
            let t = k as f64 - (half as f64 - 1.0) - fraction;
            sinc(t * cutoff) * blackman(t / half as f64)
        })
        .collect();
    let gain: f64 = taps.iter().sum();
    taps.iter().map(|t| (t / gain) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    let y = std::f64::consts::PI * x;
    if y.abs() < 1e-9 { 1.0 } else { y.sin() / y }
}

/// Blackman window over -1..=1.
fn blackman(x: f64) -> f64 {
    let y = std::f64::consts::PI * x.clamp(-1.0, 1.0);
    0.42 + 0.5 * y.cos() + 0.08 * (2.0 * y).cos()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, seconds: f64) -> Vec<i16> {
        let step = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..(f64::from(rate) * seconds) as usize)
            .map(|n| (10_000.0 * (step * n as f64).sin()) as i16)
            .collect()
    }

    fn level(samples: &[i16]) -> f32 {
        super::super::energy::rms_dbfs(&samples[400..samples.len() - 400])
    }

    #[test]
    fn a_tone_keeps_its_level_length_and_phase_at_every_rate() {
        for (from, to) in [
            (16_000, 8_000),
            (8_000, 16_000),
            (48_000, 8_000),
            (44_100, 8_000),
            (16_000, 24_000),
            (8_000, 48_000),
        ] {
            let (input, wanted) = (tone(from, 700.0, 0.5), tone(to, 700.0, 0.5));
            let output = convert(&input, from, to);
            assert_eq!(output.len(), wanted.len(), "{from} to {to}");
            let worst = output
                .iter()
                .zip(&wanted)
                .skip(200)
                .take(output.len() - 400)
                .map(|(a, b)| (a - b).abs())
                .max();
            assert!(worst.expect("samples") < 60, "{from} to {to}: {worst:?}");
        }
    }

    #[test]
    fn what_does_not_fit_the_new_band_is_removed() {
        assert!(level(&convert(&tone(16_000, 6_000.0, 0.5), 16_000, 8_000)) < -60.0);
    }

    #[test]
    fn pieces_give_the_same_as_the_whole() {
        let input = tone(48_000, 440.0, 0.2);
        let mut resampler = Resampler::new(48_000, 8_000);
        let mut pieces = Vec::new();
        for part in input.chunks(331) {
            resampler.push(part, &mut pieces);
        }
        resampler.finish(&mut pieces);
        assert_eq!(pieces[..1_600], convert(&input, 48_000, 8_000)[..]);
    }
}
