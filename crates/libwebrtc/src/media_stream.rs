//! Groups of tracks of one sender.

use std::fmt;
use std::sync::Arc;

use crate::audio_track::RtcAudioTrack;
use crate::media_stream_track::MediaStreamTrack;
use crate::video_track::RtcVideoTrack;

/// Tracks that the peer put under one stream id.
#[derive(Clone)]
pub struct MediaStream {
    id: Arc<str>,
    tracks: Arc<[MediaStreamTrack]>,
}

impl MediaStream {
    pub(crate) fn new(id: &str, track: MediaStreamTrack) -> Self {
        Self {
            id: id.into(),
            tracks: Arc::new([track]),
        }
    }

    /// The id that the peer chose.
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// The sound in it.
    pub fn audio_tracks(&self) -> Vec<RtcAudioTrack> {
        let audio = |track: &MediaStreamTrack| match track {
            MediaStreamTrack::Audio(track) => Some(track.clone()),
            MediaStreamTrack::Video(_) => None,
        };
        self.tracks.iter().filter_map(audio).collect()
    }

    /// The pictures in it.
    pub fn video_tracks(&self) -> Vec<RtcVideoTrack> {
        let video = |track: &MediaStreamTrack| match track {
            MediaStreamTrack::Video(track) => Some(track.clone()),
            MediaStreamTrack::Audio(_) => None,
        };
        self.tracks.iter().filter_map(video).collect()
    }
}

impl fmt::Debug for MediaStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaStream")
            .field("id", &self.id)
            .field("tracks", &self.tracks)
            .finish()
    }
}
