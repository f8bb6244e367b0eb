//! Everything at one moment.

use crate::{
    record::{GONE, Lease, Op, Phase, Record},
    rules::{Bounds, CALLS, GATEWAYS, MESSAGES, Rules, WORKERS},
};

/// What a worker is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It has no job.
    #[default]
    Free,
    /// It crashed.
    Dead,
    /// It was offered a call and has not yet heard whether it got it.
    Claiming,
    /// It is ready to inherit a call.
    Heir,
    /// It takes the call for its own.
    Serving,
    /// It has sent a yield and does not speak.
    Yielding,
}

/// Where a worker's agent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Not in the room (any more): it may join.
    #[default]
    Outside,
    /// In the room.
    Inside,
    /// A newer agent removed it: it does not come back.
    Removed,
}

/// A worker, with room for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Worker {
    /// What it is about.
    pub role: Role,
    /// Which call.
    pub call: u8,
    /// That it claimed.
    pub epoch: u8,
    /// The heir that it was given; 0: none.
    pub named: u8,
    /// A renewal that Redis accepted was sent after the last tick.
    pub confirmed: bool,
    /// Where its agent is.
    pub place: Place,
    /// It has removed older agents since it joined.
    pub cleared: bool,
    /// The room vouched for it after the last tick.
    pub vouched: bool,
}

/// What a gateway remembers of a call's lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watch {
    /// Nothing.
    #[default]
    Nothing,
    /// It has asked Redis, and has no answer; whether there was a tick since then.
    Asked(bool),
    /// This lease, and whether there was a tick since then.
    Seen(Lease, bool),
}

/// A message to Redis that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// On which call.
    pub call: u8,
    /// What it asks for. A claim's claimant is the sender.
    pub op: Op,
    /// Worker, counted from 1; 0: a gateway; [`GONE`]: nobody waits for the answer.
    pub from: u8,
    /// Sent after the last tick.
    pub fresh: bool,
}

/// Everything at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct World {
    /// What Redis holds.
    pub calls: [Record; CALLS],
    /// What each gateway remembers of each call.
    pub watch: [[Watch; CALLS]; GATEWAYS],
    /// All workers.
    pub workers: [Worker; WORKERS],
    /// On its way.
    pub mail: [Option<Message>; MESSAGES],
    /// The worker without Redis, counted from 1; 0: none.
    pub cut: u8,
    /// Crashes that may still happen.
    pub crashes: u8,
    /// Partitions that may still happen.
    pub partitions: u8,
}

impl World {
    /// All calls ring, nobody serves.
    #[must_use]
    pub fn new(bounds: &Bounds) -> Self {
        let mut world = Self {
            calls: [Record::default(); CALLS],
            watch: [[Watch::Nothing; CALLS]; GATEWAYS],
            workers: [Worker::default(); WORKERS],
            mail: [None; MESSAGES],
            cut: 0,
            crashes: bounds.crashes,
            partitions: bounds.partitions,
        };
        for call in &mut world.calls[..usize::from(bounds.calls)] {
            *call = Record::admitted();
        }
        for worker in &mut world.workers[usize::from(bounds.workers)..] {
            worker.role = Role::Dead;
        }
        world
    }

    /// Redis cannot be reached by this worker.
    #[must_use]
    pub fn is_cut(&self, worker: usize) -> bool {
        usize::from(self.cut) == worker + 1
    }

    /// The call is this worker's for the time being: its renewal is accepted, and it has not yielded.
    #[must_use]
    pub fn holds(&self, worker: usize) -> bool {
        let worker = &self.workers[worker];
        worker.role == Role::Serving && worker.confirmed
    }

    /// A caller hears this worker, if it has something to say.
    #[must_use]
    pub fn is_heard(&self, worker: usize, evict: bool) -> bool {
        let worker = &self.workers[worker];
        worker.role == Role::Serving
            && worker.place == Place::Inside
            && (worker.cleared || !evict)
            && (worker.confirmed || worker.vouched)
    }

    /// A newer agent than this worker's is in its room, and not as the heir that it asked for.
    #[must_use]
    pub fn sees_newer(&self, worker: usize) -> bool {
        let me = &self.workers[worker];
        self.workers.iter().any(|other| {
            other.is_in_room_of(me.call) && other.epoch > me.epoch && other.epoch != me.named
        })
    }

    /// An heir of this epoch says that it is ready.
    #[must_use]
    pub fn is_heir_ready(&self, call: u8, epoch: u8) -> bool {
        let is_it = |worker: &Worker| {
            worker.role == Role::Heir && worker.call == call && worker.epoch == epoch
        };
        epoch != 0 && self.workers.iter().any(is_it)
    }

    /// The worker's job is over: nobody answers to its name any more.
    pub fn leave(&mut self, worker: usize) {
        let name = number(worker);
        for call in &mut self.calls {
            for claimant in [&mut call.claimant, &mut call.heir_claimant] {
                if *claimant == name {
                    *claimant = GONE;
                }
            }
        }
        for message in self.mail.iter_mut().flatten() {
            if message.from == name {
                message.from = GONE;
            }
        }
        self.workers[worker] = Worker::default();
    }

    /// What must hold at each moment.
    ///
    /// # Errors
    /// Says what does not.
    pub fn check(&self, bounds: &Bounds, rules: &Rules) -> Result<(), &'static str> {
        for (call, record) in self.calls.iter().enumerate() {
            if record.phase == Phase::Unknown {
                continue;
            }
            if !bounds.only_owners {
                record.is_findable()?;
            }
            let of_call = |worker: &usize| usize::from(self.workers[*worker].call) == call;
            let count = |is: &dyn Fn(usize) -> bool| {
                (0..WORKERS).filter(of_call).filter(|w| is(*w)).count()
            };
            if count(&|worker| self.holds(worker)) > 1 {
                return Err("two workers hold one call");
            }
            if count(&|worker| self.is_heard(worker, rules.evict)) > 1 {
                return Err("two workers are heard in one call");
            }
            let is_owner = |worker: usize| {
                let worker = &self.workers[worker];
                worker.role == Role::Serving && worker.epoch == record.epoch
            };
            if count(&is_owner) > 1 {
                return Err("two workers own one call");
            }
        }
        Ok(())
    }

    /// What must hold between a moment and the next one.
    ///
    /// # Errors
    /// Says what does not.
    pub fn check_since(&self, before: &Self) -> Result<(), &'static str> {
        for (now, then) in self.calls.iter().zip(&before.calls) {
            if now.epoch < then.epoch {
                return Err("an epoch shrank");
            }
            if then.phase == Phase::Ended && now.phase != Phase::Ended {
                return Err("an ended call came back");
            }
        }
        Ok(())
    }
}

impl Worker {
    /// It does not know yet that its call is lost to it. Which call that was makes no difference.
    pub const OUT: Self = Self {
        role: Role::Claiming,
        call: 0,
        epoch: 0,
        named: 0,
        confirmed: false,
        place: Place::Outside,
        cleared: false,
        vouched: false,
    };

    /// See [`Worker::OUT`].
    #[must_use]
    pub fn is_out(&self) -> bool {
        *self == Self::OUT
    }

    /// Its agent is in that call's room.
    #[must_use]
    pub fn is_in_room_of(&self, call: u8) -> bool {
        self.place == Place::Inside && self.call == call
    }

    /// It has a job.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        !matches!(self.role, Role::Free | Role::Dead)
    }
}

/// A worker's name in records and messages.
#[must_use]
pub fn number(worker: usize) -> u8 {
    worker as u8 + 1
}
