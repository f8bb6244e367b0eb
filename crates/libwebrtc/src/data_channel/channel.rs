//! What a channel's handle and the engine share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{DataBuffer, DataChannelError, DataChannelInit, DataChannelState};
use crate::callback::Callback;

/// Bytes that may wait for the network; then sending fails.
const MAX_OUTBOX: usize = 16 * 1024 * 1024;

/// The longest message to send, in bytes: what every peer takes (RFC 8841).
pub(crate) const MAX_MESSAGE_SIZE: usize = 64 * 1024;

/// Messages that are kept for a channel nobody listens to yet; then new ones are dropped with a warning.
const MAX_INBOX: usize = 1024;

/// One channel: its queues, its state and its listeners.
pub(crate) struct Channel {
    label: String,
    pub(crate) init: DataChannelInit,
    id: AtomicI32,
    state: Mutex<DataChannelState>,
    outbox: Mutex<Outbox>,
    inbox: Mutex<VecDeque<Message>>,
    pub(super) on_state_change: Callback<dyn FnMut(DataChannelState) + Send + Sync>,
    pub(super) on_message: Callback<dyn FnMut(DataBuffer) + Send + Sync>,
    pub(super) on_buffered_amount_change: Callback<dyn FnMut(u64) + Send + Sync>,
    wake: Arc<Notify>,
}

pub(crate) struct Message {
    pub(crate) data: Vec<u8>,
    pub(crate) binary: bool,
}

#[derive(Default)]
struct Outbox {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Channel {
    pub(crate) fn new(label: &str, init: DataChannelInit, wake: Arc<Notify>) -> Arc<Self> {
        let id = if init.negotiated { init.id } else { -1 };
        Arc::new(Self {
            label: label.to_owned(),
            init,
            id: AtomicI32::new(id),
            state: Mutex::new(DataChannelState::Connecting),
            outbox: Mutex::default(),
            inbox: Mutex::default(),
            on_state_change: Callback::default(),
            on_message: Callback::default(),
            on_buffered_amount_change: Callback::default(),
            wake,
        })
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn state(&self) -> DataChannelState {
        *self.state.lock()
    }

    pub(super) fn id(&self) -> i32 {
        self.id.load(Ordering::Acquire)
    }

    pub(super) fn buffered_amount(&self) -> u64 {
        self.outbox.lock().bytes as u64
    }

    pub(crate) fn set_id(&self, id: u16) {
        self.id.store(i32::from(id), Ordering::Release);
    }

    /// Moves on and tells the listener, unless the channel is further already.
    pub(crate) fn advance(&self, to: DataChannelState) {
        let mut state = self.state.lock();
        if (*state as u8) >= (to as u8) {
            return;
        }
        *state = to;
        drop(state);
        if to == DataChannelState::Closed {
            *self.outbox.lock() = Outbox::default();
        }
        self.on_state_change.call(|f| f(to));
    }

    pub(super) fn queue(&self, message: Message) -> Result<(), DataChannelError> {
        // str0m does not send empty messages: to take one would be to lose it.
        let fits = (1..=MAX_MESSAGE_SIZE).contains(&message.data.len());
        if self.state() != DataChannelState::Open || !fits {
            return Err(DataChannelError::Send);
        }
        let mut outbox = self.outbox.lock();
        if outbox.bytes + message.data.len() > MAX_OUTBOX {
            return Err(DataChannelError::Send);
        }
        outbox.bytes += message.data.len();
        outbox.messages.push_back(message);
        drop(outbox);
        self.wake.notify_one();
        Ok(())
    }

    pub(super) fn close(&self) {
        self.advance(DataChannelState::Closing);
        self.wake.notify_one();
    }

    /// Hands queued messages to `send` until it refuses one. Each that it takes is reported as gone from the buffer.
    pub(crate) fn drain(&self, mut send: impl FnMut(&Message) -> bool) {
        loop {
            // Only the engine takes messages out, so the front stays the front while unlocked.
            let Some(message) = self.outbox.lock().messages.pop_front() else {
                return;
            };
            if !send(&message) {
                self.outbox.lock().messages.push_front(message);
                return;
            }
            let sent = message.data.len();
            self.outbox.lock().bytes -= sent;
            self.on_buffered_amount_change.call(|f| f(sent as u64));
        }
    }

    /// Gives a message to the listener, or keeps it until there is one.
    pub(crate) fn deliver(&self, message: Message) {
        {
            let mut inbox = self.inbox.lock();
            if inbox.len() >= MAX_INBOX {
                tracing::warn!(
                    label = self.label,
                    "message dropped: nobody listens to the channel"
                );
                return;
            }
            inbox.push_back(message);
        }
        self.deliver_inbox();
    }

    pub(super) fn deliver_inbox(&self) {
        self.on_message.call(|listener| {
            loop {
                let Some(message) = self.inbox.lock().pop_front() else {
                    return;
                };
                listener(DataBuffer {
                    data: &message.data,
                    binary: message.binary,
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::super::DataChannel;
    use super::*;

    fn channel() -> DataChannel {
        let wake = Arc::new(Notify::new());
        DataChannel {
            inner: Channel::new("test", DataChannelInit::default(), wake),
        }
    }

    #[test]
    fn reported_amounts_add_up_to_what_was_sent() {
        let channel = channel();
        let total = Arc::new(AtomicU64::new(0));
        let sum = total.clone();
        channel.on_buffered_amount_change(Some(Box::new(move |n| {
            sum.fetch_add(n, Ordering::Relaxed);
        })));
        channel.inner.advance(DataChannelState::Open);
        let sizes = [1, 7, 1000, 60_000, 12];
        for size in sizes {
            channel.send(&vec![7; size], true).expect("open");
        }
        assert_eq!(
            channel.buffered_amount(),
            sizes.iter().sum::<usize>() as u64
        );
        let mut room = 1;
        channel.inner.drain(|_| {
            room -= 1;
            room >= 0
        });
        assert_eq!(total.load(Ordering::Relaxed), 1);
        channel.inner.drain(|_| true);
        assert_eq!(
            total.load(Ordering::Relaxed),
            sizes.iter().sum::<usize>() as u64
        );
        assert_eq!(channel.buffered_amount(), 0);
    }

    #[test]
    fn messages_are_refused_when_closed_too_long_or_too_many() {
        let channel = channel();
        assert!(channel.send(b"early", true).is_err());
        channel.inner.advance(DataChannelState::Open);
        assert!(matches!(
            channel.send(&[0xff], false),
            Err(DataChannelError::Utf8(_))
        ));
        assert!(channel.send(&vec![0; MAX_MESSAGE_SIZE + 1], true).is_err());
        assert!(channel.send(b"", true).is_err());
        let full = (0..1000).find(|_| channel.send(&vec![0; MAX_MESSAGE_SIZE], true).is_err());
        assert_eq!(full, Some(MAX_OUTBOX / MAX_MESSAGE_SIZE));
        channel.close();
        assert_eq!(channel.state(), DataChannelState::Closing);
        assert!(channel.send(b"late", true).is_err());
    }

    #[test]
    fn what_came_before_the_listener_is_kept_in_order() {
        let channel = channel();
        for n in 0..3 {
            channel.inner.deliver(Message {
                data: vec![n],
                binary: true,
            });
        }
        let got = Arc::new(Mutex::new(Vec::new()));
        let to = got.clone();
        channel.on_message(Some(Box::new(move |m| to.lock().push(m.data[0]))));
        channel.inner.deliver(Message {
            data: vec![3],
            binary: true,
        });
        assert_eq!(*got.lock(), [0, 1, 2, 3]);
    }
}
