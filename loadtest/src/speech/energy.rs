//! Loudness measures in dB relative to full scale (a full-scale square wave is 0 dBFS).

use std::{ops::Range, time::Duration};

/// What digital silence measures.
pub const SILENCE_DBFS: f32 = -100.0;

/// Root mean square level of a piece of audio, at least [`SILENCE_DBFS`].
#[must_use]
pub fn rms_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBFS;
    }
    let power: f64 =
        samples.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / samples.len() as f64;
    ((10.0 * (power / 32_768f64.powi(2)).max(1e-10).log10()) as f32).max(SILENCE_DBFS)
}

/// Where the audio is louder than `threshold_dbfs`, measured in 10 ms pieces: from the first loud piece to the last.
#[must_use]
pub fn voiced_range(samples: &[i16], rate: u32, threshold_dbfs: f32) -> Option<Range<usize>> {
    let piece = (rate / 100).max(1) as usize;
    let loud = |part: &[i16]| rms_dbfs(part) > threshold_dbfs;
    let first = samples.chunks(piece).position(loud)?;
    let last = samples.chunks(piece).rposition(loud)?;
    Some(first * piece..((last + 1) * piece).min(samples.len()))
}

/// [`voiced_range`] as times from the start of the recording.
#[must_use]
pub fn voiced_span(
    samples: &[i16],
    rate: u32,
    threshold_dbfs: f32,
) -> Option<(Duration, Duration)> {
    let range = voiced_range(samples, rate, threshold_dbfs)?;
    let at = |index: usize| Duration::from_secs_f64(index as f64 / f64::from(rate.max(1)));
    Some((at(range.start), at(range.end)))
}

/// Multiplies by a gain in dB, clipping at full scale.
#[must_use]
pub fn with_gain(samples: &[i16], gain_db: f32) -> Vec<i16> {
    let factor = 10f32.powf(gain_db / 20.0);
    samples
        .iter()
        .map(|&s| (f32::from(s) * factor).clamp(-32_768.0, 32_767.0) as i16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_relative_to_full_scale() {
        assert_eq!(rms_dbfs(&[]), SILENCE_DBFS);
        assert_eq!(rms_dbfs(&[0; 80]), SILENCE_DBFS);
        assert!((rms_dbfs(&[16_384; 80]) + 6.02).abs() < 0.01);
        assert!((rms_dbfs(&with_gain(&[16_384; 80], -10.0)) + 16.02).abs() < 0.01);
    }

    #[test]
    fn the_voiced_span_leaves_out_silence_at_both_ends() {
        let mut samples = vec![0; 800];
        samples.extend([8_000; 1_600]);
        samples.extend([0; 800]);
        let (start, end) = voiced_span(&samples, 8_000, -40.0).expect("it is loud");
        assert_eq!((start.as_millis(), end.as_millis()), (100, 300));
        assert_eq!(voiced_span(&samples[..800], 8_000, -40.0), None);
    }
}
