//! Who takes a call: admission, the queue, the offers that call a worker, the end of workers that are gone.
//!
//! [`queue`] decides who is offered next and [`leases`] whose worker is gone, both pure; [`Dispatcher`] admits calls and keeps the pool whole; [`rooms`] is LiveKit's
//! server API. LiveKit neither queues nor retries a dispatch nor replaces a worker, so all of that is here.

mod admission;
mod keeper;
pub mod leases;
mod offers;
mod pool;
pub mod queue;
mod returns;
pub mod rooms;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

pub use self::{
    admission::{Candidate, Decision},
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
    rooms: Rooms,
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
        rooms: Rooms,
        policy: RingPolicy,
        pool: PoolConfig,
        metrics: Arc<Metrics>,
        lifecycle: Lifecycle,
    ) -> Self {
        Self {
            store,
            rooms,
            policy,
            pool,
            metrics,
            lifecycle,
            wake: Arc::default(),
        }
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
