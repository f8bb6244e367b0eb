//! What can go wrong with a peer connection.

/// Kinds of media of an m-section.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum MediaType {
    /// Sound.
    Audio,
    /// Pictures: negotiated so that a peer's offer can be answered, never sent or decoded.
    Video,
    /// Data channels.
    Data,
    /// Anything else.
    Unsupported,
}

/// What a caller can do about an [`RtcError`].
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcErrorType {
    /// A fault below this crate: a socket, DTLS, the codec. Make a new connection.
    Internal,
    /// The description cannot be parsed or does not fit the session. Ask the peer for another.
    InvalidSdp,
    /// The call does not fit the present state, or the connection is closed.
    InvalidState,
    /// This crate does not do that (video, devices, end-to-end encryption).
    Unsupported,
}

/// An operation of this crate failed.
#[derive(thiserror::Error, Debug, Clone)]
#[error("{error_type:?}: {message}")]
pub struct RtcError {
    /// The kind, to decide on.
    pub error_type: RtcErrorType,
    /// The details, to log.
    pub message: String,
}

impl RtcError {
    pub(crate) fn sdp(message: impl Into<String>) -> Self {
        Self {
            error_type: RtcErrorType::InvalidSdp,
            message: message.into(),
        }
    }

    pub(crate) fn state(message: impl Into<String>) -> Self {
        Self {
            error_type: RtcErrorType::InvalidState,
            message: message.into(),
        }
    }

    pub(crate) fn unsupported(what: &str) -> Self {
        Self {
            error_type: RtcErrorType::Unsupported,
            message: format!("{what} is not supported"),
        }
    }

    pub(crate) fn closed() -> Self {
        Self::state("the peer connection is closed")
    }
}
