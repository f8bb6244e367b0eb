//! Who takes a call: admission, the queue, the offers that call a worker, the end of workers that are gone.
//!
//! [`queue`] decides who is offered next, [`supply`] what the pods have free and [`leases`] whose worker is gone, all pure; [`Dispatcher`] admits calls and keeps the pool
//! whole; [`projects`] places a call in a LiveKit project and a region; [`rooms`] is LiveKit's server API. LiveKit neither queues nor retries a dispatch nor replaces a worker, so all of that is here.

mod admission;
mod keeper;
pub mod leases;
mod offers;
mod pool;
pub mod projects;
pub mod queue;
mod returns;
pub mod rooms;
pub mod supply;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

pub use self::{
    admission::{Candidate, Decision},
    projects::{PlaceError, Projects, UnknownProject},
    rooms::{Rooms, RoomsError},
};
use crate::{
    config::PoolConfig, lifecycle::Lifecycle, storage::redis::Store, telemetry::metrics::Metrics,
};
use queue::RingPolicy;

/// Admits calls and finds workers for them. A cheap clone.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    store: Store,
    projects: Projects,
    policy: RingPolicy,
    pool: PoolConfig,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
    /// Something has changed: the keeper looks at once.
    wake: Arc<Notify>,
}

impl Dispatcher {
    /// A dispatcher whose tasks `lifecycle` owns.
    #[must_use]
    pub fn new(
        store: Store,
        projects: Projects,
        policy: RingPolicy,
        pool: PoolConfig,
        metrics: Arc<Metrics>,
        lifecycle: Lifecycle,
    ) -> Self {
        Self {
            store,
            projects,
            policy,
            pool,
            metrics,
            lifecycle,
            wake: Arc::default(),
        }
    }

    /// The LiveKit projects that calls go through.
    #[must_use]
    pub const fn projects(&self) -> &Projects {
        &self.projects
    }
}

/// The wall clock, where it enters.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of the process: here time enters"
)]
pub(crate) fn wall_clock() -> DateTime<Utc> {
    Utc::now()
}
