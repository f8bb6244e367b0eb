//! Voice activity: Silero through ONNX Runtime, one engine for all calls of a pod.
//!
//! A call pushes its 20 ms frames into a [`VadHandle`], which cuts them into the model's windows of 32 ms. A dedicated thread
//! collects the windows of many calls, scores them in one inference and turns each call's scores into [`VadEvent`]s.
//!
//! **Delay.** `SpeechStarted` comes 64 ms of speech after its `at`, plus at most 31 ms until a frame ends the window and
//! [`engine::LINGER`] for the batch: about 70 to 100 ms. `SpeechEnded` comes 160 ms after its `last_voiced`, plus the same.
//! **Memory.** 1.3 KB of state and 1 KB of window per call.

pub mod engine;
mod model;
pub mod segment;
mod window;

use std::time::Duration;

use tokio::sync::mpsc;

pub use self::engine::{VadEngine, VadEvents, VadHandle, VadInput, VadStats};
use crate::domain::call_time::CallTime;

/// Samples that the model judges at a time.
pub const WINDOW_SAMPLES: usize = 512;
/// Their length at 16 kHz.
pub const WINDOW: Duration = Duration::from_millis(32);

/// What the caller's voice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VadEvent {
    /// The caller speaks since `at`.
    SpeechStarted {
        /// Start of the first voiced window.
        at: CallTime,
    },
    /// The caller is silent.
    SpeechEnded {
        /// End of the last voiced window: silence is counted from here.
        last_voiced: CallTime,
    },
}

/// Voice activity detection failed.
#[derive(Debug, thiserror::Error)]
pub enum VadError {
    /// ONNX Runtime could not be loaded.
    #[error("load onnx runtime")]
    Library(#[source] ort::LoadDynamicError),
    /// The model could not be loaded.
    #[error("load the voice-activity model")]
    Model(#[source] ort::Error),
    /// The inference thread could not be started.
    #[error("start the inference thread")]
    Thread(#[source] std::io::Error),
    /// An inference with this call's sound failed; the cause is in the log.
    #[error("voice-activity inference failed")]
    Inference,
    /// The engine is gone.
    #[error("the voice-activity engine stopped")]
    Stopped,
}

/// Events of one call that may wait; a call that leaves so many unread loses the rest, which is logged.
const EVENT_CAPACITY: usize = 64;

type EventSender = mpsc::Sender<Result<VadEvent, VadError>>;
