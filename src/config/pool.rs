use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;
use crate::domain::placement::Region;

/// How the pool notices that a pod is gone, and how long it waits for another. The same on gateways and workers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Where this deployment is: its workers serve this region's clinics, its gateways count clinics without a region among them. Left out, there are no regions.
    pub region: Option<Region>,
    /// Milliseconds between a worker's signs of life for a call.
    pub lease_beat_ms: u64,
    /// Milliseconds after its last sign of life at which a worker that nobody vouches for falls silent.
    pub lease_mute_ms: u64,
    /// Milliseconds without a sign of life, while Redis answered, after which a call is taken from its worker.
    pub lease_lapse_ms: u64,
    /// Milliseconds between a dispatcher's looks at the queue.
    pub tick_ms: u64,
    /// Seconds that a conversation without an agent waits for one before it goes to the fallback.
    pub orphan_deadline_secs: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            region: None,
            lease_beat_ms: 500,
            lease_mute_ms: 2250,
            lease_lapse_ms: 2500,
            tick_ms: 250,
            orphan_deadline_secs: 20,
        }
    }
}

impl PoolConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.tick_ms == 0 || self.lease_beat_ms == 0 {
            return Err(ConfigError::invalid(
                "pool.tick_ms",
                "must, like pool.lease_beat_ms, be at least 1",
            ));
        }
        if self.lease_mute_ms < 3 * self.lease_beat_ms {
            return Err(ConfigError::invalid(
                "pool.lease_mute_ms",
                "must be at least three times pool.lease_beat_ms: a late answer is no loss",
            ));
        }
        if self.lease_lapse_ms <= self.lease_mute_ms {
            return Err(ConfigError::invalid(
                "pool.lease_lapse_ms",
                "must exceed pool.lease_mute_ms: a worker is silent before its call is given to another",
            ));
        }
        Ok(())
    }

    /// See [`PoolConfig::lease_beat_ms`].
    #[must_use]
    pub const fn lease_beat(&self) -> Duration {
        Duration::from_millis(self.lease_beat_ms)
    }

    /// See [`PoolConfig::lease_mute_ms`].
    #[must_use]
    pub const fn lease_mute(&self) -> Duration {
        Duration::from_millis(self.lease_mute_ms)
    }

    /// See [`PoolConfig::lease_lapse_ms`].
    #[must_use]
    pub const fn lease_lapse(&self) -> Duration {
        Duration::from_millis(self.lease_lapse_ms)
    }

    /// See [`PoolConfig::tick_ms`].
    #[must_use]
    pub const fn tick(&self) -> Duration {
        Duration::from_millis(self.tick_ms)
    }

    /// See [`PoolConfig::orphan_deadline_secs`].
    #[must_use]
    pub const fn orphan_deadline(&self) -> Duration {
        Duration::from_secs(self.orphan_deadline_secs)
    }
}
