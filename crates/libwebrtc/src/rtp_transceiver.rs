//! One m-section's sender and receiver.

use std::fmt;
use std::sync::Arc;

use crate::RtcError;
use crate::jsep::TransceiverCore;
use crate::rtp_parameters::{RtpCodecCapability, RtpEncodingParameters};
use crate::rtp_receiver::RtpReceiver;
use crate::rtp_sender::RtpSender;

/// How a transceiver starts out.
#[derive(Debug, Clone)]
pub struct RtpTransceiverInit {
    /// Who sends.
    pub direction: RtpTransceiverDirection,
    /// The streams that the sent track belongs to; the first one is announced.
    pub stream_ids: Vec<String>,
    /// For audio at most one; its `max_bitrate` is the encoder's target.
    pub send_encodings: Vec<RtpEncodingParameters>,
}

/// Who sends, from this side's point of view.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtpTransceiverDirection {
    /// Both.
    SendRecv,
    /// This side.
    SendOnly,
    /// The peer.
    RecvOnly,
    /// Nobody.
    Inactive,
    /// Nobody, ever again.
    Stopped,
}

/// A sender and a receiver that share an m-section.
#[derive(Clone)]
pub struct RtpTransceiver {
    pub(crate) core: Arc<TransceiverCore>,
}

impl RtpTransceiver {
    /// The section's id, once it is in a description.
    pub fn mid(&self) -> Option<String> {
        self.core.state().mid.clone()
    }

    /// What was negotiated last.
    pub fn current_direction(&self) -> Option<RtpTransceiverDirection> {
        self.core.state().current_direction
    }

    /// What the next offer will ask for.
    pub fn direction(&self) -> RtpTransceiverDirection {
        self.core.state().direction
    }

    /// The sending half.
    pub fn sender(&self) -> RtpSender {
        RtpSender {
            core: self.core.clone(),
        }
    }

    /// The receiving half.
    pub fn receiver(&self) -> RtpReceiver {
        RtpReceiver {
            core: self.core.clone(),
        }
    }

    /// Checks that Opus is among the preferences; there is nothing else to prefer.
    ///
    /// # Errors
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) if the list is not empty and has no codec this crate speaks.
    pub fn set_codec_preferences(&self, codecs: Vec<RtpCodecCapability>) -> Result<(), RtcError> {
        let known = |codec: &RtpCodecCapability| codec.mime_type.eq_ignore_ascii_case("audio/opus");
        if codecs.is_empty() || codecs.iter().any(known) {
            Ok(())
        } else {
            Err(RtcError::unsupported("any codec but Opus"))
        }
    }

    /// Gives the section up. Takes effect with the next negotiation.
    ///
    /// # Errors
    /// None at present.
    pub fn stop(&self) -> Result<(), RtcError> {
        let mut state = self.core.state();
        state.direction = RtpTransceiverDirection::Stopped;
        state.sender.track = None;
        Ok(())
    }
}

impl fmt::Debug for RtpTransceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpTransceiver")
            .field("mid", &self.mid())
            .field("direction", &self.direction())
            .finish_non_exhaustive()
    }
}
