//! Whether this pod may still speak for a call. No clock: the time is an input.
//!
//! A dispatcher takes a call away after its lease stood still for `pool.lease_lapse_ms`. So a worker counts from when it *sent* its last accepted sign of life, and is silent
//! before that period is over, whatever it could not hear of. LiveKit may vouch instead of Redis: a newer agent removes the older ones from the room before it speaks, so one that
//! is in the room with no newer one beside it is the one.

use std::time::Duration;

/// Time is the process's monotonic clock, since any fixed moment.
#[derive(Clone, Copy, Debug)]
pub struct Tenure {
    mute_after: Duration,
    /// When the last sign of life that was accepted was sent; none before the first.
    confirmed: Option<Duration>,
    is_over: bool,
}

impl Tenure {
    /// Nobody has confirmed it yet: silent.
    #[must_use]
    pub const fn new(mute_after: Duration) -> Self {
        Self {
            mute_after,
            confirmed: None,
            is_over: false,
        }
    }

    /// Redis took a sign of life that was sent then, or LiveKit vouched when it was asked then.
    pub fn confirm(&mut self, sent: Duration) {
        self.confirmed = self.confirmed.max(Some(sent));
    }

    /// Another pod has the call: for ever.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether sound may leave now.
    #[must_use]
    pub fn may_speak(&self, now: Duration) -> bool {
        let fresh = |sent: Duration| now.saturating_sub(sent) < self.mute_after;
        !self.is_over && self.confirmed.is_some_and(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn it_speaks_while_it_is_confirmed_and_counts_from_the_asking() {
        let mut tenure = Tenure::new(ms(2000));
        assert!(!tenure.may_speak(ms(0)), "nobody has confirmed it");
        tenure.confirm(ms(1000));
        assert!(tenure.may_speak(ms(2999)));
        assert!(!tenure.may_speak(ms(3000)));
        tenure.confirm(ms(2500));
        assert!(tenure.may_speak(ms(4499)), "back, and it goes on");
        tenure.confirm(ms(1500));
        assert!(
            tenure.may_speak(ms(4499)),
            "a late answer takes nothing away"
        );
    }

    #[test]
    fn a_pod_that_slept_is_silent_before_its_next_frame() {
        let mut tenure = Tenure::new(ms(2000));
        tenure.confirm(ms(1000));
        assert!(!tenure.may_speak(ms(16_000)));
    }

    #[test]
    fn what_is_over_stays_over() {
        let mut tenure = Tenure::new(ms(2000));
        tenure.end();
        tenure.confirm(ms(1000));
        assert!(!tenure.may_speak(ms(1001)));
    }
}
