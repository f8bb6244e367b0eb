//! One audio stream that is received.

use std::time::Duration;

use str0m::Rtc;
use str0m::media::Mid;
use str0m::rtp::{RtpPacket, Ssrc};

use crate::audio::AudioError;
use crate::audio::inbound::InboundAudio;
use crate::audio_track::RtcAudioTrack;
use crate::jsep::ReceivePlan;
use crate::media_stream_track::MediaStreamTrack;
use crate::stats::{InboundAudioStats, RtcStats};

/// A receiver at work.
pub(super) struct Receiving {
    pub(super) mid: Mid,
    plan: ReceivePlan,
    track: RtcAudioTrack,
    audio: InboundAudio,
    packets: u64,
    bytes: u64,
}

impl Receiving {
    /// Declares the stream. `None` for video, which is dropped.
    pub(super) fn start(rtc: &mut Rtc, mid: Mid, plan: &ReceivePlan) -> Option<Self> {
        let MediaStreamTrack::Audio(track) = &plan.track else {
            return None;
        };
        if let Some(ssrc) = plan.ssrc {
            let mut api = rtc.direct_api();
            // Lost sound is concealed; a repetition would come too late to be heard.
            api.expect_stream_rx(Ssrc::from(ssrc), None, mid, None)
                .suppress_nack(true);
        }
        Some(Self {
            mid,
            plan: plan.clone(),
            track: track.clone(),
            audio: InboundAudio::new(track.clone()),
            packets: 0,
            bytes: 0,
        })
    }

    pub(super) fn stop(&self, rtc: &mut Rtc) {
        if let Some(ssrc) = self.plan.ssrc {
            rtc.direct_api().remove_stream_rx(Ssrc::from(ssrc));
        }
    }

    pub(super) fn has_source(&self, ssrc: u32) -> bool {
        self.plan.ssrc == Some(ssrc)
    }

    pub(super) fn is_heard(&self) -> bool {
        self.track.wanted_format().is_some()
    }

    /// Takes a packet; one of another codec is dropped.
    pub(super) fn push(&mut self, at: Duration, packet: &RtpPacket) {
        if *packet.header.payload_type != self.plan.payload_type {
            return;
        }
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        self.audio
            .push_rtp(at, *packet.seq_no, packet.time.numer(), &packet.payload);
    }

    /// Plays 10 ms.
    ///
    /// # Errors
    /// As [`InboundAudio::tick_10ms`].
    pub(super) fn tick(&mut self, at: Duration) -> Result<(), AudioError> {
        self.audio.tick_10ms(at)
    }

    /// Whether this already is what the plan asks for.
    pub(super) fn is(&self, plan: &ReceivePlan) -> bool {
        let same = (self.plan.ssrc, self.plan.payload_type) == (plan.ssrc, plan.payload_type);
        let MediaStreamTrack::Audio(track) = &plan.track else {
            return false;
        };
        same && self.track.is_same(track)
    }

    pub(super) fn stats(&self) -> RtcStats {
        RtcStats::InboundAudio(InboundAudioStats {
            mid: self.mid.to_string(),
            packets_received: self.packets,
            bytes_received: self.bytes,
            playout: self.track.concealment(),
        })
    }
}
