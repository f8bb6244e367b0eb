//! When to leave a vendor alone. Pure: time is an input.

use std::time::{Duration, Instant};

use crate::providers::Fault;

/// Two of these make the time over which failures are counted.
const BUCKET: Duration = Duration::from_secs(10);
/// Fewer results say nothing.
const MIN_RESULTS: u32 = 5;
/// First pause; it doubles with each probe that fails, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A refused key or an empty account is not mended in seconds.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// A probe that has not reported by then (its caller hung up) does not keep others away.
const PROBE_LEASE: Duration = Duration::from_secs(10);

/// The breaker of one vendor, shared by all calls of a process.
///
/// Closed, it counts; when half of at least [`MIN_RESULTS`] recent requests failed it opens. Open, it lets nobody through until
/// its pause is over; then one request at a time probes the vendor, and the first success closes it.
#[derive(Debug, Default)]
pub struct Breaker {
    state: State,
    current: Bucket,
    previous: Bucket,
    /// The vendor's own words: not before.
    held_until: Option<Instant>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
        pause: Duration,
        probing_until: Option<Instant>,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    start: Option<Instant>,
    results: u32,
    failures: u32,
}

/// Whether a request may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Go, and report how it went.
    Pass,
    /// Not before so long.
    Wait(Duration),
}

impl Breaker {
    /// Asks for a request to go out now.
    pub fn ask(&mut self, now: Instant) -> Gate {
        if let Some(wait) = self.held_until.and_then(|until| left(until, now)) {
            return Gate::Wait(wait);
        }
        match &mut self.state {
            State::Closed => Gate::Pass,
            State::Open {
                until,
                probing_until,
                ..
            } => {
                let blocked = probing_until.unwrap_or(*until).max(*until);
                if let Some(wait) = left(blocked, now) {
                    return Gate::Wait(wait);
                }
                *probing_until = Some(now + PROBE_LEASE);
                Gate::Pass
            }
        }
    }

    /// A request succeeded: the vendor began to answer.
    pub fn succeeded(&mut self, now: Instant) {
        self.held_until = None;
        if matches!(self.state, State::Open { .. }) {
            self.state = State::Closed;
            self.current = Bucket::default();
            self.previous = Bucket::default();
        }
        self.count(now, false);
    }

    /// A request failed.
    pub fn failed(&mut self, fault: Fault, now: Instant) {
        match fault {
            // Our own fault says nothing about the vendor, but it did answer.
            Fault::BadRequest => return self.end_probe(),
            Fault::Refused => return self.open(now, REFUSED_PAUSE),
            Fault::RateLimited(Some(wait)) => {
                self.held_until = self.held_until.max(Some(now + wait));
                return self.end_probe();
            }
            Fault::RateLimited(None) | Fault::Unavailable | Fault::Timeout | Fault::Protocol => {}
        }
        if let State::Open { pause, .. } = self.state {
            return self.open(now, (pause * 2).min(LONGEST_PAUSE));
        }
        self.count(now, true);
        let results = self.current.results + self.previous.results;
        let failures = self.current.failures + self.previous.failures;
        if results >= MIN_RESULTS && failures * 2 >= results {
            self.open(now, PAUSE);
        }
    }

    /// A request ended without an answer to judge by (its caller hung up).
    pub fn abandoned(&mut self) {
        self.end_probe();
    }

    /// Whether requests are held back at this time.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        let held = self.held_until.is_some_and(|until| until > now);
        held || matches!(self.state, State::Open { .. })
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        self.state = State::Open {
            until: now + pause,
            pause,
            probing_until: None,
        };
    }

    fn end_probe(&mut self) {
        if let State::Open { probing_until, .. } = &mut self.state {
            *probing_until = None;
        }
    }

    fn count(&mut self, now: Instant, failure: bool) {
        let start = *self.current.start.get_or_insert(now);
        let age = now.saturating_duration_since(start);
        if age >= BUCKET {
            self.previous = if age < BUCKET * 2 {
                self.current
            } else {
                Bucket::default()
            };
            self.current = Bucket {
                start: Some(now),
                ..Bucket::default()
            };
        }
        self.current.results += 1;
        self.current.failures += u32::from(failure);
    }
}

fn left(until: Instant, now: Instant) -> Option<Duration> {
    let wait = until.saturating_duration_since(now);
    (!wait.is_zero()).then_some(wait)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any start will do")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn fail(breaker: &mut Breaker, times: u32, now: Instant) {
        (0..times).for_each(|_| breaker.failed(Fault::Unavailable, now));
    }

    #[test]
    fn half_of_five_failures_open_it_and_one_success_closes_it() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        breaker.succeeded(t);
        breaker.succeeded(t);
        fail(&mut breaker, 2, t);
        assert_eq!(breaker.ask(t), Gate::Pass);
        fail(&mut breaker, 1, t);
        assert_eq!(breaker.ask(t), Gate::Wait(secs(5)));
        assert!(breaker.is_open(t));
        assert_eq!(breaker.ask(t + secs(5)), Gate::Pass);
        breaker.succeeded(t + secs(5));
        assert!(!breaker.is_open(t + secs(5)));
        assert_eq!(breaker.ask(t + secs(5)), Gate::Pass);
    }

    #[test]
    fn one_probe_at_a_time_and_a_lost_one_blocks_nobody_for_long() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        fail(&mut breaker, 5, t);
        assert_eq!(breaker.ask(t + secs(6)), Gate::Pass);
        assert_eq!(breaker.ask(t + secs(7)), Gate::Wait(secs(9)));
        assert_eq!(breaker.ask(t + secs(16)), Gate::Pass);
        breaker.abandoned();
        assert_eq!(breaker.ask(t + secs(16)), Gate::Pass);
    }

    #[test]
    fn pauses_grow_while_probes_fail() {
        let mut t = Instant::now();
        let mut breaker = Breaker::default();
        fail(&mut breaker, 5, t);
        for pause in [5, 10, 20, 40, 60, 60] {
            assert_eq!(breaker.ask(t), Gate::Wait(secs(pause)));
            t += secs(pause);
            assert_eq!(breaker.ask(t), Gate::Pass);
            breaker.failed(Fault::Timeout, t);
        }
    }

    #[test]
    fn a_vendors_own_delay_is_kept() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        breaker.failed(Fault::RateLimited(Some(secs(12))), t);
        assert_eq!(breaker.ask(t + secs(2)), Gate::Wait(secs(10)));
        assert_eq!(breaker.ask(t + secs(12)), Gate::Pass);
        assert!(!breaker.is_open(t + secs(12)));
    }

    #[test]
    fn our_own_bad_requests_do_not_open_it_but_a_refused_key_does_at_once() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        (0..50).for_each(|_| breaker.failed(Fault::BadRequest, t));
        assert_eq!(breaker.ask(t), Gate::Pass);
        breaker.failed(Fault::Refused, t);
        assert_eq!(breaker.ask(t), Gate::Wait(secs(30)));
    }

    #[test]
    fn old_failures_are_forgotten() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        fail(&mut breaker, 4, t);
        fail(&mut breaker, 1, t + secs(25));
        assert_eq!(breaker.ask(t + secs(25)), Gate::Pass);
    }

    proptest! {
        #[test]
        fn whatever_happens_a_request_gets_through_again(
            faults in prop::collection::vec((0u64..90, 0usize..7), 0..60),
        ) {
            let mut t = Instant::now();
            let mut breaker = Breaker::default();
            for (step, what) in faults {
                t += secs(step);
                match what {
                    0 => breaker.succeeded(t),
                    1 => breaker.failed(Fault::RateLimited(Some(secs(30))), t),
                    2 => breaker.failed(Fault::Refused, t),
                    3 => breaker.failed(Fault::BadRequest, t),
                    4 => drop(breaker.ask(t)),
                    _ => breaker.failed(Fault::Timeout, t),
                }
            }
            let gate = breaker.ask(t);
            let wait = match gate { Gate::Pass => Duration::ZERO, Gate::Wait(wait) => wait };
            prop_assert!(wait <= LONGEST_PAUSE);
            prop_assert_eq!(breaker.ask(t + LONGEST_PAUSE + PROBE_LEASE), Gate::Pass);
        }
    }
}
