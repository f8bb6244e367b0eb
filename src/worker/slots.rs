//! How many calls the pod takes: an exact counter under a ceiling. The ceiling moves with what the pod measures of itself ([`super::capacity`]); the counter never
//! follows an estimate.

use std::sync::Arc;

use tokio::sync::watch;

/// The pod's slots. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Slots {
    max: u32,
    most_promised: usize,
    /// Changed under its lock, which is held for a comparison and an addition.
    counts: Arc<watch::Sender<Counts>>,
}

/// The slots at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Slots taken.
    pub used: u32,
    /// Slots that the pod lets be taken at the most; calls that run beyond it go on.
    pub offered: u32,
    /// No more slots are given out.
    pub is_draining: bool,
}

impl Counts {
    /// Slots left; none while draining.
    #[must_use]
    pub const fn free(self) -> u32 {
        if self.is_draining {
            0
        } else {
            self.offered.saturating_sub(self.used)
        }
    }
}

impl Slots {
    /// So many slots, all free and all offered.
    #[must_use]
    pub fn new(max: u32) -> Self {
        let counts = Counts {
            used: 0,
            offered: max,
            is_draining: false,
        };
        Self {
            max,
            most_promised: max as usize,
            counts: Arc::new(watch::Sender::new(counts)),
        }
    }

    /// One LiveKit project may hold so many of them by jobs that were offered and are not assigned: one that offers and never assigns must not take the pod away from
    /// the others.
    #[must_use]
    pub fn with_most_promised(self, most_promised: usize) -> Self {
        Self {
            most_promised,
            ..self
        }
    }

    /// See [`Self::with_most_promised`]; all of them if nothing was said.
    #[must_use]
    pub const fn most_promised(&self) -> usize {
        self.most_promised
    }

    /// Takes a slot; `None` when all that are offered are taken or the pod drains.
    #[must_use]
    pub fn reserve(&self) -> Option<Slot> {
        let taken = self.counts.send_if_modified(|counts| {
            let has_room = counts.free() > 0;
            counts.used += u32::from(has_room);
            has_room
        });
        taken.then(|| Slot {
            counts: Arc::clone(&self.counts),
        })
    }

    /// Offers so many slots from now on, at most as many as there are. Calls that run are not touched.
    pub fn offer(&self, slots: u32) {
        let offered = slots.min(self.max);
        self.counts.send_if_modified(|counts| {
            let is_new = counts.offered != offered;
            counts.offered = offered;
            is_new
        });
    }

    /// Gives out no more slots.
    pub fn drain(&self) {
        self.counts
            .send_if_modified(|counts| !std::mem::replace(&mut counts.is_draining, true));
    }

    /// As they are now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Learns of each change; several changes at once are one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Counts> {
        self.counts.subscribe()
    }

    /// Slots that there are.
    #[must_use]
    pub const fn max(&self) -> u32 {
        self.max
    }

    /// No more slots are given out.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.counts().is_draining
    }

    /// Slots taken.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.counts().used
    }

    /// Slots left; none while draining.
    #[must_use]
    pub fn free(&self) -> u32 {
        self.counts().free()
    }

    /// What LiveKit is told: 1 for a full pod, which it then never chooses; below [`MOST_WITH_ROOM`] while a slot is free, more the more are taken.
    #[must_use]
    pub fn load(&self) -> f32 {
        let counts = self.counts();
        if counts.free() == 0 {
            return 1.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "slot counts are far below 2^24")]
        let share = counts.used as f32 / counts.offered as f32;
        share * MOST_WITH_ROOM
    }
}

/// A LiveKit node whose workers all report its `agents.target_load` (0.7) or more does not ask them for a job, though they have room.
const MOST_WITH_ROOM: f32 = 0.6;

/// A taken slot; dropping it frees it, also when a call panics.
#[derive(Debug)]
pub struct Slot {
    counts: Arc<watch::Sender<Counts>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.counts.send_modify(|counts| counts.used -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_full(slots: &Slots) -> bool {
        (slots.load() - 1.0).abs() < f32::EPSILON && slots.reserve().is_none()
    }

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
        assert!(is_full(&slots));
        drop(taken);
        assert_eq!(slots.used(), 0);
    }

    #[test]
    fn a_pod_with_one_slot_left_is_still_asked() {
        let slots = Slots::new(5);
        let mut held = Vec::new();
        let mut last = -1.0;
        while slots.free() > 0 {
            assert!(
                slots.load() > last && slots.load() < 0.7,
                "{}",
                slots.load()
            );
            last = slots.load();
            held.extend(slots.reserve());
        }
        assert!(is_full(&slots));
    }

    #[test]
    fn a_draining_pod_is_full_at_once_and_stays_so() {
        let slots = Slots::new(5);
        let held = slots.reserve();
        slots.drain();
        slots.offer(5);
        assert!(held.is_some() && is_full(&slots));
        assert_eq!((slots.free(), slots.used()), (0, 1));
    }

    #[test]
    fn a_lower_offer_ends_no_call_and_a_higher_one_is_taken_again() {
        let slots = Slots::new(4);
        let mut held: Vec<Slot> = (0..3).filter_map(|_| slots.reserve()).collect();
        slots.offer(2);
        assert!(is_full(&slots));
        assert_eq!((slots.used(), slots.free()), (3, 0));
        held.pop();
        assert!(is_full(&slots), "two run and two are offered");
        held.pop();
        assert_eq!(slots.free(), 1);
        slots.offer(9);
        assert_eq!(slots.free(), 3, "no more than there are");
    }

    #[test]
    fn who_watches_learns_of_what_changed_and_of_nothing_else() {
        let slots = Slots::new(1);
        let mut changes = slots.changes();
        slots.offer(1);
        assert!(!changes.has_changed().expect("the slots live"));
        let held = slots.reserve();
        let refused = slots.reserve();
        drop(held);
        assert!(refused.is_none());
        assert_eq!(changes.borrow_and_update().used, 0);
        assert!(!changes.has_changed().expect("the slots live"));
    }
}
