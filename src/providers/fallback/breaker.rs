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
/// Refusals in a row that say that the key or the deployment is at fault: one, or a few of one clinic, say nothing about the next request.
const REFUSALS: u32 = 5;
/// A probe that has not reported by then (its caller hung up) does not keep others away.
const PROBE_LEASE: Duration = Duration::from_secs(10);

/// The breaker of one vendor's deployment under one key, shared by all calls of a process.
///
/// Each kind of fault has a lane of its own. Failures open theirs when half of at least [`MIN_RESULTS`] recent requests failed; refusals of the key or
/// the deployment theirs when [`REFUSALS`] came in a row. A request that is wrong in itself opens none. While a lane is open nobody gets through
/// until its pause is over; then one request at a time probes the vendor, and the first success closes all lanes. Who has no other vendor does not
/// wait for the pause ([`Breaker::ask_anyway`]).
#[derive(Debug, Default)]
pub struct Breaker {
    failures: Option<Open>,
    refusals: Option<Open>,
    refused_in_a_row: u32,
    current: Bucket,
    previous: Bucket,
    /// The vendor's own words: not before.
    held_until: Option<Instant>,
}

/// An open lane.
#[derive(Clone, Copy, Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    probing_until: Option<Instant>,
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
    /// Another request is finding out; its end, or at the latest so long, lets the next one through.
    Probed(Duration),
}

impl Breaker {
    /// Asks for a request to go out now.
    pub fn ask(&mut self, now: Instant) -> Gate {
        let paused = self.lanes().map(|lane| left(lane.until, now)).max();
        match paused.flatten() {
            Some(wait) => Gate::Wait(wait.max(self.held(now).unwrap_or_default())),
            None => self.ask_anyway(now),
        }
    }

    /// Asks for a request that has nowhere else to go: no pause holds it back, but one goes at a time, and none before the vendor's own time.
    pub fn ask_anyway(&mut self, now: Instant) -> Gate {
        if let Some(wait) = self.held(now) {
            return Gate::Wait(wait);
        }
        let probed = self.lanes().filter_map(|lane| lane.probing_until);
        if let Some(wait) = probed.max().and_then(|until| left(until, now)) {
            return Gate::Probed(wait);
        }
        for open in [&mut self.failures, &mut self.refusals]
            .into_iter()
            .flatten()
        {
            open.probing_until = Some(now + PROBE_LEASE);
        }
        Gate::Pass
    }

    /// A request succeeded: the vendor began to answer.
    pub fn succeeded(&mut self, now: Instant) {
        self.held_until = None;
        self.refused_in_a_row = 0;
        if self.lanes().next().is_some() {
            (self.failures, self.refusals) = (None, None);
            self.current = Bucket::default();
            self.previous = Bucket::default();
        }
        self.count(now, false);
    }

    /// A request failed.
    pub fn failed(&mut self, fault: Fault, now: Instant) {
        let probed = (self.failures, self.refusals);
        self.end_probe();
        match fault {
            // What is wrong with one request, or with its answer, says nothing about the vendor: it did answer.
            Fault::BadRequest | Fault::Filtered | Fault::Empty => {}
            Fault::Refused => {
                self.refused_in_a_row += 1;
                if self.refused_in_a_row >= REFUSALS {
                    self.refusals = Some(Open::after(probed.1, now));
                }
            }
            Fault::RateLimited(Some(wait)) => {
                self.held_until = self.held_until.max(Some(now + wait));
            }
            Fault::RateLimited(None) | Fault::Unavailable | Fault::Timeout | Fault::Protocol => {
                self.count(now, true);
                if probed.0.is_some() || self.is_failing() {
                    self.failures = Some(Open::after(probed.0, now));
                }
            }
        }
    }

    /// A request ended without an answer to judge by (its caller hung up).
    pub fn abandoned(&mut self) {
        self.end_probe();
    }

    /// Whether requests are held back at this time.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.held(now).is_some() || self.lanes().next().is_some()
    }

    fn lanes(&self) -> impl Iterator<Item = &Open> {
        self.failures.iter().chain(&self.refusals)
    }

    fn held(&self, now: Instant) -> Option<Duration> {
        self.held_until.and_then(|until| left(until, now))
    }

    fn end_probe(&mut self) {
        for open in [&mut self.failures, &mut self.refusals]
            .into_iter()
            .flatten()
        {
            open.probing_until = None;
        }
    }

    fn is_failing(&self) -> bool {
        let results = self.current.results + self.previous.results;
        let failures = self.current.failures + self.previous.failures;
        results >= MIN_RESULTS && failures * 2 >= results
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

impl Open {
    /// The first pause, or twice the one before it. A failure inside a pause (a request that nobody else could take) does not make it longer.
    fn after(before: Option<Self>, now: Instant) -> Self {
        let pause = match before {
            None => PAUSE,
            Some(open) if open.until > now => return open.unprobed(),
            Some(open) => (open.pause * 2).min(LONGEST_PAUSE),
        };
        Self {
            until: now + pause,
            pause,
            probing_until: None,
        }
    }

    fn unprobed(self) -> Self {
        Self {
            probing_until: None,
            ..self
        }
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
        assert_eq!(breaker.ask(t + secs(7)), Gate::Probed(secs(9)));
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

    /// B13: a 404, 401 or 400 of one call, and a filtered sentence, hold no other call back.
    #[test]
    fn what_is_wrong_with_one_request_holds_no_other_back() {
        let t = Instant::now();
        for fault in [Fault::BadRequest, Fault::Filtered, Fault::Empty] {
            let mut breaker = Breaker::default();
            (0..50).for_each(|_| breaker.failed(fault, t));
            assert_eq!(breaker.ask(t), Gate::Pass, "{fault:?}");
        }
        let mut breaker = Breaker::default();
        for _ in 0..50 {
            breaker.failed(Fault::Refused, t);
            assert_eq!(breaker.ask(t), Gate::Pass);
            (1..REFUSALS - 1).for_each(|_| breaker.failed(Fault::Refused, t));
            breaker.succeeded(t);
        }
        assert!(!breaker.is_open(t));
    }

    #[test]
    fn a_key_that_is_refused_again_and_again_is_probed_by_one_at_a_time() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        (0..REFUSALS).for_each(|_| breaker.failed(Fault::Refused, t));
        assert_eq!(breaker.ask(t), Gate::Wait(secs(5)));
        assert_eq!(breaker.ask(t + secs(5)), Gate::Pass);
        assert_eq!(breaker.ask(t + secs(5)), Gate::Probed(secs(10)));
        breaker.failed(Fault::Refused, t + secs(5));
        assert_eq!(breaker.ask(t + secs(5)), Gate::Wait(secs(10)));
        breaker.succeeded(t + secs(6));
        assert_eq!(breaker.ask(t + secs(6)), Gate::Pass);
    }

    /// B13: an only vendor is asked by one call at a time, at once.
    #[test]
    fn who_has_no_other_vendor_waits_for_a_probe_but_for_no_pause() {
        let t = Instant::now();
        let mut breaker = Breaker::default();
        fail(&mut breaker, 5, t);
        assert_eq!(breaker.ask(t), Gate::Wait(secs(5)));
        assert_eq!(breaker.ask_anyway(t), Gate::Pass);
        assert_eq!(breaker.ask_anyway(t), Gate::Probed(secs(10)));
        fail(&mut breaker, 1, t + secs(1));
        // The pause of those who can go elsewhere is no longer for it.
        assert_eq!(breaker.ask(t + secs(1)), Gate::Wait(secs(4)));
        assert_eq!(breaker.ask_anyway(t + secs(1)), Gate::Pass);
        breaker.succeeded(t + secs(1));
        assert_eq!(breaker.ask_anyway(t + secs(1)), Gate::Pass);
        assert_eq!(breaker.ask(t + secs(1)), Gate::Pass);
        // What the vendor asks for itself is kept.
        breaker.failed(Fault::RateLimited(Some(secs(12))), t + secs(1));
        assert_eq!(breaker.ask_anyway(t + secs(3)), Gate::Wait(secs(10)));
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
            let wait = match gate { Gate::Pass => Duration::ZERO, Gate::Wait(wait) | Gate::Probed(wait) => wait };
            prop_assert!(wait <= LONGEST_PAUSE);
            prop_assert_eq!(breaker.ask(t + LONGEST_PAUSE + PROBE_LEASE), Gate::Pass);
        }
    }
}
