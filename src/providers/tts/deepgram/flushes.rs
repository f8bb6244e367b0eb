//! `Flush` orders that the vendor owes an answer, and how many it allows.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Aura's limit: so many flushes in [`WINDOW`].
const LIMIT: usize = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// Counts the flushes of one stream.
#[derive(Default)]
pub(super) struct Flushes {
    /// Orders that each flush on the wire will answer.
    owed: VecDeque<u32>,
    /// When the last flushes went out, at most [`LIMIT`] + 1.
    sent: VecDeque<Instant>,
}

impl Flushes {
    /// A flush goes out.
    pub(super) fn sent(&mut self, now: Instant) {
        self.owed.push_back(1);
        if self.sent.len() > LIMIT {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
    }

    /// An order to flush nothing: answered with the last flush on the wire. False if there is none, so answer now.
    pub(super) fn join_last(&mut self) -> bool {
        let last = self.owed.back_mut();
        last.map(|orders| *orders += 1).is_some()
    }

    /// The vendor answered a flush: so many orders are done.
    pub(super) fn answered(&mut self) -> u32 {
        self.owed.pop_front().unwrap_or(0)
    }

    /// What was ordered is not wanted any more.
    pub(super) fn forget(&mut self) {
        self.owed.clear();
    }

    /// The vendor owes sound.
    pub(super) fn any_owed(&self) -> bool {
        !self.owed.is_empty()
    }

    /// If the limit is exceeded, the time until it is not.
    pub(super) fn over_limit(&self, now: Instant) -> Option<Duration> {
        if self.sent.len() <= LIMIT {
            return None;
        }
        let first = self.sent.front()?;
        let wait = (*first + WINDOW).saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_flush_is_answered_with_the_one_before_it() {
        let mut flushes = Flushes::default();
        assert!(!flushes.join_last());
        flushes.sent(Instant::now());
        assert!(flushes.join_last());
        assert_eq!(flushes.answered(), 2);
        assert_eq!(flushes.answered(), 0);
    }

    #[test]
    fn the_twenty_first_flush_within_a_minute_is_over_the_limit() {
        let start = Instant::now();
        let mut flushes = Flushes::default();
        let at = |n: u64| start + Duration::from_secs(2 * n);
        (0..20).for_each(|n| flushes.sent(at(n)));
        assert_eq!(flushes.over_limit(at(19)), None);
        flushes.sent(at(20));
        assert_eq!(flushes.over_limit(at(20)), Some(Duration::from_secs(20)));
        assert_eq!(flushes.over_limit(at(30)), None);
    }
}
