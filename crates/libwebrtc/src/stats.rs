//! Counters of a connection.

use std::time::Duration;

use serde::Serialize;

use crate::audio_track::ReceiverStats;

/// One object of a statistics report.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RtcStats {
    /// The path in use.
    Transport(TransportStats),
    /// A stream being received.
    InboundAudio(InboundAudioStats),
    /// A stream being sent.
    OutboundAudio(OutboundAudioStats),
}

/// The path in use. Counts start with the connection.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TransportStats {
    /// `udp` or `tcp`, once there is a path.
    pub protocol: Option<&'static str>,
    /// Of the last connectivity check.
    pub round_trip_time: Option<Duration>,
    /// Datagrams written to sockets.
    pub packets_sent: u64,
    /// Bytes written to sockets, without UDP and IP headers.
    pub bytes_sent: u64,
    /// Datagrams read from sockets.
    pub packets_received: u64,
    /// Bytes read from sockets, without UDP and IP headers.
    pub bytes_received: u64,
    /// Datagrams not sent because a socket's buffer was full.
    pub packets_dropped: u64,
}

/// A stream being received.
#[derive(Debug, Clone, Default, Serialize)]
pub struct InboundAudioStats {
    /// The m-section.
    pub mid: String,
    /// RTP packets that arrived.
    pub packets_received: u64,
    /// RTP payload bytes that arrived.
    pub bytes_received: u64,
    /// What became of them; zeros while nobody listens.
    #[serde(skip)]
    pub playout: ReceiverStats,
}

/// A stream being sent.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OutboundAudioStats {
    /// The m-section.
    pub mid: String,
    /// The synchronisation source.
    pub ssrc: u32,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP payload bytes sent.
    pub bytes_sent: u64,
}
