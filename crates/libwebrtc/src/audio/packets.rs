//! Packets waiting for playout, ordered by sequence number, in buffers that are used again.

use super::{Ticks, toc::PacketFacts};

/// How many sequence numbers the ring spans: 2.5 s of 20 ms packets.
pub(crate) const CAPACITY: u64 = 128;

/// Room for 20 ms at 64 kbit/s; longer packets make their buffer grow once.
const USUAL_PAYLOAD: usize = 160;

/// One waiting packet without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) seq: u64,
    /// Extended RTP timestamp of its first sample.
    pub(crate) ts: u64,
    pub(crate) facts: PacketFacts,
}

#[derive(Debug, Default)]
struct Slot {
    waiting: Option<Waiting>,
    payload: Vec<u8>,
}

/// A fixed ring of slots addressed by sequence number. Payload buffers go round, so a running stream
/// allocates nothing and holds no more of them than ever waited at once. All packets in it lie within [`CAPACITY`] of each other; the
/// jitter buffer sees to that.
#[derive(Debug)]
pub(crate) struct PacketRing {
    slots: Box<[Slot]>,
    spare: Vec<Vec<u8>>,
    /// Payload of the packet taken last.
    taken: Vec<u8>,
    len: usize,
    newest: u64,
}

impl PacketRing {
    pub(crate) fn new() -> Self {
        let slots = (0..CAPACITY).map(|_| Slot::default()).collect();
        Self {
            slots,
            spare: Vec::new(),
            taken: Vec::new(),
            len: 0,
            newest: 0,
        }
    }

    /// Stores a packet; `false` if this sequence number is there already.
    pub(crate) fn insert(&mut self, packet: Waiting, payload: &[u8]) -> bool {
        let slot = &mut self.slots[(packet.seq % CAPACITY) as usize];
        if slot.waiting.is_some_and(|w| w.seq == packet.seq) {
            return false;
        }
        if slot.waiting.replace(packet).is_none() {
            self.len += 1;
            slot.payload = self
                .spare
                .pop()
                .unwrap_or_else(|| Vec::with_capacity(USUAL_PAYLOAD));
        }
        slot.payload.clear();
        slot.payload.extend_from_slice(payload);
        self.newest = if self.len == 1 {
            packet.seq
        } else {
            self.newest.max(packet.seq)
        };
        true
    }

    /// The packet with the lowest sequence number at or above `seq`.
    pub(crate) fn first_from(&self, seq: u64) -> Option<Waiting> {
        if self.len == 0 {
            return None;
        }
        (seq..=self.newest)
            .take(CAPACITY as usize)
            .find_map(|s| self.get(s))
    }

    /// The packet with the highest sequence number, if it still waits.
    pub(crate) fn newest(&self) -> Option<Waiting> {
        self.get(self.newest)
    }

    pub(crate) fn get(&self, seq: u64) -> Option<Waiting> {
        self.slots[(seq % CAPACITY) as usize]
            .waiting
            .filter(|w| w.seq == seq)
    }

    /// The payload of a packet that stays in the ring (its FEC data is read first).
    pub(crate) fn peek(&self, seq: u64) -> &[u8] {
        &self.slots[(seq % CAPACITY) as usize].payload
    }

    /// Frees the packet's slot and returns its payload.
    pub(crate) fn take(&mut self, seq: u64) -> &[u8] {
        let slot = &mut self.slots[(seq % CAPACITY) as usize];
        if slot.waiting.take_if(|waiting| waiting.seq == seq).is_some() {
            self.len -= 1;
            self.spare.push(std::mem::replace(
                &mut self.taken,
                std::mem::take(&mut slot.payload),
            ));
        }
        &self.taken
    }

    /// Forgets all packets.
    pub(crate) fn clear(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| slot.waiting.is_some()) {
            slot.waiting = None;
            self.spare.push(std::mem::take(&mut slot.payload));
        }
        self.len = 0;
    }
}

/// From `a` to `b` in ticks, negative if `b` is earlier; right across wrap-around.
pub(crate) fn span(a: u64, b: u64) -> Ticks {
    b.wrapping_sub(a) as Ticks
}
