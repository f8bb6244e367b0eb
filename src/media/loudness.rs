//! Where sound begins and ends to the ear. Pure.
//!
//! A voice detector says *that* somebody speaks, and is generous at the edges; a latency is what the ear notices. Both ends of a turn's
//! silence are therefore taken from the level of the sound, over 10 ms and with the threshold that a recording of the call is measured with.

use std::time::Duration;

use super::frame::{AudioFrame, FRAME_SAMPLES};
use crate::domain::call_time::CallTime;

/// Louder than this is audible, dB relative to full scale: 30 dB above a quiet line's noise, 25 dB below speech.
pub const AUDIBLE_DBFS: f64 = -45.0;

/// Levels are taken over this long.
pub const BLOCK: Duration = Duration::from_millis(10);
const BLOCK_SAMPLES: usize = FRAME_SAMPLES / 2;

/// Blocks in a row below which a sound is a click.
const SHORTEST: u32 = 3;

/// How far behind the last voiced frame of the detector the last sound may lie: a final consonant, which it does not count as voice.
const HANGOVER: Duration = Duration::from_millis(200);

/// Sound before the first voiced frame that shows the line's noise.
const NOISE_SPAN: Duration = Duration::from_secs(1);

/// What is audible over noise, as a ratio of powers: 10 dB.
const OVER_NOISE: f64 = 10.0;

/// How far below the caller's own level an end of speech may lie, as a ratio of powers: 15 dB.
const UNDER_SPEECH: f64 = 31.6;

/// Mean squares of a frame's blocks, with the times at which they begin.
fn blocks(frame: &AudioFrame) -> impl Iterator<Item = (CallTime, f64)> + '_ {
    let starts = (0_u32..).map(|n| frame.at + BLOCK * n);
    starts.zip(frame.samples.chunks_exact(BLOCK_SAMPLES).map(mean_square))
}

fn mean_square(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    sum / BLOCK_SAMPLES as f64
}

fn power(dbfs: f64) -> f64 {
    32_768_f64.powi(2) * 10_f64.powf(dbfs / 10.0)
}

/// Finds the first audible sound in frames that follow each other.
#[derive(Debug, Default)]
pub struct Onset {
    run: u32,
    began: CallTime,
    is_found: bool,
}

impl Onset {
    /// Takes the next frame; the begin of the first sound that is no click, once.
    pub fn push(&mut self, frame: &AudioFrame) -> Option<CallTime> {
        if self.is_found {
            return None;
        }
        for (at, level) in blocks(frame) {
            if level <= power(AUDIBLE_DBFS) {
                self.run = 0;
                continue;
            }
            if self.run == 0 {
                self.began = at;
            }
            self.run += 1;
            if self.run == SHORTEST {
                self.is_found = true;
                return Some(self.began);
            }
        }
        None
    }
}

/// The end of the last audible sound of a stretch that the detector calls voice from `started` to `last_voiced`; `frames` in order, from
/// before it to now. `last_voiced` itself where the level does not tell: noise as loud as the voice, or no sound kept.
#[must_use]
pub fn speech_end<'a>(
    frames: impl Iterator<Item = &'a AudioFrame>,
    started: CallTime,
    last_voiced: CallTime,
) -> CallTime {
    let (from, reach) = (started - NOISE_SPAN, last_voiced + HANGOVER);
    let known: Vec<(CallTime, f64)> = frames
        .flat_map(blocks)
        .filter(|(at, _)| *at >= from && *at < reach)
        .collect();
    let voiced = known
        .iter()
        .filter(|(at, _)| *at >= started && *at < last_voiced);
    let Some(speech) = percentile(voiced.map(|(_, level)| *level), 90) else {
        return last_voiced;
    };
    let noise = percentile(known.iter().map(|(_, level)| *level), 10).unwrap_or_default();
    let threshold = power(AUDIBLE_DBFS)
        .max(noise * OVER_NOISE)
        .min(speech / UNDER_SPEECH);
    let (mut run, mut end) = (0, None);
    for (at, level) in known.iter().filter(|(at, _)| *at >= started) {
        run = if *level > threshold { run + 1 } else { 0 };
        if run >= SHORTEST {
            end = Some(*at + BLOCK);
        }
    }
    let still_sounds = run > 0;
    end.filter(|_| !still_sounds).unwrap_or(last_voiced)
}

fn percentile(levels: impl Iterator<Item = f64>, percent: usize) -> Option<f64> {
    let mut levels: Vec<f64> = levels.collect();
    let last = levels.len().checked_sub(1)?;
    let place = last * percent / 100;
    Some(*levels.select_nth_unstable_by(place, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    fn at(ms: u64) -> CallTime {
        CallTime::from_millis(ms)
    }

    /// Frames of `length_ms` with square waves of these amplitudes in these milliseconds, over noise.
    fn track(length_ms: u64, noise: i16, sounds: &[(Range<u64>, i16)]) -> Vec<AudioFrame> {
        let sample = |ms: u64, n: usize| {
            let sound = sounds.iter().find(|(span, _)| span.contains(&ms));
            let sign = if n.is_multiple_of(2) { 1 } else { -1 };
            sign * sound.map_or(noise, |(_, amplitude)| *amplitude)
        };
        let frames = (0..length_ms).step_by(20).map(|start| {
            let mut frame = AudioFrame::silence(at(start));
            for (n, to) in frame.samples.iter_mut().enumerate() {
                *to = sample(start + n as u64 / 16, n);
            }
            frame
        });
        frames.collect()
    }

    fn end(frames: &[AudioFrame], started: u64, last_voiced: u64) -> u64 {
        speech_end(frames.iter(), at(started), at(last_voiced)).as_millis()
    }

    #[test]
    fn a_generous_detector_is_corrected_to_the_last_sound() {
        let frames = track(3000, 5, &[(1000..2003, 4000)]);
        assert_eq!(end(&frames, 990, 2090), 2010);
    }

    #[test]
    fn a_final_consonant_behind_the_voice_counts_and_a_click_does_not() {
        let sounds = [(1000..1900, 4000), (1960..2040, 400), (2120..2130, 4000)];
        assert_eq!(end(&track(2200, 5, &sounds), 1000, 1910), 2040);
    }

    #[test]
    fn over_a_noisy_line_the_voice_is_what_stands_out() {
        let frames = track(3000, 300, &[(1000..2000, 6000)]);
        assert_eq!(end(&frames, 1000, 2060), 2000);
    }

    #[test]
    fn a_quiet_caller_is_measured_by_their_own_level() {
        let frames = track(3000, 5, &[(1000..1500, 200), (1500..2000, 120)]);
        assert_eq!(end(&frames, 1000, 2060), 2000);
    }

    #[test]
    fn where_the_level_does_not_tell_the_detector_is_believed() {
        let noisy = track(3000, 2000, &[(1000..2000, 3000)]);
        assert_eq!(end(&noisy, 1000, 2060), 2060);
        assert_eq!(end(&[], 1000, 2060), 2060);
        assert_eq!(end(&track(3000, 0, &[]), 1000, 2060), 2060);
    }

    #[test]
    fn leading_silence_and_clicks_are_not_audible() {
        let mut onset = Onset::default();
        let frames = track(
            400,
            20,
            &[(40..50, 5000), (130..135, 5000), (213..400, 5000)],
        );
        let found: Vec<u64> = frames
            .iter()
            .filter_map(|f| onset.push(f))
            .map(CallTime::as_millis)
            .collect();
        assert_eq!(found, [210]);
    }
}
