//! States that differ only in names, in numbers that nobody compares, or in messages that can do nothing, are one state.
//!
//! - Workers, gateways and calls are interchangeable.
//! - Of a call's epochs it matters which is the owner's and which the heir's; in a room also their order.
//! - Of a lease's counter it matters whether a gateway saw this one.
//! - A worker whose call is over, or another's, is refused whatever it asks for, whatever it takes itself for.
//! - A message that is answered `fenced`, `over`, `lost` or `kept` whatever comes changes nothing when it runs. What its sender would learn, it learns as well by asking again.

use crate::{
    record::{GONE, Lease, Op, Phase, Record},
    rules::{Bounds, CALLS, Rules, WORKERS},
    world::{Message, Role, Watch, Worker, World, number},
};

/// A state, bit for bit.
pub type Key = [u64; 3];

/// An epoch that no record and no other worker knows.
const VOID: u8 = 15;

impl World {
    /// One of the states that are as good as this one, always the same of them, and its name.
    #[must_use]
    pub fn canonical(mut self, bounds: &Bounds, rules: &Rules) -> (Self, Key) {
        for call in 0..usize::from(bounds.calls) {
            self.forget_details(call, bounds, rules);
        }
        if bounds.calls < 2 {
            return self.sorted(bounds);
        }
        let mut other = self;
        other.swap_calls();
        match looks(&self.calls[0]).cmp(&looks(&self.calls[1])) {
            std::cmp::Ordering::Less => self.sorted(bounds),
            std::cmp::Ordering::Greater => other.sorted(bounds),
            std::cmp::Ordering::Equal => {
                let (one, two) = (self.sorted(bounds), other.sorted(bounds));
                if one.1 <= two.1 { one } else { two }
            }
        }
    }

    fn forget_details(&mut self, call: usize, bounds: &Bounds, rules: &Rules) {
        let before = self.calls[call];
        for place in &mut self.mail {
            if place.is_some_and(|m| usize::from(m.call) == call && is_vain(&m, &before, rules)) {
                *place = None;
            }
        }
        let is_merged = rules.fence() && !bounds.room;
        let names = Epochs::of(self, call, bounds.room);
        let record = &mut self.calls[call];
        record.offers = 0;
        record.epoch = names.of_worker(record.epoch);
        record.heir = names.of_worker(record.heir);
        if let Some(lease) = &mut record.lease {
            *lease = names.lease(*lease, &before);
        }
        if record.phase == Phase::Ended {
            (record.claimant, record.heir, record.heir_claimant) = (0, 0, 0);
            record.next = true;
        }
        for watch in self.watch.iter_mut().map(|all| &mut all[call]) {
            match watch {
                Watch::Seen(seen, _) if Some(*seen) != before.lease && rules.lapse_cas => {
                    *watch = Watch::Nothing;
                }
                Watch::Seen(seen, _) => *seen = names.lease(*seen, &before),
                Watch::Asked(_) | Watch::Nothing => {}
            }
        }
        for (index, worker) in self.workers.iter_mut().enumerate() {
            if !worker.is_busy() || worker.is_out() || usize::from(worker.call) != call {
                continue;
            }
            if is_merged && is_refused(worker, number(index), &before) {
                *worker = Worker::OUT;
                continue;
            }
            let is_fenced = worker.epoch < before.epoch && rules.epoch_check;
            worker.epoch = names.of_worker(worker.epoch);
            worker.named = if is_fenced {
                0
            } else {
                names.of_worker(worker.named)
            };
        }
        for message in self.mail.iter_mut().flatten() {
            if usize::from(message.call) == call {
                message.op = names.op(message.op, &before);
                message.fresh &= matches!(message.op, Op::Claim { .. } | Op::Raise { .. });
            }
        }
    }

    fn swap_calls(&mut self) {
        self.calls.swap(0, 1);
        for watch in &mut self.watch {
            watch.swap(0, 1);
        }
        for worker in self
            .workers
            .iter_mut()
            .filter(|w| w.is_busy() && !w.is_out())
        {
            worker.call ^= 1;
        }
        for message in self.mail.iter_mut().flatten() {
            message.call ^= 1;
        }
    }

    fn sorted(mut self, bounds: &Bounds) -> (Self, Key) {
        if bounds.gateways == 2 && self.watch[0] > self.watch[1] {
            self.watch.swap(0, 1);
        }
        let count = usize::from(bounds.workers);
        let mut order: [(u64, usize); WORKERS] = std::array::from_fn(|w| (u64::MAX, w));
        for (worker, place) in order[..count].iter_mut().enumerate() {
            *place = (self.face(worker), worker);
        }
        if order[..count]
            .iter()
            .zip(&order[1..count])
            .any(|(a, b)| a.0 > b.0)
        {
            order[..count].sort_unstable();
            self.rename(order.map(|(_, worker)| worker));
        }
        self.mail.sort_unstable();
        (self, self.key())
    }

    /// All that tells a worker from another one.
    fn face(&self, worker: usize) -> u64 {
        let name = number(worker);
        let is_named = |claimant: fn(&Record) -> u8| self.calls.iter().any(|c| claimant(c) == name);
        let mut own: [u64; 2] = self.mail.map(|message| {
            message
                .filter(|m| m.from == name)
                .map_or(0, |m| content(&m))
        });
        own.sort_unstable();
        let mut bits = Bits::default();
        bits.push(packed(&self.workers[worker]), 17);
        bits.push(u64::from(is_named(|call| call.claimant)), 1);
        bits.push(u64::from(is_named(|call| call.heir_claimant)), 1);
        bits.push(u64::from(self.cut == name), 1);
        bits.push(own[0], 14);
        bits.push(own[1], 14);
        bits.0
    }

    /// The worker at each place is the one that was at the place given.
    fn rename(&mut self, from: [usize; WORKERS]) {
        let mut names = [0; 8];
        names[usize::from(GONE)] = GONE;
        for (new, old) in from.into_iter().enumerate() {
            names[usize::from(number(old))] = number(new);
        }
        let rename = |name: &mut u8| *name = names[usize::from(*name)];
        self.workers = from.map(|old| self.workers[old]);
        for call in &mut self.calls {
            rename(&mut call.claimant);
            rename(&mut call.heir_claimant);
        }
        for message in self.mail.iter_mut().flatten() {
            rename(&mut message.from);
        }
        rename(&mut self.cut);
    }

    fn key(&self) -> Key {
        let [mut calls, mut workers, mut others] = [Bits::default(); 3];
        for call in &self.calls {
            calls.push(call.phase as u64, 3);
            calls.push(call.epoch.into(), 4);
            calls.push(call.claimant.into(), 3);
            calls.push(call.heir.into(), 4);
            calls.push(call.heir_claimant.into(), 3);
            calls.push(call.next.into(), 1);
            calls.push(call.lease.map_or(0, |lease| lease.epoch).into(), 4);
            for is_in in [call.queued, call.orphaned, call.heirless, call.slot] {
                calls.push(is_in.into(), 1);
            }
        }
        calls.push(self.cut.into(), 2);
        calls.push(self.crashes.into(), 2);
        calls.push(self.partitions.into(), 2);
        for worker in &self.workers {
            workers.push(packed(worker), 17);
        }
        for message in &self.mail {
            let (what, from) = message.map_or((0, 0), |m| (content(&m), m.from));
            others.push(what, 14);
            others.push(from.into(), 3);
        }
        for watch in self.watch.iter().flatten() {
            let (kind, lease) = match watch {
                Watch::Nothing => (0, 0),
                Watch::Asked(is_ripe) => (1 + u64::from(*is_ripe), 0),
                Watch::Seen(lease, is_ripe) => (
                    3 + u64::from(*is_ripe) + 2 * u64::from(lease.counter),
                    lease.epoch,
                ),
            };
            others.push(kind, 3);
            others.push(lease.into(), 4);
        }
        [calls.0, workers.0, others.0]
    }
}

/// New names for the epochs that are in use for a call.
struct Epochs {
    owner: u8,
    heir: u8,
    /// In ascending order, if the order matters.
    known: Option<Vec<u8>>,
}

impl Epochs {
    fn of(world: &World, call: usize, in_order: bool) -> Self {
        let record = &world.calls[call];
        let known = in_order.then(|| {
            let of_call = |worker: &&Worker| worker.is_busy() && usize::from(worker.call) == call;
            let workers = world.workers.iter().filter(of_call).map(|w| w.epoch);
            let mut known: Vec<u8> = workers.chain([record.epoch, record.heir]).collect();
            known.retain(|epoch| *epoch != 0);
            known.sort_unstable();
            known.dedup();
            known
        });
        Self {
            owner: record.epoch,
            heir: record.heir,
            known,
        }
    }

    fn of_worker(&self, epoch: u8) -> u8 {
        match &self.known {
            _ if epoch == 0 => 0,
            Some(known) => known
                .binary_search(&epoch)
                .map_or(VOID, |rank| rank as u8 + 1),
            None if epoch == self.owner => 2,
            None if epoch == self.heir => 3,
            None => 1,
        }
    }

    fn lease(&self, lease: Lease, record: &Record) -> Lease {
        Lease {
            epoch: self.of_worker(lease.epoch),
            counter: u8::from(Some(lease) != record.lease),
        }
    }

    fn op(&self, op: Op, record: &Record) -> Op {
        let of = |epoch| self.of_worker(epoch);
        match op {
            Op::Claim { epoch, claimant } => Op::Claim {
                epoch: of(epoch),
                claimant,
            },
            Op::Lapse { seen } => Op::Lapse {
                seen: self.lease(seen, record),
            },
            Op::Yield { epoch, heir } => Op::Yield {
                epoch: of(epoch),
                heir: of(heir),
            },
            Op::Raise { epoch } => Op::Raise { epoch: of(epoch) },
            Op::HandOver { epoch } => Op::HandOver { epoch: of(epoch) },
            Op::Surrender { epoch } => Op::Surrender { epoch: of(epoch) },
            Op::Activate { epoch } => Op::Activate { epoch: of(epoch) },
            Op::End { epoch } => Op::End { epoch: of(epoch) },
            Op::SetNext { epoch } => Op::SetNext { epoch: of(epoch) },
            Op::Admit | Op::Offer | Op::Lend | Op::GiveUp | Op::Release => op,
        }
    }
}

/// The message can change nothing, now or later.
fn is_vain(message: &Message, record: &Record, rules: &Rules) -> bool {
    let is_fenced = |epoch: u8| epoch < record.epoch && rules.epoch_check;
    if record.phase == Phase::Ended {
        return true;
    }
    match message.op {
        Op::Claim { epoch, .. } if rules.claim_cas => is_late(epoch, message.from, record),
        Op::Claim { epoch, .. } => epoch != record.epoch && epoch != record.heir,
        Op::Lapse { seen } => {
            (rules.lapse_cas && Some(seen) != record.lease) || is_fenced(seen.epoch)
        }
        Op::Yield { epoch, heir } => is_fenced(epoch) || heir != record.heir,
        Op::Raise { epoch }
        | Op::HandOver { epoch }
        | Op::Surrender { epoch }
        | Op::Activate { epoch }
        | Op::End { epoch }
        | Op::SetNext { epoch } => is_fenced(epoch),
        Op::Admit | Op::Offer | Op::Lend | Op::GiveUp | Op::Release => false,
    }
}

/// Another claim was faster.
fn is_late(epoch: u8, claimant: u8, record: &Record) -> bool {
    if record.heir != 0 && epoch == record.heir {
        record.heir_claimant != 0 && record.heir_claimant != claimant
    } else {
        epoch != record.epoch || record.claimant != 0 && record.claimant != claimant
    }
}

/// The worker can have no effect on the call any more.
fn is_refused(worker: &Worker, name: u8, record: &Record) -> bool {
    match worker.role {
        _ if record.phase == Phase::Ended => true,
        Role::Claiming | Role::Heir => is_late(worker.epoch, name, record),
        _ => worker.epoch < record.epoch && !worker.confirmed,
    }
}

/// What is seen of a call without looking at the others.
fn looks(record: &Record) -> (Phase, u8, u8, u8, bool) {
    let kind = |claimant: u8| {
        if claimant == 0 || claimant == GONE {
            claimant
        } else {
            1
        }
    };
    (
        record.phase,
        kind(record.claimant),
        u8::from(record.heir != 0),
        kind(record.heir_claimant),
        record.next,
    )
}

fn packed(worker: &Worker) -> u64 {
    let mut bits = Bits::default();
    bits.push(worker.role as u64, 3);
    bits.push(worker.call.into(), 1);
    bits.push(worker.epoch.into(), 4);
    bits.push(worker.named.into(), 4);
    bits.push(worker.confirmed.into(), 1);
    bits.push(worker.place as u64, 2);
    bits.push(worker.cleared.into(), 1);
    bits.push(worker.vouched.into(), 1);
    bits.0
}

/// All of a message but its sender; never 0.
fn content(message: &Message) -> u64 {
    let (kind, epoch, other) = match message.op {
        Op::Claim { epoch, .. } => (1, epoch, 0),
        Op::Raise { epoch } => (2, epoch, 0),
        Op::Lapse { seen } => (3, seen.epoch, seen.counter),
        Op::Surrender { epoch } => (4, epoch, 0),
        Op::HandOver { epoch } => (5, epoch, 0),
        Op::Yield { epoch, heir } => (6, epoch, heir),
        Op::Activate { epoch } => (7, epoch, 0),
        Op::End { epoch } => (8, epoch, 0),
        Op::SetNext { epoch } => (9, epoch, 0),
        Op::Admit | Op::Offer | Op::Lend | Op::GiveUp | Op::Release => (10, 0, 0),
    };
    let mut bits = Bits::default();
    bits.push(kind, 4);
    bits.push(epoch.into(), 4);
    bits.push(other.into(), 4);
    bits.push(message.call.into(), 1);
    bits.push(message.fresh.into(), 1);
    bits.0
}

#[derive(Clone, Copy, Default)]
struct Bits(u64);

impl Bits {
    fn push(&mut self, value: u64, width: u32) {
        assert!(value >> width == 0, "{value} takes more than {width} bits");
        self.0 = self.0 << width | value;
    }
}

const _: () = assert!(CALLS == 2 && WORKERS < GONE as usize);
