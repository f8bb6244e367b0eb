//! An open stream of the synthesiser, told its orders as it takes them.

use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;

use super::orders::Orders;
use crate::{
    domain::call_time::CallTime,
    providers::tts::{TtsEvent, TtsStream},
};

/// A stream that takes no order for so long is as good as gone. The vendor's task gives up its socket sooner, so this one hangs.
const STUCK: Duration = Duration::from_secs(3);

/// An open stream and what it still has to be told.
pub(super) struct Stream {
    pub(super) ends: TtsStream,
    pub(super) orders: Orders,
    /// Since when it has taken no order.
    stuck_since: Option<CallTime>,
}

impl Stream {
    pub(super) fn new(ends: TtsStream) -> Self {
        Self {
            ends,
            orders: Orders::default(),
            stuck_since: None,
        }
    }

    /// Tells as much as the stream takes. False if it is gone, or was told for too long in vain.
    pub(super) fn tell(&mut self, now: CallTime) -> bool {
        while self.orders.is_waiting() {
            match self.ends.input.try_reserve() {
                Ok(place) => {
                    if let Some(order) = self.orders.pop() {
                        place.send(order);
                    }
                    self.stuck_since = None;
                }
                Err(TrySendError::Closed(())) => return false,
                Err(TrySendError::Full(())) => {
                    let since = *self.stuck_since.get_or_insert(now);
                    return now.since(since) < STUCK;
                }
            }
        }
        self.stuck_since = None;
        true
    }

    /// The next event; meanwhile tells what waits. Cancel-safe.
    pub(super) async fn next(&mut self) -> TtsEvent {
        loop {
            let input = &self.ends.input;
            tokio::select! {
                biased;
                event = self.ends.events.recv() => return event.unwrap_or(TtsEvent::Closed(Ok(()))),
                place = input.reserve(), if self.orders.is_waiting() && !input.is_closed() => {
                    if let (Ok(place), Some(order)) = (place, self.orders.pop()) {
                        place.send(order);
                    }
                }
            }
        }
    }
}
