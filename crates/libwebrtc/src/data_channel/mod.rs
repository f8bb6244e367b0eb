//! Messages between peers.

mod channel;

use std::fmt;
use std::str::Utf8Error;
use std::sync::Arc;

use serde::Deserialize;

use crate::rtp_parameters::Priority;
pub(crate) use channel::{Channel, MAX_MESSAGE_SIZE, Message};

/// How a channel is set up.
#[derive(Clone, Debug)]
pub struct DataChannelInit {
    /// Messages arrive in the order they were sent.
    pub ordered: bool,
    /// Milliseconds after which a message is given up.
    pub max_retransmit_time: Option<i32>,
    /// Repetitions after which a message is given up.
    pub max_retransmits: Option<i32>,
    /// Name of an application protocol.
    pub protocol: String,
    /// Both sides create the channel with the same `id`; the network does not announce it.
    pub negotiated: bool,
    /// The stream number for `negotiated`, else -1.
    pub id: i32,
    /// Recorded, without effect.
    pub priority: Option<Priority>,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_retransmit_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: false,
            id: -1,
            priority: None,
        }
    }
}

/// A message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DataChannelError {
    /// The channel is not open, 16 MiB are waiting already, or the message is empty or over 64 KiB.
    #[error("the channel is not open, its buffer is full, or the message is empty or too long")]
    Send,
    /// A text message was not UTF-8.
    #[error("a text message must be UTF-8")]
    Utf8(#[from] Utf8Error),
}

/// Where a channel is in its life.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataChannelState {
    /// Not usable yet.
    Connecting,
    /// Usable.
    Open,
    /// Being closed.
    Closing,
    /// Gone.
    Closed,
}

/// A message.
#[derive(Debug)]
pub struct DataBuffer<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// Bytes or text.
    pub binary: bool,
}

/// Told each new state.
pub type OnStateChange = Box<dyn FnMut(DataChannelState) + Send + Sync>;
/// Given each message.
pub type OnMessage = Box<dyn FnMut(DataBuffer) + Send + Sync>;
/// Told how many bytes left the buffer; the numbers add up to the bytes given to [`DataChannel::send`].
pub type OnBufferedAmountChange = Box<dyn FnMut(u64) + Send + Sync>;

/// A channel of messages.
#[derive(Clone)]
pub struct DataChannel {
    pub(crate) inner: Arc<Channel>,
}

impl DataChannel {
    /// Queues a message. Never waits.
    ///
    /// # Errors
    /// [`DataChannelError`]; the message is then not sent at all.
    pub fn send(&self, data: &[u8], binary: bool) -> Result<(), DataChannelError> {
        if !binary {
            std::str::from_utf8(data)?;
        }
        self.inner.queue(Message {
            data: data.to_vec(),
            binary,
        })
    }

    /// The stream number, or -1 while there is none.
    pub fn id(&self) -> i32 {
        self.inner.id()
    }

    /// The name given at creation.
    pub fn label(&self) -> String {
        self.inner.label().to_owned()
    }

    /// Where the channel is in its life.
    pub fn state(&self) -> DataChannelState {
        self.inner.state()
    }

    /// Closes the channel. What is queued is dropped.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Bytes that wait for the network.
    pub fn buffered_amount(&self) -> u64 {
        self.inner.buffered_amount()
    }

    /// Sets the listener for states.
    pub fn on_state_change(&self, callback: Option<OnStateChange>) {
        self.inner.on_state_change.set(callback);
    }

    /// Sets the listener for messages. It is first given what came before it was there, on this thread.
    pub fn on_message(&self, callback: Option<OnMessage>) {
        let listens = callback.is_some();
        self.inner.on_message.set(callback);
        if listens {
            self.inner.deliver_inbox();
        }
    }

    /// Sets the listener for the buffer.
    pub fn on_buffered_amount_change(&self, callback: Option<OnBufferedAmountChange>) {
        self.inner.on_buffered_amount_change.set(callback);
    }
}

impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel")
            .field("id", &self.id())
            .field("label", &self.inner.label())
            .field("state", &self.state())
            .finish()
    }
}
