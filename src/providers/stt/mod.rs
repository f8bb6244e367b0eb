//! Speech to text.

pub mod deepgram;

use std::time::Duration;

use tokio::sync::mpsc;

use super::{BoxFuture, ProviderError};
use crate::{
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    media::frame::AudioFrame,
};

/// A streaming recogniser.
pub trait SpeechToText: Send + Sync {
    /// Opens a stream; returns when the vendor accepted it. The stream's task ends when `input` is dropped or closed.
    ///
    /// # Errors
    /// [`ProviderError`] when the handshake fails or is late.
    fn open(&self, request: SttRequest) -> BoxFuture<'_, Result<SttStream, ProviderError>>;
}

/// How to recognise.
#[derive(Clone, Debug)]
pub struct SttRequest {
    /// Names worth knowing: practitioners, payers, plans. Not patients.
    pub keyterms: Vec<String>,
    /// Silence after which the vendor finalises by itself.
    pub endpointing: Duration,
}

/// An open stream. `input` holds at most [`INPUT_CAPACITY`] items: when full the shell drops audio and counts it.
#[derive(Debug)]
pub struct SttStream {
    /// Sound and orders to the vendor.
    pub input: mpsc::Sender<SttInput>,
    /// What it heard; ends after `Closed`.
    pub events: mpsc::Receiver<SttEvent>,
}

/// Two seconds of 20 ms frames.
pub const INPUT_CAPACITY: usize = 100;

/// Sound and orders.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is a frame: a box would be an allocation each 20 ms"
)]
pub enum SttInput {
    /// 20 ms of the caller.
    Audio(AudioFrame),
    /// Give the final transcript of what you have now.
    Finalize,
    /// The call is over.
    Close,
}

/// What the recogniser says.
#[derive(Debug)]
pub enum SttEvent {
    /// It hears a voice.
    SpeechStarted,
    /// It understood something.
    Transcript(Transcript),
    /// The gap after a word exceeds the utterance limit. The message may come late, when the caller speaks again already.
    UtteranceEnd {
        /// End of that word on the call's clock; none if the vendor names none.
        last_word_end: Option<CallTime>,
    },
    /// The stream is gone. `Ok` after `Close`.
    Closed(Result<(), ProviderError>),
}

/// A piece of transcript. Interim pieces replace each other; final ones are appended.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The text; may be empty, even when final.
    pub text: Phi<String>,
    /// Its words with times on the call's clock (vendor stream time mapped by the driver) and confidences.
    pub words: Vec<Word>,
    /// It will not change.
    pub is_final: bool,
    /// The vendor's endpointing fired.
    pub speech_final: bool,
    /// It answers our `Finalize`.
    pub from_finalize: bool,
}
