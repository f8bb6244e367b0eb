//! A network in miniature: loses, delays, doubles and reorders packets by a seed, without a clock.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

/// How packets get lost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loss {
    /// Each for itself.
    Random { share: f64 },
    /// In bursts (Gilbert): a good and a bad state, all is lost in the bad one.
    Bursts { share: f64, mean_length: f64 },
}

/// What the network does to packets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    pub(crate) loss: Loss,
    /// Each packet takes `delay` plus or minus up to `jitter`, evenly spread, as `tc netem` does;
    /// packets overtake each other.
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) duplicates: f64,
}

/// One direction of a path.
pub(crate) struct Netem {
    conditions: Conditions,
    rng: StdRng,
    bad: bool,
    /// Arrival time, order of sending, packet.
    under_way: Vec<(Duration, u64, Vec<u8>)>,
}

impl Netem {
    pub(crate) fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            rng: StdRng::seed_from_u64(seed),
            bad: false,
            under_way: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, now: Duration, number: u64, packet: &[u8]) {
        // Always the same number of draws, so that two runs with one seed lose the same packets.
        let lost = self.loses();
        let doubled = self.rng.random_bool(self.conditions.duplicates);
        for copy in [true, doubled] {
            let arrival = now + self.transit();
            if copy && !lost {
                self.under_way.push((arrival, number, packet.to_vec()));
            }
        }
    }

    /// The next packet that has arrived by `now`, in order of arrival.
    pub(crate) fn receive(&mut self, now: Duration) -> Option<(Duration, u64, Vec<u8>)> {
        let first = (0..self.under_way.len()).min_by_key(|n| self.under_way[*n].0)?;
        (self.under_way[first].0 <= now).then(|| self.under_way.swap_remove(first))
    }

    fn transit(&mut self) -> Duration {
        let spread = self.rng.random_range(0.0..=2.0);
        (self.conditions.delay + self.conditions.jitter.mul_f64(spread))
            .saturating_sub(self.conditions.jitter)
    }

    fn loses(&mut self) -> bool {
        let draw: f64 = self.rng.random();
        match self.conditions.loss {
            Loss::Random { share } => draw < share,
            Loss::Bursts { share, mean_length } => {
                let leave = 1.0 / mean_length;
                let enter = leave * share / (1.0 - share);
                self.bad = if self.bad {
                    draw >= leave
                } else {
                    draw < enter
                };
                self.bad
            }
        }
    }
}
