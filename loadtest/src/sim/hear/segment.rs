//! Where speech is: by level against a noise floor that is learnt from the stream.

use std::ops::Range;

use super::features::Frame;

/// Quieter than this is never speech.
const QUIETEST_DBFS: f32 = -52.0;
/// Speech stands this far above the noise.
const ABOVE_NOISE_DB: f32 = 9.0;
/// Speech is not much quieter than the loudest recent speech: reverberation, codec noise and breath are.
const BELOW_PEAK_DB: f32 = 32.0;
/// Active frames of [`ONSET_WINDOW`] that begin speech.
const ONSET: u32 = 3;
const ONSET_WINDOW: u32 = 5;
/// Shortest pause inside speech that splits it into chunks, in frames (64 ms).
const PAUSE: usize = 4;
/// How fast the floor follows a rising noise, in dB per frame, and a falling one, as a share of the difference.
const FLOOR_RISE_DB: f32 = 0.06;
const FLOOR_FALL: f32 = 0.2;
/// A stream's first frames teach the floor quickly, but not beyond a noisy room.
const FIRST_FRAMES: usize = 10;
const FIRST_RISE_DB: f32 = 3.0;
const FIRST_MOST_DBFS: f32 = -38.0;

/// Follows one stream. Frame numbers count from the first frame ever pushed.
#[derive(Debug)]
pub struct Segmenter {
    frames: usize,
    floor: f32,
    peak: f32,
    /// Last five decisions, newest in bit 0.
    recent: u32,
    /// Runs of speech since [`Segmenter::take`], pauses of at least [`PAUSE`] frames between them.
    chunks: Vec<Range<usize>>,
    speaking: bool,
}

impl Default for Segmenter {
    fn default() -> Self {
        Self {
            frames: 0,
            floor: -65.0,
            peak: -40.0,
            recent: 0,
            chunks: Vec::new(),
            speaking: false,
        }
    }
}

impl Segmenter {
    /// Takes the next frame's level; true when speech begins with it.
    pub fn push(&mut self, frame: &Frame) -> bool {
        let level = frame.level;
        self.learn(level);
        let active = level > self.threshold();
        self.recent = (self.recent << 1 | u32::from(active)) & ((1 << ONSET_WINDOW) - 1);
        let at = self.frames;
        self.frames += 1;
        if self.speaking {
            if active {
                self.extend(at);
            }
            return false;
        }
        if self.recent.count_ones() < ONSET {
            return false;
        }
        self.speaking = true;
        let first = at.saturating_sub((31 - self.recent.leading_zeros()) as usize);
        self.chunks.push(first..at + 1);
        true
    }

    /// Speech since the last [`Segmenter::take`], in order.
    #[must_use]
    pub fn chunks(&self) -> &[Range<usize>] {
        &self.chunks
    }

    /// Silence since the last active frame, in frames; `None` when nobody has spoken since the last take.
    #[must_use]
    pub fn silence(&self) -> Option<usize> {
        self.chunks.last().map(|chunk| self.frames - chunk.end)
    }

    /// Frames seen.
    #[must_use]
    pub fn position(&self) -> usize {
        self.frames
    }

    /// Begins a new window: what was spoken is given out, the next speech is an onset again.
    pub fn take(&mut self) -> Vec<Range<usize>> {
        self.speaking = false;
        self.recent = 0;
        std::mem::take(&mut self.chunks)
    }

    fn threshold(&self) -> f32 {
        (self.floor + ABOVE_NOISE_DB)
            .max(self.peak - BELOW_PEAK_DB)
            .max(QUIETEST_DBFS)
    }

    fn learn(&mut self, level: f32) {
        if level < self.floor {
            // Digital silence and muted packets say nothing about the noise of the room.
            if level > -90.0 {
                self.floor += (level - self.floor) * FLOOR_FALL;
            }
        } else if self.frames < FIRST_FRAMES {
            self.floor = (self.floor + FIRST_RISE_DB).min(level).min(FIRST_MOST_DBFS);
        } else {
            self.floor = (self.floor + FLOOR_RISE_DB).min(level);
        }
        self.peak = (self.peak - 0.02).max(level).max(-45.0);
    }

    fn extend(&mut self, at: usize) {
        match self.chunks.last_mut() {
            Some(chunk) if at < chunk.end + PAUSE => chunk.end = at + 1,
            _ => self.chunks.push(at..at + 1),
        }
    }
}
