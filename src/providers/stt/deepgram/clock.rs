//! The recogniser's time as ours.
//!
//! A vendor's stream time counts the sound it was sent. While frames come without a break, call time is that plus the first
//! frame's `at`; after a break (no packets, frames dropped at a full channel) it is not, so a new anchor is set.

use std::{collections::VecDeque, time::Duration};

use crate::{domain::call_time::CallTime, media::frame::PTIME};

/// Arrival jitters; only more than this is a break.
const TOLERANCE: Duration = Duration::from_millis(60);
/// Enough for minutes of a bad line between two final results.
const MAX_ANCHORS: usize = 64;

/// Maps stream time to call time.
#[derive(Default)]
pub(super) struct StreamClock {
    sent: Duration,
    anchors: VecDeque<Anchor>,
}

struct Anchor {
    stream: Duration,
    call: CallTime,
}

impl StreamClock {
    /// A frame of [`PTIME`] that begins at `at` is sent.
    pub(super) fn frame(&mut self, at: CallTime) {
        let expected = self
            .anchors
            .back()
            .map(|last| last.call + self.sent.saturating_sub(last.stream));
        let in_time = expected.is_some_and(|e| e.since(at).max(at.since(e)) <= TOLERANCE);
        if !in_time {
            if self.anchors.len() == MAX_ANCHORS {
                self.anchors.pop_front();
            }
            self.anchors.push_back(Anchor {
                stream: self.sent,
                call: at,
            });
        }
        self.sent += PTIME;
    }

    /// When the sound at this stream time began.
    pub(super) fn start(&self, stream: Duration) -> CallTime {
        self.map(stream, |anchor| anchor.stream <= stream)
    }

    /// When the sound before this stream time ended; differs from [`Self::start`] at a break.
    pub(super) fn end(&self, stream: Duration) -> CallTime {
        self.map(stream, |anchor| anchor.stream < stream)
    }

    fn map(&self, stream: Duration, before: impl Fn(&Anchor) -> bool) -> CallTime {
        let anchor = self.anchors.iter().rev().find(|anchor| before(anchor));
        anchor.or(self.anchors.front()).map_or(
            CallTime::from_duration(stream),
            |Anchor { stream: from, call }| *call + stream.saturating_sub(*from),
        )
    }

    /// Nothing before this stream time will be asked for.
    pub(super) fn settled(&mut self, stream: Duration) {
        while self.anchors.get(1).is_some_and(|a| a.stream <= stream) {
            self.anchors.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn stream_time_starts_at_the_first_frame() {
        let mut clock = StreamClock::default();
        for n in 0..50 {
            clock.frame(CallTime::from_millis(3000 + 20 * n));
        }
        assert_eq!(clock.start(ms(400)), CallTime::from_millis(3400));
    }

    #[test]
    fn jitter_does_not_move_the_clock() {
        let mut clock = StreamClock::default();
        for n in 0..50 {
            clock.frame(CallTime::from_millis(20 * n + (n % 3) * 25));
        }
        assert_eq!(clock.start(ms(900)), CallTime::from_millis(900));
    }

    #[test]
    fn a_break_in_the_sound_is_not_heard_by_the_vendor_but_counts_here() {
        let mut clock = StreamClock::default();
        for n in 0..10 {
            clock.frame(CallTime::from_millis(20 * n));
        }
        for n in 0..10 {
            clock.frame(CallTime::from_millis(5000 + 20 * n));
        }
        assert_eq!(clock.start(ms(100)), CallTime::from_millis(100));
        assert_eq!(clock.end(ms(200)), CallTime::from_millis(200));
        assert_eq!(clock.start(ms(200)), CallTime::from_millis(5000));
        assert_eq!(clock.start(ms(300)), CallTime::from_millis(5100));
        clock.settled(ms(250));
        assert_eq!(clock.start(ms(300)), CallTime::from_millis(5100));
    }

    #[test]
    fn the_number_of_anchors_is_bounded() {
        let mut clock = StreamClock::default();
        for n in 0..1000 {
            clock.frame(CallTime::from_millis(n * 500));
        }
        assert!(clock.anchors.len() <= MAX_ANCHORS);
        assert_eq!(clock.start(ms(19_980)), CallTime::from_millis(499_500));
    }
}
