//! A pure-Rust stand-in for LiveKit's `libwebrtc` crate: audio and data over str0m and Opus.

mod audio;
pub mod audio_frame;
pub mod audio_source;
pub mod audio_stream;
pub mod audio_track;
pub mod media_stream_track;

#[doc(hidden)]
pub use audio::bench_support;

/// What kind of failure an [`RtcError`] is.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcErrorType {
    /// Everything else.
    Internal,
    /// A session description could not be understood.
    InvalidSdp,
    /// The operation does not fit the object's state.
    InvalidState,
}

/// The error of all fallible operations.
#[derive(thiserror::Error, Debug)]
#[error("an RtcError occurred: {error_type:?} - {message}")]
pub struct RtcError {
    /// What kind of failure it is.
    pub error_type: RtcErrorType,
    /// For humans.
    pub message: String,
}
