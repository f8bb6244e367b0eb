//! Frames of 20 ms into windows of 32 ms.

use std::time::Duration;

use super::WINDOW_SAMPLES;
use crate::{
    domain::call_time::CallTime,
    media::frame::{AudioFrame, FRAME_SAMPLES, PTIME, SAMPLE_RATE},
};

/// A hole in the sound that is longer is not bridged: the window starts afresh behind it.
const LARGEST_HOLE: Duration = Duration::from_millis(100);

/// A window that fills.
pub(super) struct Window {
    samples: [i16; WINDOW_SAMPLES],
    filled: usize,
    start: CallTime,
    /// When the next frame is expected.
    next: CallTime,
}

impl Window {
    pub(super) const fn new() -> Self {
        Self {
            samples: [0; WINDOW_SAMPLES],
            filled: 0,
            start: CallTime::ZERO,
            next: CallTime::ZERO,
        }
    }

    /// Takes a frame; the window and its start, when the frame fills it. A frame is shorter than a window, so it fills at most one.
    pub(super) fn push(&mut self, frame: &AudioFrame) -> Option<(CallTime, [i16; WINDOW_SAMPLES])> {
        if frame.at.since(self.next) > LARGEST_HOLE {
            self.filled = 0;
        }
        self.next = frame.at + PTIME;
        if self.filled == 0 {
            self.start = frame.at;
        }
        let taken = FRAME_SAMPLES.min(WINDOW_SAMPLES - self.filled);
        let (head, tail) = frame.samples.split_at(taken);
        self.samples[self.filled..self.filled + taken].copy_from_slice(head);
        self.filled += taken;
        if self.filled < WINDOW_SAMPLES {
            return None;
        }
        let full = (self.start, self.samples);
        self.samples[..tail.len()].copy_from_slice(tail);
        self.filled = tail.len();
        self.start = frame.at + samples_long(taken);
        Some(full)
    }
}

fn samples_long(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / u64::from(SAMPLE_RATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at_ms: u64, first: i16) -> AudioFrame {
        let mut frame = AudioFrame::silence(CallTime::from_millis(at_ms));
        for (n, sample) in frame.samples.iter_mut().enumerate() {
            *sample = first + n as i16;
        }
        frame
    }

    #[test]
    fn no_sample_is_lost_or_moved() {
        let mut window = Window::new();
        let mut heard = Vec::new();
        let mut starts = Vec::new();
        for n in 0u16..16 {
            let frame = frame(1000 + 20 * u64::from(n), n as i16 * 320);
            if let Some((start, samples)) = window.push(&frame) {
                starts.push(start);
                heard.extend(samples);
            }
        }
        assert_eq!(heard, (0..5120).collect::<Vec<i16>>());
        let expected: Vec<_> = (0..10)
            .map(|n| CallTime::from_millis(1000 + 32 * n))
            .collect();
        assert_eq!(starts, expected);
    }

    #[test]
    fn a_window_does_not_join_what_lies_apart() {
        let mut window = Window::new();
        assert!(window.push(&frame(0, 1)).is_none());
        assert!(window.push(&frame(500, 2)).is_none());
        let (start, samples) = window.push(&frame(520, 3)).expect("full");
        assert_eq!((start, samples[0]), (CallTime::from_millis(500), 2));
    }
}
