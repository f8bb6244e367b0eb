//! How late packets arrive, and how long playout should therefore wait.
//!
//! A packet's transit is its arrival time minus its RTP time; only differences mean anything. The
//! smallest transit of the last seconds is the base (the network's fixed part, which follows clock
//! drift), and what a packet exceeds it by is its relative delay. The target delay is a high quantile
//! of a slowly forgetting histogram of relative delays.

use super::{MS, Ticks};

/// Width of a histogram bucket.
const BUCKET: Ticks = 5 * MS;
/// Relative delays from 0 to 500 ms.
const BUCKETS: usize = 100;
/// Share of packets that may arrive after the target delay.
const LATE_SHARE: f32 = 0.03;
/// Weight of the past per packet once enough were seen: about 13 s of 20 ms packets.
const MEMORY: f32 = 0.998_5;
/// Before the first packets speak, assume this delay with the weight of [`PRIOR_PACKETS`].
const PRIOR_DELAY: Ticks = 40 * MS;
const PRIOR_PACKETS: u32 = 8;
/// Never less: the pull grid of 10 ms and the sender's own pacing need room.
const MIN_TARGET: Ticks = 20 * MS;
/// A transit this far from the known ones is another clock, not a delay.
const CLOCK_JUMP: Ticks = 2_000 * MS;
/// The base is the minimum over this many windows of one second.
const WINDOWS: usize = 6;

#[derive(Debug)]
pub(crate) struct DelayEstimator {
    /// Transit that counts as zero, so that all numbers stay small.
    anchor: Ticks,
    minima: [Ticks; WINDOWS],
    window: Ticks,
    base: Ticks,
    histogram: [f32; BUCKETS],
    packets: u32,
    target: Ticks,
}

impl DelayEstimator {
    /// Starts from the first packet, which arrived at `now` with RTP time `ts`.
    pub(crate) fn new(now: Ticks, ts: u64) -> Self {
        let mut histogram = [0.0; BUCKETS];
        histogram[(PRIOR_DELAY / BUCKET) as usize - 1] = 1.0;
        Self {
            anchor: now.wrapping_sub(ts as Ticks),
            minima: [Ticks::MAX; WINDOWS],
            window: now.div_euclid(1_000 * MS),
            base: 0,
            histogram,
            packets: PRIOR_PACKETS,
            target: PRIOR_DELAY,
        }
    }

    /// Counts an arrival. If its clock does not fit the past ones, the base starts anew from it.
    pub(crate) fn observe(&mut self, now: Ticks, ts: u64) {
        let mut transit = self.transit(now, ts);
        let known = self.minima.iter().any(|m| *m != Ticks::MAX);
        if known && transit.wrapping_sub(self.base).unsigned_abs() > CLOCK_JUMP as u64 {
            self.anchor = now.wrapping_sub(ts as Ticks);
            self.minima = [Ticks::MAX; WINDOWS];
            transit = 0;
        }
        self.lower_base(now, transit);
        self.count((transit - self.base).max(0));
    }

    /// When the sample with RTP time `ts` should be played.
    pub(crate) fn due(&self, ts: u64, margin: Ticks) -> Ticks {
        (ts as Ticks)
            .wrapping_add(self.anchor)
            .wrapping_add(self.base + self.target + margin)
    }

    /// How long after its earliest possible arrival the sample at `ts` is played if played `now`.
    pub(crate) fn playout_delay(&self, now: Ticks, ts: u64) -> Ticks {
        self.transit(now, ts).wrapping_sub(self.base)
    }

    /// The delay that lets all but a small share of the packets arrive in time.
    pub(crate) fn target(&self) -> Ticks {
        self.target
    }

    fn transit(&self, now: Ticks, ts: u64) -> Ticks {
        now.wrapping_sub(ts as Ticks).wrapping_sub(self.anchor)
    }

    fn lower_base(&mut self, now: Ticks, transit: Ticks) {
        let window = now.div_euclid(1_000 * MS);
        if window > self.window {
            // Forget the seconds that have passed since the last packet, at most all of them.
            let passed = (window - self.window).min(WINDOWS as Ticks);
            for step in 1..=passed {
                self.minima[(self.window + step).rem_euclid(WINDOWS as Ticks) as usize] =
                    Ticks::MAX;
            }
            self.window = window;
        }
        let slot = &mut self.minima[self.window.rem_euclid(WINDOWS as Ticks) as usize];
        *slot = transit.min(*slot);
        self.base = self.minima.iter().copied().min().unwrap_or(transit);
    }

    fn count(&mut self, relative: Ticks) {
        self.packets = self.packets.saturating_add(1);
        let keep = (1.0 - 1.0 / self.packets as f32).min(MEMORY);
        self.histogram.iter_mut().for_each(|share| *share *= keep);
        let bucket = ((relative / BUCKET) as usize).min(BUCKETS - 1);
        self.histogram[bucket] += 1.0 - keep;
        self.target = self.quantile().max(MIN_TARGET);
    }

    /// Upper edge of the lowest bucket above which at most [`LATE_SHARE`] of the packets lie.
    fn quantile(&self) -> Ticks {
        let mut above = 0.0;
        for (bucket, share) in self.histogram.iter().enumerate().rev() {
            above += share;
            if above > LATE_SHARE {
                return (bucket as Ticks + 1) * BUCKET;
            }
        }
        BUCKET
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 ms packets whose delays repeat the given pattern in milliseconds, from packet `from` on.
    fn feed(estimator: &mut DelayEstimator, from: u64, packets: u64, delays_ms: &[i64]) {
        for n in from..from + packets {
            let ts = n * 960;
            let delay = delays_ms[n as usize % delays_ms.len()];
            estimator.observe(ts as Ticks + delay * MS, ts);
        }
    }

    #[test]
    fn a_steady_stream_needs_the_minimum() {
        let mut estimator = DelayEstimator::new(0, 0);
        feed(&mut estimator, 0, 500, &[0]);
        assert_eq!(estimator.target(), MIN_TARGET);
    }

    #[test]
    fn the_target_covers_the_jitter_seen() {
        let mut estimator = DelayEstimator::new(0, 0);
        feed(&mut estimator, 0, 500, &[0, 10, 35, 5, 20]);
        assert_eq!(estimator.target(), 40 * MS);
    }

    #[test]
    fn a_rise_is_followed_within_a_second() {
        let mut estimator = DelayEstimator::new(0, 0);
        feed(&mut estimator, 0, 1_000, &[0]);
        feed(&mut estimator, 1_000, 50, &[0, 80]);
        assert!(
            estimator.target() >= 80 * MS,
            "{} ms",
            estimator.target() / MS
        );
    }

    #[test]
    fn a_slower_path_raises_the_base_and_not_the_target_for_ever() {
        let mut estimator = DelayEstimator::new(0, 0);
        feed(&mut estimator, 0, 500, &[0]);
        feed(&mut estimator, 500, 3_000, &[100]);
        assert_eq!(
            estimator.playout_delay(100 * MS, 0),
            0,
            "the base is the new path"
        );
        assert_eq!(estimator.target(), MIN_TARGET);
    }

    #[test]
    fn another_clock_starts_the_base_anew() {
        let mut estimator = DelayEstimator::new(0, 0);
        feed(&mut estimator, 0, 100, &[0]);
        estimator.observe(2_000 * MS, u64::MAX - 5);
        assert_eq!(estimator.playout_delay(2_000 * MS, u64::MAX - 5), 0);
    }
}
