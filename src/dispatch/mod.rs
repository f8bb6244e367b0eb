//! Who takes a call: admission, the queue, the dispatches that call a worker.
//!
//! [`queue`] decides when to dispatch, pure and with the call's age as input; [`Dispatcher`] admits calls and rings for each in a task of its own; [`rooms`] is LiveKit's
//! server API. LiveKit neither queues nor retries a dispatch, so all of that is here.

mod admission;
mod depth;
pub mod queue;
mod ring;
pub mod rooms;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

pub use self::{
    admission::{Candidate, Decision},
    rooms::{Rooms, RoomsError},
};
use crate::{
    domain::ids::TenantId, lifecycle::Lifecycle, storage::redis::Store, telemetry::metrics::Metrics,
};
use queue::RingPolicy;

/// Admits calls and rings until a worker takes them. A cheap clone.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    store: Store,
    rooms: Rooms,
    policy: RingPolicy,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
    /// Tenants this gateway has admitted calls of: their queues are swept. The lock is held for a set access, never over an await.
    tenants: Arc<Mutex<BTreeSet<TenantId>>>,
}

impl Dispatcher {
    /// A dispatcher whose tasks `lifecycle` owns.
    #[must_use]
    pub fn new(
        store: Store,
        rooms: Rooms,
        policy: RingPolicy,
        metrics: Arc<Metrics>,
        lifecycle: Lifecycle,
    ) -> Self {
        Self {
            store,
            rooms,
            policy,
            metrics,
            lifecycle,
            tenants: Arc::default(),
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
