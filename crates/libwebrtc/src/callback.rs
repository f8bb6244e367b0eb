//! A slot for one user callback.

use parking_lot::{Mutex, ReentrantMutex};

/// Holds a callback that may be replaced at any time, also by itself while it runs.
///
/// The callback is taken out for the call, so no lock that a setter needs is held while user code
/// runs. Calls from several threads are made one after the other. A call made from inside the same
/// callback is dropped: it would need a second copy of it.
pub(crate) struct Callback<F: ?Sized> {
    slot: Mutex<Slot<F>>,
    calling: ReentrantMutex<()>,
}

struct Slot<F: ?Sized> {
    callback: Option<Box<F>>,
    /// Counts calls of `set`, so that a call in progress does not put back what was replaced.
    generation: u64,
}

impl<F: ?Sized> Default for Callback<F> {
    fn default() -> Self {
        let slot = Slot {
            callback: None,
            generation: 0,
        };
        Self {
            slot: Mutex::new(slot),
            calling: ReentrantMutex::new(()),
        }
    }
}

impl<F: ?Sized> Callback<F> {
    pub(crate) fn set(&self, callback: Option<Box<F>>) {
        let mut slot = self.slot.lock();
        slot.generation += 1;
        let old = std::mem::replace(&mut slot.callback, callback);
        drop(slot);
        drop(old); // may run user code
    }

    /// Calls `run` with the callback, if there is one.
    pub(crate) fn call(&self, run: impl FnOnce(&mut F)) {
        let _one_at_a_time = self.calling.lock();
        let (taken, generation) = {
            let mut slot = self.slot.lock();
            (slot.callback.take(), slot.generation)
        };
        let Some(mut callback) = taken else { return };
        run(&mut callback);
        let mut slot = self.slot.lock();
        if slot.generation == generation {
            slot.callback = Some(callback);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Callback;

    type Add = dyn FnMut(u32) + Send;

    fn adder(to: &Arc<AtomicU32>) -> Option<Box<Add>> {
        let to = to.clone();
        Some(Box::new(move |n| {
            to.fetch_add(n, Ordering::Relaxed);
        }))
    }

    #[test]
    fn calls_what_is_set_and_nothing_else() {
        let sum = Arc::new(AtomicU32::new(0));
        let slot = Callback::<Add>::default();
        slot.call(|f| f(1));
        slot.set(adder(&sum));
        slot.call(|f| f(2));
        slot.call(|f| f(3));
        slot.set(None);
        slot.call(|f| f(4));
        assert_eq!(sum.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn a_callback_may_replace_and_remove_itself() {
        let sum = Arc::new(AtomicU32::new(0));
        let slot = Arc::new(Callback::<Add>::default());
        let (inner, next) = (slot.clone(), adder(&sum));
        let mut next = Some(next);
        slot.set(Some(Box::new(move |_| inner.set(next.take().flatten()))));
        slot.call(|f| f(1));
        slot.call(|f| f(10));
        assert_eq!(sum.load(Ordering::Relaxed), 10);
    }
}
