//! How many calls the pod takes: an exact counter, never an estimate from CPU load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

/// The pod's slots. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Slots {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    max: u32,
    used: AtomicU32,
    draining: AtomicBool,
}

impl Slots {
    /// So many slots, all free.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                max,
                used: AtomicU32::new(0),
                draining: AtomicBool::new(false),
            }),
        }
    }

    /// Takes a slot; `None` when all are taken or the pod drains.
    #[must_use]
    pub fn reserve(&self) -> Option<Slot> {
        if self.is_draining() {
            return None;
        }
        let take = |used: u32| (used < self.shared.max).then_some(used + 1);
        self.shared
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take)
            .ok()?;
        Some(Slot {
            shared: Arc::clone(&self.shared),
        })
    }

    /// Gives out no more slots.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Release);
    }

    /// No more slots are given out.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
    }

    /// Slots taken.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.shared.used.load(Ordering::Acquire)
    }

    /// Slots left; none while draining.
    #[must_use]
    pub fn free(&self) -> u32 {
        if self.is_draining() {
            0
        } else {
            self.shared.max - self.used()
        }
    }

    /// Share of slots taken, 0 to 1: LiveKit never chooses a worker at 1.
    #[must_use]
    pub fn load(&self) -> f32 {
        if self.free() == 0 {
            return 1.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "slot counts are far below 2^24")]
        let share = self.used() as f32 / self.shared.max as f32;
        share
    }
}

/// A taken slot; dropping it frees it, also when a call panics.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.used.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_never_gives_out_more_slots_than_it_has() {
        let slots = Slots::new(20);
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..10).filter_map(|_| slots.reserve()).collect::<Vec<_>>())
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|t| t.join().expect("no panic"))
                .collect::<Vec<_>>()
        });
        assert_eq!(taken.len(), 20);
        assert!((slots.load() - 1.0).abs() < f32::EPSILON);
        drop(taken);
        assert_eq!(slots.used(), 0);
    }

    #[test]
    fn a_draining_pod_is_full_at_once() {
        let slots = Slots::new(5);
        let held = slots.reserve();
        slots.drain();
        assert!(held.is_some() && slots.reserve().is_none());
        assert_eq!((slots.free(), slots.used()), (0, 1));
        assert!((slots.load() - 1.0).abs() < f32::EPSILON);
    }
}
