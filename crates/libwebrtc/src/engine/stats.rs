//! Measurements of the transport, and the report.

use std::time::Duration;

use str0m::net::{Protocol, Transmit};
use str0m::stats::PeerStats;

use super::Engine;
use crate::stats::{RtcStats, TransportStats};

/// How often str0m sums up.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);

/// What is remembered between reports.
#[derive(Default)]
pub(super) struct Measured {
    protocol: Option<Protocol>,
    round_trip_time: Option<Duration>,
}

impl Measured {
    /// DTLS and media (their first byte is 20 or more) take the chosen path, checks take all.
    pub(super) fn note_path(&mut self, out: &Transmit) {
        if out.contents.first().is_some_and(|first| *first >= 20) {
            self.protocol = Some(out.proto);
        }
    }

    pub(super) fn note_peer(&mut self, stats: &PeerStats) {
        let pair = stats.selected_candidate_pair.as_ref();
        self.round_trip_time = pair.and_then(|pair| pair.current_round_trip_time);
    }
}

impl Engine {
    pub(super) fn stats(&self) -> Vec<RtcStats> {
        let traffic = self.net.traffic();
        let transport = TransportStats {
            protocol: self.measured.protocol.map(|protocol| match protocol {
                Protocol::Udp => "udp",
                _ => "tcp",
            }),
            round_trip_time: self.measured.round_trip_time,
            packets_sent: traffic.packets_sent,
            bytes_sent: traffic.bytes_sent,
            packets_received: traffic.packets_received,
            bytes_received: traffic.bytes_received,
            packets_dropped: traffic.packets_dropped,
        };
        let mut all = vec![RtcStats::Transport(transport)];
        all.extend(self.media.stats());
        all
    }
}
