//! Where the call's time meets the runtime's clock.

use tokio::time::Instant;

use crate::domain::call_time::CallTime;

/// The clock of one call. The room stamps frames by it and the session runs on it.
#[derive(Clone, Copy, Debug)]
pub struct CallClock {
    origin: Instant,
    base: CallTime,
}

impl CallClock {
    /// A clock that reads zero at `origin`.
    #[must_use]
    pub const fn new(origin: Instant) -> Self {
        Self {
            origin,
            base: CallTime::ZERO,
        }
    }

    /// A clock that reads `base` at `origin`: for a call that began on another pod.
    #[must_use]
    pub const fn resumed(origin: Instant, base: CallTime) -> Self {
        Self { origin, base }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> CallTime {
        self.base + self.origin.elapsed()
    }

    /// The runtime's instant for a time of the call.
    #[must_use]
    pub fn instant(&self, at: CallTime) -> Instant {
        self.origin + at.since(self.base)
    }
}
