//! When a worker is given up: its lease stood still for a whole period in which Redis answered. No clock: the time is an input.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::{
    domain::ids::{CallId, TenantId},
    storage::redis::Lease,
};

/// One dispatcher's observations. Time is the process's monotonic clock, since any fixed moment.
#[derive(Clone, Debug)]
pub struct LeaseWatch {
    period: Duration,
    seen: HashMap<(TenantId, CallId), Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    lease: Lease,
    since: Duration,
}

/// When a question was sent and when its answer came: what the answer says was true at some moment between the two.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The earliest moment.
    pub at: Duration,
    /// The latest one.
    pub answered: Duration,
}

impl LeaseWatch {
    /// Nothing seen yet. `period` must exceed the time after which an unrenewed worker falls silent.
    #[must_use]
    pub fn new(period: Duration) -> Self {
        Self {
            period,
            seen: HashMap::new(),
        }
    }

    /// A tenant's leases as Redis has just answered. Returns those that stood still for the period: their workers are gone, or cannot speak any more. They are not forgotten,
    /// so a take-over that fails is tried again.
    ///
    /// A wait counts from an answer to a question: a lease that a slow answer shows may have been raised since that was asked, and its worker speaks on from then.
    pub fn observe(
        &mut self,
        asked: Asked,
        tenant: TenantId,
        leases: &HashMap<CallId, Lease>,
    ) -> Vec<(CallId, Lease)> {
        let alive: HashSet<CallId> = leases.keys().copied().collect();
        self.seen
            .retain(|(of, call), _| *of != tenant || alive.contains(call));
        let mut lapsed = Vec::new();
        for (call, lease) in leases {
            let now = Seen {
                lease: *lease,
                since: asked.answered,
            };
            let seen = self.seen.entry((tenant, *call)).or_insert(now);
            if seen.lease != *lease {
                *seen = now;
            } else if asked.at.saturating_sub(seen.since) >= self.period {
                lapsed.push((*call, *lease));
            }
        }
        lapsed
    }

    /// Redis did not answer for this tenant: nobody could have renewed either, so every wait begins anew.
    pub fn unanswered(&mut self, tenant: TenantId) {
        self.seen.retain(|(of, _), _| *of != tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Epoch;

    const PERIOD: Duration = Duration::from_millis(2000);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    struct Rig {
        watch: LeaseWatch,
        tenant: TenantId,
        call: CallId,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                watch: LeaseWatch::new(PERIOD),
                tenant: TenantId::generate(),
                call: CallId::generate(),
            }
        }

        fn sees(&mut self, at: u64, epoch: u32, counter: u64) -> bool {
            self.sees_after(at, at, epoch, counter)
        }

        fn sees_after(&mut self, at: u64, answered: u64, epoch: u32, counter: u64) -> bool {
            let asked = Asked {
                at: ms(at),
                answered: ms(answered),
            };
            let lease = Lease {
                epoch: Epoch(epoch),
                counter,
            };
            let leases = HashMap::from([(self.call, lease)]);
            let lapsed = self.watch.observe(asked, self.tenant, &leases);
            assert!(lapsed.iter().all(|(call, _)| *call == self.call));
            !lapsed.is_empty()
        }
    }

    #[test]
    fn a_lease_that_is_raised_never_lapses() {
        let mut rig = Rig::new();
        assert!((0..100).all(|beat| !rig.sees(beat * 500, 1, beat)));
    }

    #[test]
    fn a_lease_that_stands_still_lapses_after_the_period_and_not_before() {
        let mut rig = Rig::new();
        assert!(!rig.sees(0, 1, 7));
        assert!(!rig.sees(1999, 1, 7));
        assert!(rig.sees(2000, 1, 7));
        assert!(rig.sees(2250, 1, 7), "until somebody takes the call");
        assert!(!rig.sees(2500, 2, 0), "a new epoch is a new worker");
    }

    #[test]
    fn a_time_in_which_redis_did_not_answer_counts_for_nothing() {
        let mut rig = Rig::new();
        rig.sees(0, 1, 7);
        rig.sees(1500, 1, 7);
        rig.watch.unanswered(rig.tenant);
        assert!(!rig.sees(5000, 1, 7));
        assert!(!rig.sees(6900, 1, 7));
        assert!(rig.sees(7000, 1, 7));
    }

    #[test]
    fn a_call_that_ended_is_forgotten() {
        let mut rig = Rig::new();
        rig.sees(0, 1, 7);
        let asked = Asked {
            at: ms(100),
            answered: ms(100),
        };
        rig.watch.observe(asked, rig.tenant, &HashMap::new());
        assert!(!rig.sees(5000, 1, 7));
    }

    #[test]
    fn a_wait_counts_from_a_slow_answer() {
        let mut rig = Rig::new();
        assert!(!rig.sees_after(0, 900, 1, 7));
        assert!(!rig.sees(2000, 1, 7), "it may have been raised at 899");
        assert!(rig.sees(2900, 1, 7));
    }
}
