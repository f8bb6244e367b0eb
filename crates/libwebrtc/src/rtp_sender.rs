//! The sending half of a transceiver.

use std::fmt;
use std::sync::Arc;

use crate::RtcError;
use crate::jsep::TransceiverCore;
use crate::media_stream_track::MediaStreamTrack;
use crate::rtp_parameters::RtpParameters;
use crate::stats::RtcStats;

/// Preferred backend for video encoding. There is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoEncoderBackend {
    /// Whatever there is.
    #[default]
    Auto,
    /// On the CPU.
    Software,
    /// Any hardware.
    Hardware,
    /// NVIDIA.
    Nvenc,
    /// VA-API.
    Vaapi,
    /// Apple.
    VideoToolbox,
    /// Encoded by the application.
    PreEncoded,
}

impl VideoEncoderBackend {
    /// Empty: this crate encodes no video.
    pub fn list_available() -> impl IntoIterator<Item = VideoEncoderBackend> {
        []
    }
}

/// Sends a track.
#[derive(Clone)]
pub struct RtpSender {
    pub(crate) core: Arc<TransceiverCore>,
}

impl RtpSender {
    /// What is sent now.
    pub fn track(&self) -> Option<MediaStreamTrack> {
        self.core.state().sender.track.clone()
    }

    /// Counters of this sender.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the connection is closed.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        self.core.stats(true).await
    }

    /// Replaces what is sent, without negotiation, from the next 10 ms on.
    ///
    /// # Errors
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) for video.
    pub fn set_track(&self, track: Option<MediaStreamTrack>) -> Result<(), RtcError> {
        if matches!(track, Some(MediaStreamTrack::Video(_))) {
            return Err(RtcError::unsupported("sending video"));
        }
        self.core.state().sender.track = track;
        self.core.wake();
        Ok(())
    }

    /// Codec, encodings and control settings.
    pub fn parameters(&self) -> RtpParameters {
        self.core.sender_parameters()
    }

    /// Takes over `encodings[0].active`, the rest is recorded.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the number of encodings changed.
    pub fn set_parameters(&self, parameters: RtpParameters) -> Result<(), RtcError> {
        let mut state = self.core.state();
        if parameters.encodings.len() != state.sender.encodings.len() {
            return Err(RtcError::state("the number of encodings cannot change"));
        }
        state.sender.encodings = parameters.encodings;
        Ok(())
    }

    /// Has no effect.
    pub fn set_video_encoder_backend(&self, _backend: VideoEncoderBackend) {}

    /// Stops or resumes sending, whatever the track.
    pub(crate) fn block(&self, blocked: bool) {
        self.core.state().sender.blocked = blocked;
    }
}

impl fmt::Debug for RtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpSender")
            .field("track", &self.track())
            .finish_non_exhaustive()
    }
}
