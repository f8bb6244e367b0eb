//! How many of its slots a pod offers, from what it measures of itself. Pure: readings and the time are inputs.
//!
//! A pod has as many slots as it was given, which fits the machine that it was planned for. On a slower one, or beside a noisy neighbour, audio would suffer before the
//! slots are used up. So the offer is cut when readings stay over a limit, to an eighth fewer calls than run, and grows back slowly once they stay well under it.
//! Calls that run are never touched: the pod takes none until enough have ended.

use std::time::Duration;

use crate::{config::WorkerConfig, telemetry::labels::Strain};

/// What a pod measured over one period of about a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// How late timers of the runtime fire; one hiccup in the period does not count.
    pub loop_lag: Duration,
    /// Share of the agents' frames that left late, 0 to 1; 0 without calls.
    pub late_frames: f64,
    /// Share of the CPU time the process may use that it used, 0 to 1; `None` if the system does not say.
    pub cpu: Option<f64>,
}

/// Readings above which audio will suffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// See [`WorkerConfig::loop_lag_limit_ms`].
    pub loop_lag: Duration,
    /// See [`WorkerConfig::late_frames_limit_percent`]; a share.
    pub late_frames: f64,
    /// See [`WorkerConfig::cpu_limit_percent`]; a share.
    pub cpu: f64,
}

impl Limits {
    /// As configured.
    #[must_use]
    pub fn new(config: &WorkerConfig) -> Self {
        Self {
            loop_lag: Duration::from_millis(config.loop_lag_limit_ms),
            late_frames: f64::from(config.late_frames_limit_percent) / 100.0,
            cpu: f64::from(config.cpu_limit_percent) / 100.0,
        }
    }

    /// The first limit that is exceeded.
    fn exceeded(&self, reading: &Reading) -> Option<Strain> {
        if reading.late_frames > self.late_frames {
            Some(Strain::Frames)
        } else if reading.loop_lag > self.loop_lag {
            Some(Strain::Loop)
        } else if reading.cpu.is_some_and(|cpu| cpu > self.cpu) {
            Some(Strain::Cpu)
        } else {
            None
        }
    }

    /// So far below that more calls are safe; between this and the limits the offer stays as it is.
    fn calm(self) -> Self {
        Self {
            loop_lag: self.loop_lag * 3 / 4,
            late_frames: self.late_frames / 2.0,
            cpu: self.cpu * 0.9,
        }
    }
}

/// Strained periods in a row after which the offer is cut: a compiler that starts next door is not yet a trend.
const STRAINED_PERIODS: u32 = 2;
/// Time without a strained or nearly strained period before the offer grows, and between two steps.
const CALM: Duration = Duration::from_secs(5);
/// Steps from nothing to all slots.
const STEPS: u32 = 20;

/// The offer and how it came about. Time is since the process start.
#[derive(Debug)]
pub struct Capacity {
    max: u32,
    floor: u32,
    limits: Limits,
    offered: u32,
    strained_periods: u32,
    calm_since: Option<Duration>,
}

impl Capacity {
    /// Offers all `max` slots, and whatever it reads never fewer than `floor`.
    #[must_use]
    pub fn new(max: u32, floor: u32, limits: Limits) -> Self {
        Self {
            max,
            floor: floor.min(max),
            limits,
            offered: max,
            strained_periods: 0,
            calm_since: None,
        }
    }

    /// Takes the reading of a period in which `used` calls ran. Says what it suffered from, if it did.
    pub fn observe(&mut self, now: Duration, used: u32, reading: Reading) -> Option<Strain> {
        let strain = self.limits.exceeded(&reading);
        if strain.is_some() {
            self.strained_periods += 1;
            self.calm_since = None;
            if self.strained_periods >= STRAINED_PERIODS {
                self.cut(used);
            }
        } else {
            self.strained_periods = 0;
            self.rest(now, &reading);
        }
        strain
    }

    /// Slots to offer now.
    #[must_use]
    pub const fn offered(&self) -> u32 {
        self.offered
    }

    /// While the strain lasts the offer follows the calls that end; it does not fall by itself.
    fn cut(&mut self, used: u32) {
        let fewer = used - used.div_ceil(8);
        self.offered = self.offered.min(fewer.max(self.floor));
    }

    fn rest(&mut self, now: Duration, reading: &Reading) {
        if self.limits.calm().exceeded(reading).is_some() {
            self.calm_since = None;
            return;
        }
        let since = *self.calm_since.get_or_insert(now);
        if now.saturating_sub(since) >= CALM {
            self.calm_since = Some(now);
            let step = self.max.div_ceil(STEPS);
            self.offered = self.max.min(self.offered + step);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits {
        loop_lag: Duration::from_millis(40),
        late_frames: 0.02,
        cpu: 0.85,
    };
    const QUIET: Reading = Reading {
        loop_lag: Duration::from_millis(2),
        late_frames: 0.0,
        cpu: Some(0.4),
    };

    fn lagging(ms: u64) -> Reading {
        Reading {
            loop_lag: Duration::from_millis(ms),
            ..QUIET
        }
    }

    /// Feeds one reading a second and returns the offer after each.
    fn offers(capacity: &mut Capacity, from: u64, used: u32, readings: &[Reading]) -> Vec<u32> {
        let each = (from..).zip(readings);
        each.map(|(second, reading)| {
            capacity.observe(Duration::from_secs(second), used, *reading);
            capacity.offered()
        })
        .collect()
    }

    #[test]
    fn one_bad_second_changes_nothing_and_two_cut_the_offer_below_what_runs() {
        let mut capacity = Capacity::new(200, 4, LIMITS);
        let readings = [lagging(90), QUIET, lagging(90), lagging(90), lagging(90)];
        assert_eq!(
            offers(&mut capacity, 0, 160, &readings),
            [200, 200, 200, 140, 140]
        );
        assert_eq!(offers(&mut capacity, 5, 120, &readings[..1]), [105]);
    }

    #[test]
    fn each_limit_alone_strains() {
        let late = Reading {
            late_frames: 0.03,
            ..QUIET
        };
        let busy = Reading {
            cpu: Some(0.9),
            ..QUIET
        };
        let unknown = Reading { cpu: None, ..QUIET };
        for (reading, strain) in [
            (lagging(41), Some(Strain::Loop)),
            (late, Some(Strain::Frames)),
            (busy, Some(Strain::Cpu)),
            (unknown, None),
            (QUIET, None),
        ] {
            let mut capacity = Capacity::new(10, 1, LIMITS);
            assert_eq!(capacity.observe(Duration::ZERO, 5, reading), strain);
        }
    }

    #[test]
    fn the_offer_grows_back_in_steps_once_it_is_well_under_the_limits() {
        let mut capacity = Capacity::new(40, 4, LIMITS);
        offers(&mut capacity, 0, 16, &[lagging(90); 2]);
        assert_eq!(capacity.offered(), 14);
        let near = offers(&mut capacity, 2, 14, &[lagging(35); 20]);
        assert!(near.iter().all(|offer| *offer == 14), "{near:?}");
        let calm = offers(&mut capacity, 22, 14, &[QUIET; 11]);
        assert_eq!(calm, [14, 14, 14, 14, 14, 16, 16, 16, 16, 16, 18]);
        offers(&mut capacity, 33, 14, &[QUIET; 100]);
        assert_eq!(capacity.offered(), 40);
    }

    #[test]
    fn a_pod_with_few_calls_goes_on_offering_the_least() {
        let mut capacity = Capacity::new(20, 4, LIMITS);
        assert_eq!(offers(&mut capacity, 0, 0, &[lagging(900); 3]), [20, 4, 4]);
        let mut small = Capacity::new(2, 4, LIMITS);
        assert_eq!(offers(&mut small, 0, 2, &[lagging(900); 3]), [2, 2, 2]);
    }

    proptest! {
        #[test]
        fn the_offer_stays_between_the_floor_and_the_slots_and_strain_never_raises_it(
            seconds in prop::collection::vec((0_u64..120, 0_u32..50), 1..200),
        ) {
            let mut capacity = Capacity::new(50, 3, LIMITS);
            for (second, (lag, used)) in (0..).zip(seconds) {
                let before = capacity.offered();
                let strain = capacity.observe(Duration::from_secs(second), used, lagging(lag));
                prop_assert!((3..=50).contains(&capacity.offered()));
                prop_assert!(strain.is_none() || capacity.offered() <= before);
            }
        }
    }
}
