//! Connections that are no use any more are thrown away, all at once.
//!
//! After a failover behind one address, or a migration, every connection of the pool has the same defect, and the pool's own test (`does it answer?`) does not show
//! it. So the first operation that meets the defect retires all connections that are older than its find; the pool then closes each of them when it is asked for
//! one.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// A connection so young that is read-only says that there is no server to write to just now: more connections would show the same.
const YOUNG: Duration = Duration::from_secs(1);

/// When the pool's connections were last retired; a cheap clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Retirement {
    last: Arc<Mutex<Last>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    at: Option<Instant>,
    /// Grows by one each time.
    generation: u64,
}

/// Which connections an operation may have got: those that were not retired when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(u64);

impl Retirement {
    /// Before an operation takes a connection.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.last.lock().generation)
    }

    /// An operation of this generation met a connection that is no use. Nothing happens if they were retired since.
    pub(super) fn retire(&self, met_by: Generation, now: Instant) {
        let mut last = self.last.lock();
        if last.generation == met_by.0 {
            last.generation += 1;
            last.at = Some(now);
        }
    }

    /// Whether another connection may do better than the read-only one that an operation of this generation met: that one may be old, or there may be a new primary
    /// by now. If so, the old ones are retired.
    pub(super) fn retire_read_only(&self, met_by: Generation, now: Instant) -> bool {
        let last = *self.last.lock();
        if last.generation != met_by.0 {
            return true;
        }
        if last.at.is_some_and(|at| now.duration_since(at) < YOUNG) {
            return false;
        }
        self.retire(met_by, now);
        true
    }

    /// Whether a connection of this age may still be used.
    pub(super) fn spares(&self, age: Duration, now: Instant) -> bool {
        let retired = self.last.lock().at;
        retired.is_none_or(|at| age < now.duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_find_retires_what_is_older_and_spares_what_comes_after() {
        let (retirement, start) = (Retirement::default(), Instant::now());
        let met_by = retirement.generation();
        assert!(retirement.spares(60 * SECOND, start));
        retirement.retire(met_by, start);
        assert!(!retirement.spares(60 * SECOND, start));
        assert!(!retirement.spares(6 * SECOND, start + 5 * SECOND));
        assert!(retirement.spares(4 * SECOND, start + 5 * SECOND));
    }

    #[test]
    fn twelve_finds_at_once_are_one_retirement() {
        let (retirement, start) = (Retirement::default(), Instant::now());
        let met_by: Vec<_> = (0..12).map(|_| retirement.generation()).collect();
        for (nth, met_by) in (0_u32..).zip(met_by) {
            assert!(retirement.retire_read_only(met_by, start + nth * SECOND));
        }
        assert!(
            retirement.spares(SECOND, start + 2 * SECOND),
            "only the first find retired connections"
        );
    }

    #[test]
    fn a_young_connection_that_is_read_only_is_believed_for_a_second() {
        let (retirement, start) = (Retirement::default(), Instant::now());
        assert!(retirement.retire_read_only(retirement.generation(), start));
        let fresh = retirement.generation();
        assert!(!retirement.retire_read_only(fresh, start + SECOND / 2));
        assert!(retirement.retire_read_only(fresh, start + 2 * SECOND));
    }
}
