//! The receiving half of a transceiver.

use std::fmt;
use std::sync::Arc;

use crate::RtcError;
use crate::jsep::TransceiverCore;
use crate::media_stream::MediaStream;
use crate::media_stream_track::MediaStreamTrack;
use crate::rtp_parameters::RtpParameters;
use crate::stats::RtcStats;

/// Receives a track.
#[derive(Clone)]
pub struct RtpReceiver {
    pub(crate) core: Arc<TransceiverCore>,
}

impl RtpReceiver {
    /// What the peer sends here. Unlike in a browser this is a new track whenever the peer
    /// announces another one for the same section, so that listeners of the old one never hear the new.
    pub fn track(&self) -> Option<MediaStreamTrack> {
        self.core.state().receiver.track.clone()
    }

    /// Ids of [`Self::streams`].
    pub fn stream_ids(&self) -> Vec<String> {
        self.streams().iter().map(MediaStream::id).collect()
    }

    /// The streams of the track; empty while the peer does not send.
    pub fn streams(&self) -> Vec<MediaStream> {
        self.core.state().receiver.streams.clone()
    }

    /// Counters of this receiver.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the connection is closed.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        self.core.stats(false).await
    }

    /// Codec and header extensions.
    pub fn parameters(&self) -> RtpParameters {
        self.core.receiver_parameters()
    }
}

impl fmt::Debug for RtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpReceiver")
            .field("track", &self.track())
            .finish_non_exhaustive()
    }
}
