//! Tells the pool of this pod: what it would take and what it serves, each second and at once when that changes.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{registered::Registered, slots::Slots, wall_clock};
use crate::{
    domain::ids::PodId,
    storage::redis::{PodReport, Store},
    telemetry::metrics::Metrics,
};

/// Between two reports when nothing changes; a pod that is silent for five of them is not counted on.
const EVERY: Duration = Duration::from_secs(1);
/// Least time between two reports: a burst of changes is one.
const APART: Duration = Duration::from_millis(50);

/// What the pool is told, and how.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Where the reports are.
    pub store: Store,
    /// Whose they are.
    pub pod: PodId,
    /// The name that it registers under.
    pub agent_name: String,
    /// What it would take and what it serves.
    pub slots: Slots,
    /// Whether LiveKit can give it calls.
    pub registered: Registered,
    /// The catalogue.
    pub metrics: Arc<Metrics>,
}

impl Presence {
    /// Reports until `done`, then takes the last report back. A drained pod is still reported while its last calls run.
    pub async fn keep(self, done: CancellationToken) {
        done.run_until_cancelled(self.report_forever()).await;
        if let Err(error) = self.store.forget_pod(&self.pod).await {
            // The pool stops counting on it in a moment anyway.
            tracing::debug!(error = &error as &dyn std::error::Error, "forget the pod");
        }
    }

    async fn report_forever(&self) {
        let mut slots = self.slots.changes();
        let mut registered = self.registered.changes();
        let mut ticks = interval(EVERY);
        let mut was_well = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = slots.changed() => {}
                _ = registered.changed() => {}
            }
            slots.mark_unchanged();
            registered.mark_unchanged();
            let report = self.report(wall_clock());
            self.metrics.pool().draining(report.draining);
            let result = self.store.report_pod(&self.pod, &report).await;
            if let Err(error) = &result
                && was_well
            {
                tracing::warn!(error = error as &dyn std::error::Error, "report the pod");
            }
            was_well = result.is_ok();
            sleep(APART).await;
        }
    }

    fn report(&self, now: DateTime<Utc>) -> PodReport {
        let counts = self.slots.counts();
        let projects = self.registered.projects();
        PodReport {
            at: now,
            agent_name: self.agent_name.clone(),
            free: if projects.is_empty() {
                0
            } else {
                counts.free()
            },
            projects,
            used: counts.used,
            draining: counts.is_draining,
        }
    }
}
