//! Short-time objective intelligibility: C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An
//! algorithm for intelligibility prediction of time-frequency weighted noisy speech", IEEE TASLP 19(7),
//! 2011. 1 is the clean signal, about 0.6 is where listeners begin to miss words.

use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// The measure is defined at 10 kHz.
pub(crate) const RATE: u32 = 10_000;
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
const FFT: usize = 512;
const BANDS: usize = 15;
const LOWEST_BAND_HZ: f64 = 150.0;
/// 30 frames of 12.8 ms: 384 ms.
const SEGMENT: usize = 30;
/// Lower limit of the signal-to-distortion ratio in dB.
const BETA: f64 = -15.0;
/// Frames this far below the loudest clean one do not count.
const DYNAMIC_RANGE_DB: f64 = 40.0;

/// Band magnitudes over time: `[frame][band]`.
type Envelopes = Vec<[f64; BANDS]>;

/// How intelligible `degraded` is, of which `clean` is the aligned original; both at 10 kHz.
pub(crate) fn stoi(clean: &[f64], degraded: &[f64]) -> f64 {
    let (clean, degraded) = without_silence(clean, degraded);
    let (clean, degraded) = (envelopes(&clean), envelopes(&degraded));
    let mut sum = 0.0;
    let mut count = 0.0;
    for end in SEGMENT..=clean.len() {
        for band in 0..BANDS {
            let segment = |all: &Envelopes| -> [f64; SEGMENT] {
                std::array::from_fn(|n| all[end - SEGMENT + n][band])
            };
            sum += intelligibility(&segment(&clean), &segment(&degraded));
            count += 1.0;
        }
    }
    assert!(count > 0.0, "at least 384 ms of speech are needed");
    sum / count
}

/// Correlation of one band's envelopes over one segment, after scaling and clipping the degraded one.
fn intelligibility(x: &[f64; SEGMENT], y: &[f64; SEGMENT]) -> f64 {
    let norm = |v: &[f64; SEGMENT]| v.iter().map(|a| a * a).sum::<f64>().sqrt();
    let scale = norm(x) / (norm(y) + f64::EPSILON);
    let limit = 1.0 + 10.0_f64.powf(-BETA / 20.0);
    let clipped: [f64; SEGMENT] = std::array::from_fn(|n| (y[n] * scale).min(x[n] * limit));
    let centred = |v: &[f64; SEGMENT]| -> [f64; SEGMENT] {
        let mean = v.iter().sum::<f64>() / SEGMENT as f64;
        std::array::from_fn(|n| v[n] - mean)
    };
    let (x, y) = (centred(x), centred(&clipped));
    let product: f64 = x.iter().zip(&y).map(|(a, b)| a * b).sum();
    product / (norm(&x) * norm(&y) + f64::EPSILON)
}

/// Removes the frames in which the clean signal is silent from both, and joins the rest by overlap.
fn without_silence(clean: &[f64], degraded: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let window = window();
    let frame = |signal: &[f64], at: usize| -> Vec<f64> {
        signal[at..at + FRAME]
            .iter()
            .zip(&window)
            .map(|(s, w)| s * w)
            .collect()
    };
    let length = clean.len().min(degraded.len());
    let starts: Vec<usize> = (0..length.saturating_sub(FRAME)).step_by(HOP).collect();
    let level = |at: &usize| {
        let energy: f64 = frame(clean, *at).iter().map(|s| s * s).sum();
        20.0 * (energy.sqrt() + f64::EPSILON).log10()
    };
    let loudest = starts.iter().map(level).fold(f64::MIN, f64::max);
    let kept: Vec<usize> = starts
        .into_iter()
        .filter(|at| level(at) > loudest - DYNAMIC_RANGE_DB)
        .collect();
    let join = |signal: &[f64]| {
        let mut joined = vec![0.0; (kept.len() + 1) * HOP];
        for (n, at) in kept.iter().enumerate() {
            let out = joined[n * HOP..].iter_mut();
            out.zip(frame(signal, *at))
                .for_each(|(sum, sample)| *sum += sample);
        }
        joined
    };
    (join(clean), join(degraded))
}

/// Hann without its zeros at the ends.
fn window() -> Vec<f64> {
    let angle = |n: usize| std::f64::consts::TAU * (n + 1) as f64 / (FRAME + 1) as f64;
    (0..FRAME).map(|n| 0.5 - 0.5 * angle(n).cos()).collect()
}

fn envelopes(signal: &[f64]) -> Envelopes {
    let fft: Arc<dyn RealToComplex<f64>> = RealFftPlanner::new().plan_fft_forward(FFT);
    let (window, bands) = (window(), bands());
    let mut spectrum = fft.make_output_vec();
    let mut frames = Vec::new();
    for at in (0..signal.len().saturating_sub(FRAME)).step_by(HOP) {
        let mut padded = vec![0.0; FFT];
        for n in 0..FRAME {
            padded[n] = signal[at + n] * window[n];
        }
        fft.process(&mut padded, &mut spectrum)
            .expect("lengths fit");
        frames.push(std::array::from_fn(|band| {
            let (low, high) = bands[band];
            spectrum[low..high]
                .iter()
                .map(|bin| bin.norm_sqr())
                .sum::<f64>()
                .sqrt()
        }));
    }
    frames
}

/// FFT bins of the one-third octave bands, first and behind the last.
fn bands() -> [(usize, usize); BANDS] {
    let bin = |hz: f64| (hz * FFT as f64 / f64::from(RATE)).round() as usize;
    std::array::from_fn(|k| {
        let centre = LOWEST_BAND_HZ * 2.0_f64.powf(k as f64 / 3.0);
        let sixth = 2.0_f64.powf(1.0 / 6.0);
        (bin(centre / sixth), bin(centre * sixth))
    })
}
