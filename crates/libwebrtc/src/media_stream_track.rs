//! A track of either kind.

use crate::audio_track::RtcAudioTrack;
use crate::enum_dispatch;
use crate::video_track::RtcVideoTrack;

/// Whether a track can still produce media.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcTrackState {
    /// It can.
    Live,
    /// Its source is gone for good.
    Ended,
}

/// Sound or pictures.
#[derive(Debug, Clone)]
pub enum MediaStreamTrack {
    /// Pictures (inert in this crate).
    Video(RtcVideoTrack),
    /// Sound.
    Audio(RtcAudioTrack),
}

impl MediaStreamTrack {
    enum_dispatch!(
        [Video, Audio];
        /// The id in the session description.
        pub fn id(self: &Self) -> String;
        /// Whether it is heard or seen.
        pub fn enabled(self: &Self) -> bool;
        /// Switches it; returns whether that changed anything.
        pub fn set_enabled(self: &Self, enabled: bool) -> bool;
        /// Whether it can still produce media.
        pub fn state(self: &Self) -> RtcTrackState;
    );
}

impl From<RtcAudioTrack> for MediaStreamTrack {
    fn from(track: RtcAudioTrack) -> Self {
        Self::Audio(track)
    }
}

impl From<RtcVideoTrack> for MediaStreamTrack {
    fn from(track: RtcVideoTrack) -> Self {
        Self::Video(track)
    }
}
