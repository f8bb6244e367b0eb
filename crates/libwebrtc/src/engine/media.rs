//! Audio streams: which run, and their 10 ms clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::{MediaKind, Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, SeqNo, Ssrc};
use str0m::stats::MediaEgressStats;

use crate::audio::inbound::InboundAudio;
use crate::audio::outbound::OutboundAudio;
use crate::audio_track::RtcAudioTrack;
use crate::jsep::{MediaPlan, ReceivePlan, SendPlan, TransceiverCore};
use crate::media_stream_track::MediaStreamTrack;
use crate::sdp::Kind;
use crate::stats::{InboundAudioStats, OutboundAudioStats, RtcStats};

/// The length of an audio block.
const TICK: Duration = Duration::from_millis(10);
/// How often to look whether somebody has begun to listen.
const LISTEN_CHECK: Duration = Duration::from_millis(50);
/// After a longer pause of the whole process the clock starts anew instead of catching up.
const MAX_LAG: Duration = Duration::from_millis(200);

/// All audio of a connection.
pub(super) struct Media {
    started: Instant,
    next_tick: Instant,
    sending: Vec<Sending>,
    receiving: Vec<Receiving>,
    /// The packet under construction; kept to be used again.
    packet: Vec<u8>,
}

struct Sending {
    mid: Mid,
    plan: SendPlan,
    core: Arc<TransceiverCore>,
    track: RtcAudioTrack,
    audio: OutboundAudio,
    /// Nothing may leave: the sender is blocked or its encoding is inactive.
    muted: bool,
    sequence: u64,
    /// RTP time of the block that comes next.
    time: u32,
    /// RTP time of the first block of the packet under construction.
    packet_time: u32,
    blocks: u32,
    /// The packet before was sound.
    talking: bool,
    packets: u64,
    bytes: u64,
}

struct Receiving {
    mid: Mid,
    plan: ReceivePlan,
    track: RtcAudioTrack,
    audio: InboundAudio,
    packets: u64,
    bytes: u64,
}

impl Media {
    pub(super) fn new(now: Instant) -> Self {
        let (sending, receiving, packet) = (Vec::new(), Vec::new(), Vec::new());
        Self { started: now, next_tick: now, sending, receiving, packet }
    }

    /// Makes what runs what is agreed.
    pub(super) fn sync(&mut self, rtc: &mut Rtc, plan: &[MediaPlan]) {
        // First all that goes: a source may move from one section to another.
        self.drop_stale(rtc, plan);
        for media in plan {
            let mid = Mid::from(&*media.mid);
            if rtc.media(mid).is_none() {
                let kind =
                    if media.core.kind == Kind::Audio { MediaKind::Audio } else { MediaKind::Video };
                rtc.direct_api().declare_media(mid, kind);
            }
            if let Some(send) = &media.send {
                self.start_sending(rtc, mid, send, &media.core);
            }
            if let Some(receive) = &media.receive {
                self.start_receiving(rtc, mid, receive);
            }
        }
    }

    fn drop_stale(&mut self, rtc: &mut Rtc, plan: &[MediaPlan]) {
        let planned = |mid: Mid| plan.iter().find(|media| Mid::from(&*media.mid) == mid);
        self.sending.retain(|own| {
            let keep = planned(own.mid).is_some_and(|media| media.send.as_ref() == Some(&own.plan));
            if !keep {
                rtc.direct_api().remove_stream_tx(Ssrc::from(own.plan.ssrc));
            }
            keep
        });
        self.receiving.retain(|own| {
            let wanted = planned(own.mid).and_then(|media| media.receive.as_ref());
            let keep = wanted.is_some_and(|plan| own.is(plan));
            if let (false, Some(ssrc)) = (keep, own.plan.ssrc) {
                rtc.direct_api().remove_stream_rx(Ssrc::from(ssrc));
            }
            keep
        });
    }

    fn start_sending(
        &mut self,
        rtc: &mut Rtc,
        mid: Mid,
        plan: &SendPlan,
        core: &Arc<TransceiverCore>,
    ) {
        if self.sending.iter().any(|own| own.mid == mid) {
            return;
        }
        rtc.direct_api().declare_stream_tx(Ssrc::from(plan.ssrc), None, mid, None);
        match Sending::new(mid, plan.clone(), core.clone()) {
            Ok(Some(sending)) => self.sending.push(sending),
            Ok(None) => {} // the track was removed since
            Err(error) => tracing::warn!(%error, "a track cannot be sent"),
        }
    }

    fn start_receiving(&mut self, rtc: &mut Rtc, mid: Mid, plan: &ReceivePlan) {
        let MediaStreamTrack::Audio(track) = &plan.track else { return };
        if self.receiving.iter().any(|own| own.mid == mid) {
            return;
        }
        if let Some(ssrc) = plan.ssrc {
            let mut api = rtc.direct_api();
            // Lost sound is concealed; a repetition would come too late to be heard.
            api.expect_stream_rx(Ssrc::from(ssrc), None, mid, None).suppress_nack(true);
        }
        let audio = InboundAudio::new(track.clone());
        let (track, plan) = (track.clone(), plan.clone());
        self.receiving.push(Receiving { mid, plan, track, audio, packets: 0, bytes: 0 });
    }

    /// Looks at what users changed: replaced tracks, blocked senders.
    pub(super) fn refresh(&mut self) {
        for sending in &mut self.sending {
            if let Err(error) = sending.refresh() {
                tracing::warn!(%error, "a track cannot be sent");
            }
        }
    }

    /// Plays and sends the blocks that are due.
    pub(super) fn tick(&mut self, now: Instant, rtc: &mut Rtc, can_send: bool) {
        if self.period(can_send) != Some(TICK) {
            self.next_tick = self.next_tick.max(now);
            return;
        }
        if now.saturating_duration_since(self.next_tick) > MAX_LAG {
            self.next_tick = now;
        }
        while self.next_tick <= now {
            let at = self.next_tick.saturating_duration_since(self.started);
            self.next_tick += TICK;
            for receiving in &mut self.receiving {
                if let Err(error) = receiving.audio.tick_10ms(at) {
                    tracing::warn!(%error, "sound cannot be played");
                }
            }
            if can_send {
                self.sending.iter_mut().for_each(|s| s.tick(now, rtc, &mut self.packet));
            }
        }
    }

    fn period(&self, can_send: bool) -> Option<Duration> {
        let sends = can_send && self.sending.iter().any(|sending| !sending.muted);
        if sends || self.receiving.iter().any(|own| own.track.wanted_format().is_some()) {
            Some(TICK)
        } else if self.receiving.is_empty() {
            None
        } else {
            Some(LISTEN_CHECK)
        }
    }

    pub(super) fn deadline(&self, can_send: bool) -> Option<Instant> {
        match self.period(can_send)? {
            TICK => Some(self.next_tick),
            longer => Some(self.next_tick + longer),
        }
    }

    /// A packet of the peer.
    pub(super) fn received(&mut self, packet: &RtpPacket, now: Instant) {
        let (ssrc, mid) = (*packet.header.ssrc, packet.header.ext_vals.mid);
        let by_ssrc = self.receiving.iter().position(|own| own.plan.ssrc == Some(ssrc));
        let by_mid = || self.receiving.iter().position(|own| Some(own.mid) == mid);
        let Some(index) = by_ssrc.or_else(by_mid) else { return }; // video, or no longer wanted
        let own = &mut self.receiving[index];
        if *packet.header.payload_type != own.plan.payload_type {
            return;
        }
        own.packets += 1;
        own.bytes += packet.payload.len() as u64;
        let at = now.saturating_duration_since(self.started);
        own.audio.push_rtp(at, *packet.seq_no, packet.time.numer(), &packet.payload);
    }

    /// The peer reports how much of what was sent got lost.
    pub(super) fn note_loss(&mut self, stats: &MediaEgressStats) {
        let Some(loss) = stats.loss else { return };
        let percent = (loss.clamp(0.0, 1.0) * 100.0).round() as u8;
        for sending in self.sending.iter_mut().filter(|own| own.mid == stats.mid) {
            sending.audio.set_expected_loss(percent);
        }
    }

    pub(super) fn stop(&mut self) {
        self.sending.clear();
        self.receiving.clear();
    }

    pub(super) fn stats(&self) -> impl Iterator<Item = RtcStats> {
        let inbound = self.receiving.iter().map(Receiving::stats);
        inbound.chain(self.sending.iter().map(Sending::stats))
    }
}

impl Sending {
    /// `None` if the sender has no track.
    fn new(
        mid: Mid,
        plan: SendPlan,
        core: Arc<TransceiverCore>,
    ) -> Result<Option<Self>, crate::audio::AudioError> {
        let Some(track) = audio_track(&core) else { return Ok(None) };
        let audio = OutboundAudio::new(track.clone())?;
        // RFC 3550: both start at random; a small sequence number leaves room before the first wrap.
        let sequence = u64::from(rand::random::<u16>() >> 1);
        let time = rand::random::<u32>();
        let mut sending = Self {
            mid,
            plan,
            core,
            track,
            audio,
            muted: false,
            sequence,
            time,
            packet_time: time,
            blocks: 0,
            talking: false,
            packets: 0,
            bytes: 0,
        };
        sending.refresh()?;
        Ok(Some(sending))
    }

    fn refresh(&mut self) -> Result<(), crate::audio::AudioError> {
        let track = audio_track(&self.core);
        {
            let state = self.core.state();
            let active = state.sender.encodings.first().is_none_or(|encoding| encoding.active);
            self.muted = state.sender.blocked || !active || track.is_none();
        }
        if let Some(track) = track.filter(|track| track.id() != self.track.id()) {
            self.audio = OutboundAudio::new(track.clone())?;
            (self.track, self.blocks) = (track, 0);
        }
        Ok(())
    }

    /// Moves 10 ms on.
    fn tick(&mut self, now: Instant, rtc: &mut Rtc, packet: &mut Vec<u8>) {
        if self.blocks == 0 {
            self.packet_time = self.time;
        }
        self.time = self.time.wrapping_add(480);
        if self.muted {
            self.blocks = 0;
            return;
        }
        self.blocks += 1;
        match self.audio.tick_10ms(packet) {
            Ok(Some(info)) => {
                self.blocks = 0;
                self.send(now, rtc, packet, info.voice);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "sound cannot be encoded"),
        }
    }

    fn send(&mut self, now: Instant, rtc: &mut Rtc, packet: &[u8], sound: bool) {
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx(&Ssrc::from(self.plan.ssrc)) else { return };
        let starts = sound && !self.talking;
        let rtp = RtpWrite::new(
            Pt::from(self.plan.payload_type),
            SeqNo::from(self.sequence),
            self.packet_time,
            now,
            packet,
        );
        stream.write_rtp(rtp.marker(starts).ext_vals(self.extensions(sound)));
        self.talking = sound;
        self.sequence += 1;
        self.packets += 1;
        self.bytes += packet.len() as u64;
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

    fn stats(&self) -> RtcStats {
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

impl Receiving {
    /// Whether this already is what the plan asks for.
    fn is(&self, plan: &ReceivePlan) -> bool {
        let same = (self.plan.ssrc, self.plan.payload_type) == (plan.ssrc, plan.payload_type);
        let MediaStreamTrack::Audio(track) = &plan.track else { return false };
        same && self.track.is_same(track)
    }

    fn stats(&self) -> RtcStats {
        RtcStats::InboundAudio(InboundAudioStats {
            mid: self.mid.to_string(),
            packets_received: self.packets,
            bytes_received: self.bytes,
            playout: self.track.concealment(),
        })
    }
}
