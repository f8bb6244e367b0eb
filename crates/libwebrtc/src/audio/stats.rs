//! Counters of a receiving stream.

use std::time::Duration;

/// What happened to a remote audio stream between the network and its listener, since it began.
///
/// An extension over the original crate; read it with
/// [`RtcAudioTrack::concealment`](crate::audio_track::RtcAudioTrack::concealment).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverStats {
    /// Packets that arrived, duplicates and late ones included.
    pub packets_received: u64,
    /// Packets that were not there when it was their turn to be played, whether or not their audio
    /// could be recovered and whether or not they came later.
    pub packets_lost: u64,
    /// Packets whose audio was recovered from the in-band FEC data of the next packet.
    pub packets_recovered_by_fec: u64,
    /// Packets that came after their turn and were dropped.
    pub packets_late: u64,
    /// Packets that came twice.
    pub packets_duplicated: u64,
    /// Packets dropped unheard: not Opus, or more waiting than the buffer may hold.
    pub packets_discarded: u64,
    /// Audio invented in place of missing packets (Opus packet-loss concealment).
    pub concealed: Duration,
    /// Silence added to raise the playout delay.
    pub inserted: Duration,
    /// Silence left out to lower the playout delay.
    pub removed: Duration,
    /// Times the stream's sequence or timestamps jumped and playout started anew.
    pub restarts: u64,
    /// Delay that the jitter buffer adds now to the fastest path seen.
    pub delay: Duration,
    /// Delay that it aims at.
    pub target_delay: Duration,
}
