//! Audio tracks, local and remote.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

pub use crate::audio::stats::ReceiverStats;
use crate::{
    audio::{
        AudioError, opus_rate_for,
        sink::{Format, FrameQueue, Sink},
    },
    audio_source::native::NativeAudioSource,
    media_stream_track::RtcTrackState,
};

/// A track of sound. Clones are the same track.
#[derive(Clone)]
pub struct RtcAudioTrack {
    shared: Arc<Shared>,
}

struct Shared {
    id: String,
    enabled: AtomicBool,
    ended: AtomicBool,
    /// Only local tracks have one.
    source: Option<NativeAudioSource>,
    sinks: Mutex<Vec<Sink>>,
    stats: Mutex<ReceiverStats>,
}

impl RtcAudioTrack {
    /// A track that sends what `source` is given.
    pub(crate) fn local(id: String, source: NativeAudioSource) -> Self {
        Self::new(id, Some(source))
    }

    /// A track that plays what a peer sends; also a local one that has nothing to send.
    pub(crate) fn remote(id: String) -> Self {
        Self::new(id, None)
    }

    fn new(id: String, source: Option<NativeAudioSource>) -> Self {
        let shared = Shared {
            id,
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            source,
            sinks: Mutex::default(),
            stats: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The track's id, as `msid` names it in SDP.
    pub fn id(&self) -> String {
        self.shared.id.clone()
    }

    /// Whether the track is heard; a disabled one is silent.
    pub fn enabled(&self) -> bool {
        self.shared.enabled.load(Ordering::Relaxed)
    }

    /// Enables or mutes the track; `true` if that changed something.
    pub fn set_enabled(&self, enabled: bool) -> bool {
        self.shared.enabled.swap(enabled, Ordering::Relaxed) != enabled
    }

    /// Whether the track may still carry sound.
    pub fn state(&self) -> RtcTrackState {
        if self.shared.ended.load(Ordering::Acquire) {
            RtcTrackState::Ended
        } else {
            RtcTrackState::Live
        }
    }

    /// Loss, concealment and delay of a remote track, renewed every 100 ms while somebody listens to
    /// it; zeros for a local one. An extension over the original crate.
    pub fn concealment(&self) -> ReceiverStats {
        *self.shared.stats.lock()
    }

    /// Whether both are handles to one track.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn source(&self) -> Option<&NativeAudioSource> {
        self.shared.source.as_ref()
    }

    pub(crate) fn add_sink(&self, queue: Arc<FrameQueue>) {
        let mut sinks = self.shared.sinks.lock();
        // Looked at under the lock that `end` takes, so that no listener waits for ever.
        if self.state() == RtcTrackState::Ended {
            queue.close(true);
        } else {
            sinks.push(Sink::new(queue));
        }
    }

    pub(crate) fn remove_sink(&self, queue: &Arc<FrameQueue>) {
        self.shared
            .sinks
            .lock()
            .retain(|sink| !Arc::ptr_eq(&sink.queue, queue));
    }

    /// The format that costs the listeners the least conversion; `None` if there are none.
    pub(crate) fn wanted_format(&self) -> Option<Format> {
        let sinks = self.shared.sinks.lock();
        let formats = sinks.iter().map(|sink| sink.queue.format());
        formats
            .reduce(|a, b| Format {
                sample_rate: a.sample_rate.max(b.sample_rate),
                channels: a.channels.max(b.channels),
            })
            .map(|highest| Format {
                sample_rate: opus_rate_for(highest.sample_rate),
                channels: highest.channels.min(2),
            })
    }

    /// Hands 10 ms of interleaved sound to all listeners. What a slow listener misses is dropped and
    /// counted in its stream.
    ///
    /// # Errors
    /// [`AudioError`] if a listener's format cannot be made from this one.
    pub(crate) fn deliver(
        &self,
        pcm: &[i16],
        sample_rate: u32,
        channels: u32,
    ) -> Result<(), AudioError> {
        let format = Format {
            sample_rate,
            channels,
        };
        self.shared
            .sinks
            .lock()
            .iter_mut()
            .try_for_each(|sink| sink.deliver(format, pcm))
    }

    pub(crate) fn publish_stats(&self, stats: ReceiverStats) {
        *self.shared.stats.lock() = stats;
    }

    /// Ends the track: listeners get what is queued, then the end of their stream.
    pub(crate) fn end(&self) {
        let mut sinks = self.shared.sinks.lock();
        self.shared.ended.store(true, Ordering::Release);
        sinks.drain(..).for_each(|sink| sink.queue.close(true));
    }
}

impl fmt::Debug for RtcAudioTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtcAudioTrack")
            .field("id", &self.shared.id)
            .field("enabled", &self.enabled())
            .field("state", &self.state())
            .finish()
    }
}

#[cfg(test)]
#[path = "audio_track_tests.rs"]
mod tests;
