//! When a waiting call is dispatched again, and when it is given up. No clock: the call's age is an input.

use std::time::Duration;

/// The rhythm of dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingPolicy {
    /// Age at which a call is given up.
    pub deadline: Duration,
    /// Pause after the first dispatch; a worker answers one within 3 s or never.
    pub first_pause: Duration,
    /// The pause doubles up to this.
    pub longest_pause: Duration,
    /// Pause after a dispatch that could not be sent; doubles as well.
    pub retry_pause: Duration,
}

impl RingPolicy {
    /// The usual rhythm up to a deadline.
    #[must_use]
    pub const fn until(deadline: Duration) -> Self {
        Self {
            deadline,
            first_pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(5),
            retry_pause: Duration::from_millis(250),
        }
    }
}

/// What to do with a waiting call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send a dispatch, then report how it went.
    Dispatch,
    /// Come back at this age.
    WaitUntil(Duration),
    /// The caller has waited long enough.
    GiveUp,
}

/// One waiting call.
#[derive(Clone, Debug)]
pub struct Ring {
    policy: RingPolicy,
    next: Duration,
    pause: Duration,
    retry: Duration,
}

impl Ring {
    /// A call that was just admitted.
    #[must_use]
    pub const fn new(policy: RingPolicy) -> Self {
        Self {
            policy,
            next: Duration::ZERO,
            pause: policy.first_pause,
            retry: policy.retry_pause,
        }
    }

    /// What to do at this age.
    #[must_use]
    pub fn step(&self, age: Duration) -> Step {
        if age >= self.policy.deadline {
            Step::GiveUp
        } else if age >= self.next {
            Step::Dispatch
        } else {
            Step::WaitUntil(self.next.min(self.policy.deadline))
        }
    }

    /// A dispatch was sent at this age.
    pub fn sent(&mut self, age: Duration) {
        self.next = age + self.pause;
        self.pause = (self.pause * 2).min(self.policy.longest_pause);
        self.retry = self.policy.retry_pause;
    }

    /// A dispatch could not be sent at this age.
    pub fn failed(&mut self, age: Duration) {
        self.next = age + self.retry;
        self.retry = (self.retry * 2).min(self.policy.longest_pause);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn ring() -> Ring {
        Ring::new(RingPolicy::until(ms(25_000)))
    }

    #[test]
    fn a_fresh_call_is_dispatched_at_once_and_again_with_growing_pauses() {
        let (mut ring, mut age, mut sent) = (ring(), ms(0), Vec::new());
        loop {
            match ring.step(age) {
                Step::Dispatch => {
                    sent.push(age.as_millis());
                    ring.sent(age);
                }
                Step::WaitUntil(next) => age = next,
                Step::GiveUp => break,
            }
        }
        assert_eq!(sent, [0, 2000, 6000, 11_000, 16_000, 21_000]);
        assert_eq!(age, ms(25_000), "given up at the deadline, not later");
    }

    #[test]
    fn a_dispatch_that_could_not_be_sent_is_retried_soon() {
        let mut ring = ring();
        ring.failed(ms(0));
        assert_eq!(ring.step(ms(0)), Step::WaitUntil(ms(250)));
        ring.failed(ms(250));
        assert_eq!(ring.step(ms(300)), Step::WaitUntil(ms(750)));
        ring.sent(ms(750));
        assert_eq!(ring.step(ms(800)), Step::WaitUntil(ms(2750)));
        ring.failed(ms(2750));
        assert_eq!(
            ring.step(ms(2750)),
            Step::WaitUntil(ms(3000)),
            "a success forgets earlier failures"
        );
    }

    #[test]
    fn a_late_gateway_gives_up_at_once() {
        assert_eq!(ring().step(ms(25_000)), Step::GiveUp);
    }

    proptest! {
        #[test]
        fn it_always_ends_and_never_dispatches_after_the_deadline(outcomes in prop::collection::vec(any::<bool>(), 0..200), lag in 0u64..400) {
            let (mut ring, mut age) = (ring(), ms(0));
            let mut outcomes = outcomes.into_iter().chain(std::iter::repeat(false));
            for _ in 0..1000 {
                match ring.step(age) {
                    Step::Dispatch => {
                        prop_assert!(age < ms(25_000));
                        if outcomes.next() == Some(true) { ring.sent(age) } else { ring.failed(age) }
                    }
                    Step::WaitUntil(next) => {
                        prop_assert!(next > age && next <= ms(25_000));
                        age = next + ms(lag);
                    }
                    Step::GiveUp => return Ok(()),
                }
            }
            prop_assert!(false, "it never gave up");
        }
    }
}
