//! How many calls wait, in all queues.

use std::time::Duration;

use super::{Dispatcher, wall_clock};
use crate::domain::ids::TenantId;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(5);
/// Looks between two repairs of the index.
const REPAIR_EVERY: u32 = 12;

impl Dispatcher {
    /// Reports the queue's depth and keeps the index of waiting tenants whole, until the process drains.
    pub async fn watch_queue(self) {
        let drain = self.lifecycle.drain();
        drain.run_until_cancelled(self.watch_forever()).await;
    }

    async fn watch_forever(&self) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for look in 0_u32.. {
            ticks.tick().await;
            if look % REPAIR_EVERY == 0 {
                self.repair().await;
            }
            // Past the deadline nobody rings any more: such an entry was left by a dead gateway.
            match self.store.waiting(wall_clock(), self.policy.deadline).await {
                Ok(waiting) => self.metrics.queue_waiting(waiting.calls),
                Err(error) => tracing::debug!(error = %error, "queue depth unknown"),
            }
        }
    }

    async fn repair(&self) {
        let known: Vec<TenantId> = self.tenants.lock().iter().copied().collect();
        if let Err(error) = self.store.repair_waiting(&known, wall_clock()).await {
            tracing::debug!(error = %error, "index of waiting tenants not repaired");
        }
    }
}
