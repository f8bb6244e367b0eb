//! Events on their way to a call that may be slow.

use std::collections::VecDeque;

use tokio::sync::mpsc;

/// Nobody reads the events any more.
pub(super) struct Deserted;

/// A bounded channel and the events that one message brought and that did not fit yet. Its owner reads no further message until
/// they did, so that the vendor waits, but may go on with everything else.
pub(super) struct Outbox<T> {
    events: mpsc::Sender<T>,
    pending: VecDeque<T>,
}

impl<T> Outbox<T> {
    pub(super) fn new(events: mpsc::Sender<T>) -> Self {
        Self {
            events,
            pending: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, event: T) {
        self.pending.push_back(event);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Drops pending events that this does not want to keep.
    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.pending.retain(keep);
    }

    /// Waits until one pending event fits. Cancel-safe.
    pub(super) async fn deliver_one(&mut self) -> Result<(), Deserted> {
        let permit = self.events.reserve().await.map_err(|_| Deserted)?;
        if let Some(event) = self.pending.pop_front() {
            permit.send(event);
        }
        Ok(())
    }

    /// Waits until all pending events fit.
    pub(super) async fn deliver_all(&mut self) -> Result<(), Deserted> {
        while !self.pending.is_empty() {
            self.deliver_one().await?;
        }
        Ok(())
    }
}
