//! A track of pictures. Negotiated with the peer, never decoded.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::media_stream_track::RtcTrackState;
use crate::native::packet_trailer::PacketTrailerHandler;

/// A remote track whose packets are dropped, or a local one that cannot be sent.
#[derive(Clone)]
pub struct RtcVideoTrack {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    enabled: AtomicBool,
    ended: AtomicBool,
    trailer: Mutex<Option<PacketTrailerHandler>>,
}

impl RtcVideoTrack {
    pub(crate) fn new(id: &str) -> Self {
        let inner = Inner {
            id: id.to_owned(),
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            trailer: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn end(&self) {
        self.inner.ended.store(true, Ordering::Release);
    }

    /// The id in the session description.
    pub fn id(&self) -> String {
        self.inner.id.clone()
    }

    /// The flag of [`Self::set_enabled`].
    pub fn enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Acquire)
    }

    /// Sets a flag without further effect. Returns whether it changed.
    pub fn set_enabled(&self, enabled: bool) -> bool {
        self.inner.enabled.swap(enabled, Ordering::AcqRel) != enabled
    }

    /// `Ended` once its section stopped receiving.
    pub fn state(&self) -> RtcTrackState {
        if self.inner.ended.load(Ordering::Acquire) {
            RtcTrackState::Ended
        } else {
            RtcTrackState::Live
        }
    }

    /// Keeps the handler for [`Self::packet_trailer_handler`].
    pub fn set_packet_trailer_handler(&self, handler: PacketTrailerHandler) {
        *self.inner.trailer.lock() = Some(handler);
    }

    /// The handler set before.
    pub fn packet_trailer_handler(&self) -> Option<PacketTrailerHandler> {
        self.inner.trailer.lock().clone()
    }
}

impl fmt::Debug for RtcVideoTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtcVideoTrack")
            .field("id", &self.inner.id)
            .finish_non_exhaustive()
    }
}
