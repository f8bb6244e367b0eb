//! Text to speech.

pub mod deepgram;

use tokio::sync::mpsc;

use super::{BoxFuture, ProviderError};
use crate::domain::phi::Phi;

/// A streaming synthesiser.
pub trait TextToSpeech: Send + Sync {
    /// Opens a stream; returns when the vendor accepted it. The stream's task ends when `input` is dropped or closed.
    ///
    /// # Errors
    /// [`ProviderError`] when the handshake fails or is late.
    fn open(&self, request: TtsRequest) -> BoxFuture<'_, Result<TtsStream, ProviderError>>;
}

/// How to speak.
#[derive(Clone, Debug)]
pub struct TtsRequest {
    /// The vendor's voice; the configured default if none.
    pub voice: Option<String>,
}

/// An open stream.
#[derive(Debug)]
pub struct TtsStream {
    /// Text and orders; capacity 64, the sender waits.
    pub input: mpsc::Sender<TtsInput>,
    /// Sound; capacity 64, the driver waits (the socket pushes back on the vendor).
    pub events: mpsc::Receiver<TtsEvent>,
}

/// Text and orders.
#[derive(Debug)]
pub enum TtsInput {
    /// A speakable piece: a sentence or so.
    Speak(Phi<String>),
    /// The utterance's text is complete: synthesise all of it, answer [`TtsEvent::Flushed`].
    Flush,
    /// Drop text and sound (barge-in); answered by [`TtsEvent::Cleared`], no older sound comes after it.
    Clear,
    /// The call is over.
    Close,
}

/// What the synthesiser delivers.
#[derive(Debug)]
pub enum TtsEvent {
    /// Mono PCM at 16 kHz, any length.
    Audio(Vec<i16>),
    /// All sound up to a `Flush` was delivered.
    Flushed,
    /// `Clear` was done.
    Cleared,
    /// The stream is gone. `Ok` after `Close`.
    Closed(Result<(), ProviderError>),
}
