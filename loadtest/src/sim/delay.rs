//! Random waiting times with a long tail, as services have them.

use std::{f64::consts::TAU, time::Duration};

use rand::Rng;
use serde::{Deserialize, Serialize};

/// Standard normal quantile of 0.95.
const Z95: f64 = 1.644_853_6;
/// No sample exceeds this multiple of the 95th percentile.
const TAIL: f64 = 4.0;

/// A log-normal waiting time given by two of its quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Half of the samples are below, in ms. 0 means no delay.
    pub median_ms: f64,
    /// 95 of 100 samples are below, in ms.
    pub p95_ms: f64,
}

impl Delay {
    /// No waiting.
    pub const NONE: Self = Self {
        median_ms: 0.0,
        p95_ms: 0.0,
    };

    /// Always the same.
    #[must_use]
    pub const fn constant(ms: f64) -> Self {
        Self {
            median_ms: ms,
            p95_ms: ms,
        }
    }

    /// One waiting time.
    pub fn sample(&self, rng: &mut impl Rng) -> Duration {
        if self.median_ms <= 0.0 {
            return Duration::ZERO;
        }
        let p95 = self.p95_ms.max(self.median_ms);
        let sigma = (p95 / self.median_ms).ln() / Z95;
        let ms = self.median_ms * (sigma * normal(rng)).exp();
        Duration::from_secs_f64(ms.min(p95 * TAIL) / 1_000.0)
    }
}

/// Box and Muller's method.
fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random_range(f64::MIN_POSITIVE..1.0), rng.random());
    (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn samples_have_the_two_quantiles() {
        let delay = Delay {
            median_ms: 200.0,
            p95_ms: 300.0,
        };
        let mut rng = StdRng::seed_from_u64(5);
        let mut samples: Vec<f64> = (0..4_000)
            .map(|_| delay.sample(&mut rng).as_secs_f64() * 1e3)
            .collect();
        samples.sort_by(f64::total_cmp);
        assert!((samples[2_000] - 200.0).abs() < 5.0, "{}", samples[2_000]);
        assert!((samples[3_800] - 300.0).abs() < 12.0, "{}", samples[3_800]);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let sample = |seed| Delay::constant(70.0).sample(&mut StdRng::seed_from_u64(seed));
        assert_eq!(sample(1), Duration::from_millis(70));
        let delay = Delay {
            median_ms: 10.0,
            p95_ms: 40.0,
        };
        let twice: [Duration; 2] =
            std::array::from_fn(|_| delay.sample(&mut StdRng::seed_from_u64(9)));
        assert_eq!(twice[0], twice[1]);
        assert_eq!(
            Delay::NONE.sample(&mut StdRng::seed_from_u64(9)),
            Duration::ZERO
        );
    }
}
