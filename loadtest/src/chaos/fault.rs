//! What is done to the pool, and in which order. Pure: the order follows from a seed.

use std::time::Duration;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::Serialize;

/// Something that happens to a pool in production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Fault {
    /// A worker is killed (SIGKILL); another starts.
    KillWorker,
    /// A worker is told to go (SIGTERM); another starts once it has gone.
    DrainWorker,
    /// A worker is stopped (SIGSTOP) for a while and then goes on as if nothing had happened.
    FreezeWorker,
    /// A gateway is killed, or told to go, and starts again.
    RestartGateway,
    /// Redis does not answer for some seconds.
    FreezeRedis,
    /// LiveKit is killed and starts again: every room is gone.
    RestartLivekit,
    /// A primary of the Redis Cluster is killed; its replica takes its place, later it comes back as a replica.
    LosePrimary,
}

impl Fault {
    /// Those of a single Redis.
    pub const ALL: [Self; 6] = [
        Self::KillWorker,
        Self::DrainWorker,
        Self::FreezeWorker,
        Self::RestartGateway,
        Self::FreezeRedis,
        Self::RestartLivekit,
    ];

    /// The word for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KillWorker => "kill_worker",
            Self::DrainWorker => "drain_worker",
            Self::FreezeWorker => "freeze_worker",
            Self::RestartGateway => "restart_gateway",
            Self::FreezeRedis => "freeze_redis",
            Self::RestartLivekit => "restart_livekit",
            Self::LosePrimary => "lose_primary",
        }
    }

    /// Whether it happens to one worker and its calls alone.
    #[must_use]
    pub const fn strikes_a_worker(self) -> bool {
        matches!(
            self,
            Self::KillWorker | Self::DrainWorker | Self::FreezeWorker
        )
    }

    /// How long it lasts, where it has a length of its own.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::FreezeWorker => Duration::from_secs(15),
            Self::FreezeRedis => Duration::from_secs(3),
            // Long enough for the replica to be elected.
            Self::LosePrimary => Duration::from_secs(8),
            _ => Duration::ZERO,
        }
    }
}

/// Each fault `rounds` times. Within a round the order is drawn, so that over a run every fault meets every other.
#[must_use]
pub fn schedule(faults: &[Fault], rounds: usize, seed: u64) -> Vec<Fault> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut all = Vec::with_capacity(faults.len() * rounds);
    for _ in 0..rounds {
        let mut round = faults.to_vec();
        round.shuffle(&mut random);
        all.extend(round);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_order_again_and_each_fault_as_often() {
        let one = schedule(&Fault::ALL, 10, 7);
        assert_eq!(one, schedule(&Fault::ALL, 10, 7));
        assert_ne!(one, schedule(&Fault::ALL, 10, 8));
        for fault in Fault::ALL {
            assert_eq!(one.iter().filter(|f| **f == fault).count(), 10);
        }
    }
}
