//! Audio streams: which run, and their 10 ms clock.

mod receiving;
mod sending;

use std::time::{Duration, Instant};

use str0m::Rtc;
use str0m::media::{MediaKind, Mid};
use str0m::rtp::RtpPacket;
use str0m::stats::MediaEgressStats;

use crate::jsep::MediaPlan;
use crate::sdp::Kind;
use crate::stats::RtcStats;
use receiving::Receiving;
use sending::Sending;

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

impl Media {
    pub(super) fn new(now: Instant) -> Self {
        let (sending, receiving, packet) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            started: now,
            next_tick: now,
            sending,
            receiving,
            packet,
        }
    }

    /// Makes what runs what is agreed.
    pub(super) fn sync(&mut self, rtc: &mut Rtc, plan: &[MediaPlan]) {
        // First all that goes: a source may move from one section to another.
        self.drop_stale(rtc, plan);
        for media in plan {
            let mid = Mid::from(&*media.mid);
            if rtc.media(mid).is_none() {
                let kind = if media.core.kind == Kind::Audio {
                    MediaKind::Audio
                } else {
                    MediaKind::Video
                };
                rtc.direct_api().declare_media(mid, kind);
            }
            self.start(rtc, mid, media);
        }
    }

    fn start(&mut self, rtc: &mut Rtc, mid: Mid, media: &MediaPlan) {
        let sends = self.sending.iter().any(|own| own.mid == mid);
        if let (Some(plan), false) = (&media.send, sends) {
            match Sending::start(rtc, mid, plan, &media.core) {
                Ok(sending) => self.sending.extend(sending),
                Err(error) => tracing::warn!(%error, "a track cannot be sent"),
            }
        }
        let receives = self.receiving.iter().any(|own| own.mid == mid);
        if let (Some(plan), false) = (&media.receive, receives) {
            self.receiving.extend(Receiving::start(rtc, mid, plan));
        }
    }

    fn drop_stale(&mut self, rtc: &mut Rtc, plan: &[MediaPlan]) {
        let planned = |mid: Mid| plan.iter().find(|media| Mid::from(&*media.mid) == mid);
        self.sending.retain_mut(|own| {
            let keep = own.follow(planned(own.mid).and_then(|media| media.send.as_ref()));
            if !keep {
                own.stop(rtc);
            }
            keep
        });
        self.receiving.retain(|own| {
            let wanted = planned(own.mid).and_then(|media| media.receive.as_ref());
            let keep = wanted.is_some_and(|plan| own.is(plan));
            if !keep {
                own.stop(rtc);
            }
            keep
        });
    }

    /// Looks at what users changed: replaced tracks, blocked senders.
    pub(super) fn refresh(&mut self) {
        for sending in &mut self.sending {
            if let Err(error) = sending.refresh() {
                tracing::warn!(%error, "a track cannot be sent");
            }
        }
    }

    /// Plays and sends the blocks that are due. Returns whether a packet was given to str0m.
    pub(super) fn tick(&mut self, now: Instant, rtc: &mut Rtc, can_send: bool) -> bool {
        if !self.is_active(can_send) {
            self.next_tick = self.next_tick.max(now);
            return false;
        }
        if now.saturating_duration_since(self.next_tick) > MAX_LAG {
            self.next_tick = now;
        }
        let mut sent = false;
        while self.next_tick <= now {
            let at = self.next_tick.saturating_duration_since(self.started);
            self.next_tick += TICK;
            for receiving in &mut self.receiving {
                if let Err(error) = receiving.tick(at) {
                    tracing::warn!(%error, "sound cannot be played");
                }
            }
            for sending in self.sending.iter_mut().filter(|_| can_send) {
                sent |= sending.tick((now, at), rtc, &mut self.packet);
            }
        }
        sent
    }

    /// Whether blocks pass, in either direction.
    fn is_active(&self, can_send: bool) -> bool {
        let sends = can_send && self.sending.iter().any(|sending| !sending.muted);
        sends || self.receiving.iter().any(Receiving::is_heard)
    }

    /// When to call [`Self::tick`].
    pub(super) fn deadline(&self, can_send: bool) -> Option<Instant> {
        if self.receiving.iter().any(Receiving::is_heard) {
            return Some(self.next_tick);
        }
        if self.is_active(can_send) {
            // A packet is due with its second block only: one wake-up for both.
            let begun = self.sending.iter().any(Sending::has_begun_packet);
            return Some(if begun {
                self.next_tick
            } else {
                self.next_tick + TICK
            });
        }
        (!self.receiving.is_empty()).then(|| self.next_tick + LISTEN_CHECK)
    }

    /// A packet of the peer.
    pub(super) fn received(&mut self, packet: &RtpPacket, now: Instant) {
        let (ssrc, mid) = (*packet.header.ssrc, packet.header.ext_vals.mid);
        let all = &self.receiving;
        let by_source = all.iter().position(|own| own.has_source(ssrc));
        let by_mid = || all.iter().position(|own| Some(own.mid) == mid);
        // Else video, or what is no longer wanted.
        if let Some(index) = by_source.or_else(by_mid) {
            let at = now.saturating_duration_since(self.started);
            self.receiving[index].push(at, packet);
        }
    }

    /// The peer reports how much of what was sent got lost.
    pub(super) fn note_loss(&mut self, stats: &MediaEgressStats) {
        let Some(loss) = stats.loss else { return };
        let percent = (loss.clamp(0.0, 1.0) * 100.0).round() as u8;
        for sending in self.sending.iter_mut().filter(|own| own.mid == stats.mid) {
            sending.note_loss(percent);
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
