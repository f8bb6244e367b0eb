//! Metadata behind video frames. Inert: there are no video frames.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::peer_connection_factory::PeerConnectionFactory;
use crate::rtp_receiver::RtpReceiver;
use crate::rtp_sender::RtpSender;

/// How far a local frame got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishTimingStage {
    /// Handed to the encoder.
    EncoderUpload,
    /// Left the encoder.
    EncoderOutput,
    /// Handed to the packetiser.
    WebrtcPacketize,
}

/// How far a remote frame got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscribeTimingStage {
    /// Put together from packets.
    WebrtcReceive,
    /// Handed to the decoder.
    DecoderUpload,
    /// Left the decoder.
    DecoderOutput,
}

/// A local frame reached a stage. Never emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishTimingEvent {
    /// The stage.
    pub stage: PublishTimingStage,
    /// When, in microseconds since the Unix epoch.
    pub timestamp_us: u64,
    /// When the frame was captured, in microseconds since the Unix epoch.
    pub capture_timestamp_us: u64,
    /// The application's number of the frame.
    pub frame_id: Option<u32>,
}

/// A remote frame reached a stage. Never emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscribeTimingEvent {
    /// The stage.
    pub stage: SubscribeTimingStage,
    /// When, in microseconds since the Unix epoch.
    pub timestamp_us: u64,
    /// When the frame was captured, in microseconds since the Unix epoch.
    pub capture_timestamp_us: u64,
    /// The application's number of the frame.
    pub frame_id: Option<u32>,
}

/// Receives [`PublishTimingEvent`]s.
pub type PublishTimingObserver = Arc<dyn Fn(PublishTimingEvent) + Send + Sync + 'static>;
/// Receives [`SubscribeTimingEvent`]s.
pub type SubscribeTimingObserver = Arc<dyn Fn(SubscribeTimingEvent) + Send + Sync + 'static>;

/// A handler that never sees a frame.
#[derive(Clone, Default)]
pub struct PacketTrailerHandler {
    enabled: Arc<AtomicBool>,
}

impl fmt::Debug for PacketTrailerHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketTrailerHandler")
            .field("enabled", &self.enabled())
            .finish()
    }
}

impl PacketTrailerHandler {
    /// Sets the flag that [`Self::enabled`] returns.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Release);
    }

    /// The flag set before.
    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire)
    }

    /// Always `None`: no frame carries metadata.
    pub fn lookup_frame_metadata(&self, _rtp_timestamp: u32) -> Option<(u64, u32, Vec<u8>)> {
        None
    }

    /// Drops the metadata.
    pub fn store_frame_metadata(
        &self,
        _capture_timestamp_us: i64,
        _user_timestamp: u64,
        _frame_id: u32,
        _user_data: &[u8],
    ) {
    }

    /// Drops the observer: it would never be called.
    pub fn set_publish_timing_observer(&self, _observer: Option<PublishTimingObserver>) {}

    /// Drops the observer: it would never be called.
    pub fn set_subscribe_timing_observer(&self, _observer: Option<SubscribeTimingObserver>) {}
}

/// A handler for what is sent.
pub fn create_sender_handler(
    _factory: &PeerConnectionFactory,
    _sender: &RtpSender,
) -> PacketTrailerHandler {
    PacketTrailerHandler::default()
}

/// A handler for what is received.
pub fn create_receiver_handler(
    _factory: &PeerConnectionFactory,
    _receiver: &RtpReceiver,
) -> PacketTrailerHandler {
    PacketTrailerHandler::default()
}
