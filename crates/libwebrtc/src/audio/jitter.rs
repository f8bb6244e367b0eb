//! The jitter buffer: which packet is played next, and what to do when it is not there.
//!
//! Pure decisions: packets and the time go in, [`Step`]s come out; [`super::receiver`] turns them into
//! sound. The rules:
//!
//! - Playout starts when the first packet has waited for the target delay ([`super::delay`]).
//! - A packet is missing if later ones are there when its turn comes. The last missing frame is taken
//!   from the FEC data of the packet after it, earlier ones are concealed. A missing packet that comes
//!   after all is dropped.
//! - If nothing at all waits, playout conceals without moving on: what comes late is still heard, the
//!   delay grows, and later silence shrinks it again ([`JitterBuffer::wish`]).
//! - A timestamp step without a sequence gap is a pause of the sender; its length follows the clock.
//! - What cannot be continued (jumps of sequence or time, a second without packets) starts anew.

use super::{
    BLOCK, MS, Ticks,
    delay::DelayEstimator,
    packets::{CAPACITY, PacketRing, Waiting, span},
    stats::ReceiverStats,
    toc,
};

/// After this much concealment in a row there is nothing left to extrapolate.
const MAX_CONCEAL: Ticks = 200 * MS;
/// An announced pause gets comfort noise this long; senders refresh it every 400 ms.
const MAX_COMFORT: Ticks = 1_000 * MS;
/// Concealment is made in pieces of at most one usual packet.
const CONCEAL_PIECE: Ticks = 20 * MS;
/// Shorter gaps are rounding of the sender; the codec cannot conceal less either.
const SMALLEST_GAP: Ticks = 120;
/// A larger gap in time between two packets that both wait is a jump.
const MAX_GAP: Ticks = 1_000 * MS;
/// More waiting audio than this is cut to the target delay.
const MAX_WAITING: Ticks = 1_200 * MS;
/// Packets from before the first one that may still be played if they come in time.
const EARLY_REORDER: u64 = 32;
/// Far above any extended sequence number, and safe to count on from.
const MAX_SEQ: u64 = u64::MAX >> 2;
/// So many packets in a row from far behind mean that the stream started anew.
const RESTART_AFTER: u32 = 3;
/// So long after a loss that FEC could repair, playout leaves time for the packet that carries it.
const FEC_MEMORY: Ticks = 10_000 * MS;
/// Play faster or slower when this far above or below the target.
const TOO_LATE: Ticks = 20 * MS;
const TOO_EARLY: Ticks = 10 * MS;

/// What to play next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// This packet.
    Decode { payload: &'a [u8], ticks: Ticks },
    /// The frame before this packet, from the packet's FEC data.
    Recover { payload: &'a [u8], ticks: Ticks },
    /// An extrapolation of what was heard.
    Conceal { ticks: Ticks },
    /// Nothing: no stream, not yet, or no longer.
    Silence,
}

/// Whether the playout delay should change at the next opportunity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Keep,
    Insert,
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No packet yet.
    Empty,
    /// Packets wait for the target delay to pass.
    Filling,
    Playing,
    /// Concealment has run out.
    Quiet,
}

#[derive(Debug, Clone, Copy)]
enum Plan {
    Decode(u64),
    Recover(u64, Ticks),
    Conceal(Ticks),
    Silence,
}

/// Where playout stands: the next packet, and what was played in its place.
#[derive(Debug, Clone, Copy)]
struct Playhead {
    seq: u64,
    ts: u64,
    /// Concealed since `ts` without moving on.
    expanded: Ticks,
    /// That concealment stands for a packet known to be missing, not for an empty buffer.
    bridged: bool,
}

#[derive(Debug)]
pub(crate) struct JitterBuffer {
    ring: PacketRing,
    delay: DelayEstimator,
    play: Playhead,
    phase: Phase,
    use_fec: bool,
    /// Bit n: packet `play.seq - 1 - n` arrived.
    arrived: u128,
    behind: u32,
    last_was_dtx: bool,
    fec_until: Ticks,
    /// Concealed on an empty buffer; counts once it turns out not to be a pause.
    unexplained: Ticks,
    concealed: Ticks,
    stats: ReceiverStats,
}

impl JitterBuffer {
    pub(crate) fn new(use_fec: bool) -> Self {
        Self {
            ring: PacketRing::new(),
            delay: DelayEstimator::new(0, 0),
            play: Playhead {
                seq: 0,
                ts: 0,
                expanded: 0,
                bridged: false,
            },
            phase: Phase::Empty,
            use_fec,
            arrived: 0,
            behind: 0,
            last_was_dtx: false,
            fec_until: Ticks::MIN,
            unexplained: 0,
            concealed: 0,
            stats: ReceiverStats::default(),
        }
    }

    /// Takes a packet that arrived at `now`; `seq` and `ts` are extended, so they do not wrap.
    pub(crate) fn push(&mut self, now: Ticks, seq: u64, ts: u64, payload: &[u8]) {
        self.stats.packets_received += 1;
        let Some(facts) = toc::inspect(payload).filter(|_| seq <= MAX_SEQ) else {
            self.stats.packets_discarded += 1;
            return;
        };
        if self.phase == Phase::Empty || seq >= self.play.seq.saturating_add(CAPACITY) {
            self.start_anew(now, seq, ts);
        } else if seq < self.play.seq && self.is_past(now, seq, ts) {
            return;
        } else if seq < self.play.seq {
            self.start_anew(now, seq, ts);
        }
        self.behind = 0;
        if self.ring.insert(Waiting { seq, ts, facts }, payload) {
            self.delay.observe(now, ts);
        } else {
            self.stats.packets_duplicated += 1;
        }
    }

    /// What to play now.
    pub(crate) fn next(&mut self, now: Ticks) -> Step<'_> {
        match self.plan(now) {
            Plan::Decode(seq) => {
                let ticks = self.leave(seq);
                Step::Decode {
                    payload: self.ring.take(seq),
                    ticks,
                }
            }
            Plan::Recover(seq, ticks) => Step::Recover {
                payload: self.ring.peek(seq),
                ticks,
            },
            Plan::Conceal(ticks) => Step::Conceal { ticks },
            Plan::Silence => Step::Silence,
        }
    }

    /// Whether silence that is about to be played should be longer or shorter, with `ahead` ticks of
    /// decoded audio not yet heard.
    pub(crate) fn wish(&self, now: Ticks, ahead: Ticks) -> Wish {
        if self.phase != Phase::Playing {
            return Wish::Keep;
        }
        match self
            .playout_delay(now, ahead)
            .saturating_sub(self.target(now))
        {
            excess if excess > TOO_LATE => Wish::Remove,
            excess if excess < -TOO_EARLY => Wish::Insert,
            _ => Wish::Keep,
        }
    }

    pub(crate) fn target(&self, now: Ticks) -> Ticks {
        self.delay.target() + self.fec_margin(now)
    }

    pub(crate) fn playout_delay(&self, now: Ticks, ahead: Ticks) -> Ticks {
        self.delay
            .playout_delay(now, self.play.ts.wrapping_sub(ahead as u64))
    }

    /// Counters without the playout's own (inserted, removed, delays), and the ticks concealed.
    pub(crate) fn stats(&self) -> (ReceiverStats, Ticks) {
        (self.stats, self.concealed)
    }

    fn start_anew(&mut self, now: Ticks, seq: u64, ts: u64) {
        self.stats.restarts += u64::from(self.phase != Phase::Empty);
        self.ring.clear();
        self.delay = DelayEstimator::new(now, ts);
        let first = seq.saturating_sub(EARLY_REORDER);
        self.play = Playhead {
            seq: first,
            ts,
            expanded: 0,
            bridged: false,
        };
        self.phase = Phase::Filling;
        self.arrived = 0;
        self.unexplained = 0;
        self.last_was_dtx = false;
    }

    /// Accounts for a packet from before the playhead; `false` if it begins a new stream.
    fn is_past(&mut self, now: Ticks, seq: u64, ts: u64) -> bool {
        let age = self.play.seq - 1 - seq;
        if age >= CAPACITY {
            self.behind += 1;
            self.stats.packets_late += u64::from(self.behind < RESTART_AFTER);
            return self.behind < RESTART_AFTER;
        }
        self.behind = 0;
        let bit = 1_u128 << age;
        if self.arrived & bit == 0 {
            self.arrived |= bit;
            self.stats.packets_late += 1;
            self.delay.observe(now, ts);
        } else {
            self.stats.packets_duplicated += 1;
        }
        true
    }

    fn plan(&mut self, now: Ticks) -> Plan {
        match self.phase {
            Phase::Empty => Plan::Silence,
            Phase::Filling => self.start_when_due(now),
            Phase::Playing => {
                self.cut_overflow(now);
                self.advance(now)
            }
            Phase::Quiet => self.resume(now),
        }
    }

    fn start_when_due(&mut self, now: Ticks) -> Plan {
        let Some(head) = self.ring.first_from(self.play.seq) else {
            return Plan::Silence;
        };
        if !self.is_due(now, head) {
            return Plan::Silence;
        }
        self.move_to(head);
        self.phase = Phase::Playing;
        self.cut_overflow(now);
        self.advance(now)
    }

    /// After a pause: waits for the target delay again, or starts at once if it has passed.
    fn resume(&mut self, now: Ticks) -> Plan {
        let Some(head) = self.ring.first_from(self.play.seq) else {
            return Plan::Silence;
        };
        let missing = head.seq - self.play.seq;
        let paused = missing == 0 && span(self.play.ts, head.ts) >= self.play.expanded;
        self.stats.packets_lost += missing;
        self.explain(!paused);
        self.move_to(head);
        self.phase = Phase::Filling;
        self.start_when_due(now)
    }

    fn advance(&mut self, now: Ticks) -> Plan {
        loop {
            let Some(head) = self.ring.first_from(self.play.seq) else {
                return self.underrun();
            };
            let gap = span(self.play.ts, head.ts);
            let missing = head.seq - self.play.seq;
            if gap < 0 || gap.saturating_sub(self.play.expanded) > MAX_GAP {
                return self.jump(now, head);
            }
            if missing > 0 {
                return self.bridge(now, head, gap - self.play.expanded);
            }
            if gap > 0 {
                return self.pause(now, head);
            }
            if !self.was_replaced(head) {
                self.explain(true);
                return Plan::Decode(head.seq);
            }
            self.drop_replaced(head);
        }
    }

    fn underrun(&mut self) -> Plan {
        let limit = if self.last_was_dtx {
            MAX_COMFORT
        } else {
            MAX_CONCEAL
        };
        if self.play.expanded >= limit {
            self.phase = Phase::Quiet;
            return Plan::Silence;
        }
        self.play.expanded += BLOCK;
        self.play.bridged = false;
        self.unexplained += if self.last_was_dtx { 0 } else { BLOCK };
        Plan::Conceal(BLOCK)
    }

    /// Timestamps that cannot follow the last ones: plays on from there.
    fn jump(&mut self, now: Ticks, head: Waiting) -> Plan {
        self.stats.restarts += 1;
        self.stats.packets_lost += head.seq - self.play.seq;
        self.explain(true);
        self.move_to(head);
        if self.is_due(now, head) {
            return Plan::Decode(head.seq);
        }
        self.phase = Phase::Filling;
        Plan::Silence
    }

    /// Fills what is still `open` of the gap before `head`, before which packets are missing.
    fn bridge(&mut self, now: Ticks, head: Waiting, open: Ticks) -> Plan {
        let fec = if self.use_fec && head.facts.has_fec {
            head.facts.frame
        } else {
            0
        };
        if fec > 0 {
            self.fec_until = now.saturating_add(FEC_MEMORY);
        }
        if open < SMALLEST_GAP || open <= fec {
            self.stats.packets_lost += head.seq - self.play.seq;
            self.explain(true);
            self.move_to(head);
            if open < SMALLEST_GAP {
                return Plan::Decode(head.seq);
            }
            self.stats.packets_recovered_by_fec += 1;
            return Plan::Recover(head.seq, fec);
        }
        let piece = (open - fec).clamp(SMALLEST_GAP, CONCEAL_PIECE) / SMALLEST_GAP * SMALLEST_GAP;
        self.play.expanded += piece;
        self.play.bridged = true;
        self.concealed += piece;
        Plan::Conceal(piece)
    }

    /// No packet is missing, but the sender's clock moved on: plays on when `head` is due.
    fn pause(&mut self, now: Ticks, head: Waiting) -> Plan {
        if self.is_due(now, head) || span(self.play.ts, head.ts) < SMALLEST_GAP {
            self.explain(false);
            self.move_to(head);
            return Plan::Decode(head.seq);
        }
        self.play.expanded += BLOCK;
        Plan::Conceal(BLOCK)
    }

    /// The head came after it was taken for lost and concealed in full, and playout can go on.
    fn was_replaced(&self, head: Waiting) -> bool {
        self.play.bridged
            && self.play.expanded >= head.facts.duration
            && self.ring.first_from(head.seq + 1).is_some()
    }

    fn drop_replaced(&mut self, head: Waiting) {
        self.stats.packets_late += 1;
        self.stats.packets_lost += 1;
        self.ring.take(head.seq);
        let expanded = self.play.expanded - head.facts.duration;
        self.pass(head);
        self.play.expanded = expanded;
        self.play.bridged = true;
    }

    /// Moves on behind the packet that is about to be decoded; its playing time.
    fn leave(&mut self, seq: u64) -> Ticks {
        let Some(head) = self.ring.get(seq) else {
            return 0;
        };
        self.last_was_dtx = head.facts.is_dtx;
        self.pass(head);
        head.facts.duration
    }

    fn pass(&mut self, head: Waiting) {
        self.move_to(head);
        self.arrived = self.arrived << 1 | 1;
        self.play.seq = head.seq + 1;
        self.play.ts = head.ts.wrapping_add(head.facts.duration as u64);
    }

    /// Makes `head` the next packet; those before it are missing.
    fn move_to(&mut self, head: Waiting) {
        let skipped = u32::try_from(head.seq - self.play.seq).unwrap_or(u32::MAX);
        self.arrived = self.arrived.checked_shl(skipped).unwrap_or(0);
        self.play = Playhead {
            seq: head.seq,
            ts: head.ts,
            expanded: 0,
            bridged: false,
        };
    }

    /// Decides whether concealment on an empty buffer stood for missing audio or for a pause.
    fn explain(&mut self, was_missing: bool) {
        self.concealed += if was_missing { self.unexplained } else { 0 };
        self.unexplained = 0;
    }

    /// Skips to the target delay if too much waits, as after a time without pulls.
    fn cut_overflow(&mut self, now: Ticks) {
        let Some(newest) = self.ring.newest() else {
            return;
        };
        let waiting =
            |head: Waiting| span(head.ts, newest.ts).saturating_add(newest.facts.duration);
        let keep = self.target(now);
        let mut cutting = false;
        while let Some(head) = self.ring.first_from(self.play.seq) {
            let amount = waiting(head);
            cutting |= (MAX_WAITING..10 * MAX_WAITING).contains(&amount);
            if !cutting || amount <= keep {
                return;
            }
            self.stats.packets_discarded += 1;
            self.ring.take(head.seq);
            self.pass(head);
        }
    }

    fn is_due(&self, now: Ticks, head: Waiting) -> bool {
        let wait = self
            .delay
            .due(head.ts, self.fec_margin(now))
            .wrapping_sub(now);
        // Further away than any delay is a timestamp that the estimator does not understand.
        wait <= 0 || wait > MAX_GAP
    }

    /// FEC needs the packet after the missing one to be there in time.
    fn fec_margin(&self, now: Ticks) -> Ticks {
        if now < self.fec_until {
            CONCEAL_PIECE
        } else {
            0
        }
    }
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
