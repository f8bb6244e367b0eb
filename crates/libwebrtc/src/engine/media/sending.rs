//! One audio stream that is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::{Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo, Ssrc};

use crate::audio::outbound::OutboundAudio;
use crate::audio::{AudioError, ticks};
use crate::audio_track::RtcAudioTrack;
use crate::jsep::{SendPlan, TransceiverCore};
use crate::media_stream_track::MediaStreamTrack;
use crate::stats::{OutboundAudioStats, RtcStats};

/// A sender at work.
pub(super) struct Sending {
    pub(super) mid: Mid,
    plan: SendPlan,
    core: Arc<TransceiverCore>,
    track: RtcAudioTrack,
    audio: OutboundAudio,
    /// Nothing may leave: the sender is blocked or its encoding is inactive.
    pub(super) muted: bool,
    /// RTP time of the first block of the packet under construction.
    packet_time: u32,
    blocks: u32,
    /// The packet before was sound.
    talking: bool,
    packets: u64,
    bytes: u64,
}

impl Sending {
    /// Declares the stream. `None` if its sender has no track any more.
    ///
    /// # Errors
    /// [`AudioError`] if the format of the track's source cannot be sent.
    pub(super) fn start(
        rtc: &mut Rtc,
        mid: Mid,
        plan: &SendPlan,
        core: &Arc<TransceiverCore>,
    ) -> Result<Option<Self>, AudioError> {
        let Some(track) = audio_track(core) else {
            return Ok(None);
        };
        let audio = OutboundAudio::new(track.clone())?;
        rtc.direct_api()
            .declare_stream_tx(Ssrc::from(plan.ssrc), None, mid, None);
        let mut sending = Self {
            mid,
            plan: plan.clone(),
            core: core.clone(),
            track,
            audio,
            muted: false,
            packet_time: 0,
            blocks: 0,
            talking: false,
            packets: 0,
            bytes: 0,
        };
        sending.refresh()?;
        Ok(Some(sending))
    }

    /// The next block completes a packet.
    pub(super) fn has_begun_packet(&self) -> bool {
        self.blocks > 0
    }

    /// Goes on by another plan for the same source. `false` if the plan is for another one.
    pub(super) fn follow(&mut self, plan: Option<&SendPlan>) -> bool {
        let same = plan.filter(|plan| plan.ssrc == self.plan.ssrc);
        same.inspect(|plan| self.plan.clone_from(plan)).is_some()
    }

    pub(super) fn stop(&self, rtc: &mut Rtc) {
        rtc.direct_api()
            .remove_stream_tx(Ssrc::from(self.plan.ssrc));
    }

    /// Looks at what users changed: a replaced track, a blocked sender.
    ///
    /// # Errors
    /// [`AudioError`] if the format of a new track cannot be sent.
    pub(super) fn refresh(&mut self) -> Result<(), AudioError> {
        let track = audio_track(&self.core);
        {
            let state = self.core.state();
            let active = state
                .sender
                .encodings
                .first()
                .is_none_or(|encoding| encoding.active);
            self.muted = state.sender.blocked || !active || track.is_none();
        }
        if let Some(track) = track.filter(|track| track.id() != self.track.id()) {
            self.audio = OutboundAudio::new(track.clone())?;
            (self.track, self.blocks) = (track, 0);
        }
        Ok(())
    }

    /// Moves 10 ms on, to `at` since the beginning of the connection. Returns whether a packet was sent.
    pub(super) fn tick(
        &mut self,
        (now, at): (Instant, Duration),
        rtc: &mut Rtc,
        packet: &mut Vec<u8>,
    ) -> bool {
        if self.muted {
            self.blocks = 0;
            return false;
        }
        if self.blocks == 0 {
            // From the clock, so that a pause is as long for the peer as it was here. Wraps as RTP time does.
            let base = self.core.state().sender.numbering.time_base;
            self.packet_time = base.wrapping_add(ticks(at) as u32);
        }
        self.blocks += 1;
        match self.audio.tick_10ms(packet) {
            Ok(Some(info)) => {
                self.blocks = 0;
                self.send(now, rtc, packet, info.voice);
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "sound cannot be encoded");
                false
            }
        }
    }

    fn send(&mut self, now: Instant, rtc: &mut Rtc, packet: &[u8], sound: bool) {
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx(&Ssrc::from(self.plan.ssrc)) else {
            return;
        };
        let starts = sound && !self.talking;
        let sequence = {
            let mut state = self.core.state();
            let next = state.sender.numbering.sequence;
            state.sender.numbering.sequence += 1;
            next
        };
        let rtp = RtpWrite::new(
            Pt::from(self.plan.payload_type),
            SeqNo::from(sequence),
            self.packet_time,
            now,
            packet,
        );
        stream.write_rtp(rtp.marker(starts).ext_vals(self.extensions(sound)));
        self.talking = sound;
        self.packets += 1;
        self.bytes += packet.len() as u64;
    }

    /// How much of what was sent got lost, as the peer reports.
    pub(super) fn note_loss(&mut self, percent: u8) {
        self.audio.set_expected_loss(percent);
    }

    fn extensions(&self, sound: bool) -> ExtensionValues {
        if !self.plan.audio_level {
            return ExtensionValues::default();
        }
        let level = if sound { self.audio.level_dbov() } else { -127 };
        ExtensionValues {
            audio_level: Some(level),
            voice_activity: Some(sound),
            ..ExtensionValues::default()
        }
    }

    pub(super) fn stats(&self) -> RtcStats {
        RtcStats::OutboundAudio(OutboundAudioStats {
            mid: self.mid.to_string(),
            ssrc: self.plan.ssrc,
            packets_sent: self.packets,
            bytes_sent: self.bytes,
        })
    }
}

fn audio_track(core: &TransceiverCore) -> Option<RtcAudioTrack> {
    match &core.state().sender.track {
        Some(MediaStreamTrack::Audio(track)) => Some(track.clone()),
        Some(MediaStreamTrack::Video(_)) | None => None,
    }
}
