//! What may happen next.

use crate::{
    record::{Lease, Op, Phase},
    rules::{Bounds, Rules},
    world::{Place, Role, Watch, World},
};

/// How a request fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It runs at once, and its sender knows.
    Answered,
    /// It runs at once; the answer is lost.
    Unanswered,
    /// It is under way for a while.
    Late,
}

/// One event. Workers, gateways, calls and messages are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// More time passes than a worker speaks on for, less than a gateway waits.
    Tick,
    /// A worker dies.
    Crash(usize),
    /// A gateway forgets everything.
    Restart(usize),
    /// A worker loses Redis (or is frozen).
    Cut(usize),
    /// It has it again.
    Heal,
    /// A gateway looks at all leases.
    Look(usize),
    /// A gateway has its answer.
    Learn(usize),
    /// A gateway lets a lease lapse.
    Lapse {
        /// Which gateway.
        gateway: usize,
        /// Which call.
        call: usize,
        /// How that fares.
        how: How,
    },
    /// The deadline of a call that nobody serves passes.
    GiveUp(usize),
    /// The caller hangs up.
    Release(usize),
    /// A worker asks Redis for something.
    Send {
        /// Which worker.
        worker: usize,
        /// On which call.
        call: usize,
        /// For what.
        op: Op,
        /// How that fares.
        how: How,
    },
    /// A message that was under way runs.
    Arrive {
        /// Which.
        message: usize,
        /// Its sender knows.
        answered: bool,
    },
    /// A message is lost.
    Drop(usize),
    /// A worker ends a job that is not, or not yet, its own.
    Leave(usize),
    /// A worker's agent joins the room.
    Join(usize),
    /// A worker removes older agents from the room.
    Clear(usize),
    /// A worker asks the room who is in it.
    Vouch(usize),
    /// A worker's connection to the room breaks.
    Blip(usize),
}

/// All that may happen next.
pub fn steps(world: &World, bounds: &Bounds, rules: &Rules, out: &mut Vec<Step>) {
    out.clear();
    out.push(Step::Tick);
    if world.cut != 0 {
        out.push(Step::Heal);
    }
    for message in (0..world.mail.len()).filter(|at| world.mail[*at].is_some()) {
        out.push(Step::Drop(message));
        for answered in [true, false] {
            out.push(Step::Arrive { message, answered });
        }
    }
    let all = Steps {
        world,
        bounds,
        rules,
    };
    all.of_gateways(out);
    for call in 0..usize::from(bounds.calls) {
        if matches!(world.calls[call].phase, Phase::Waiting | Phase::Orphaned) {
            out.push(Step::GiveUp(call));
        }
        if world.calls[call].phase != Phase::Ended {
            out.push(Step::Release(call));
        }
    }
    for worker in 0..usize::from(bounds.workers) {
        all.of_worker(worker, out);
        if bounds.room {
            all.in_room(worker, out);
        }
    }
}

struct Steps<'a> {
    world: &'a World,
    bounds: &'a Bounds,
    rules: &'a Rules,
}

impl Steps<'_> {
    fn has_post(&self) -> bool {
        let under_way = self.world.mail.iter().flatten().count();
        under_way < usize::from(self.bounds.messages)
    }

    fn of_gateways(&self, out: &mut Vec<Step>) {
        for gateway in 0..usize::from(self.bounds.gateways) {
            out.extend([Step::Look(gateway), Step::Learn(gateway)]);
            if self.world.crashes > 0 {
                out.push(Step::Restart(gateway));
            }
            for call in 0..usize::from(self.bounds.calls) {
                let Watch::Seen(_, is_ripe) = self.world.watch[gateway][call] else {
                    continue;
                };
                if !self.rules.lapse || !is_ripe && self.rules.lease_wait {
                    continue;
                }
                for how in [How::Answered, How::Late] {
                    if how == How::Answered || (self.bounds.anyone_is_late && self.has_post()) {
                        out.push(Step::Lapse { gateway, call, how });
                    }
                }
            }
        }
    }

    fn of_worker(&self, worker: usize, out: &mut Vec<Step>) {
        let me = &self.world.workers[worker];
        if me.role == Role::Dead {
            return;
        }
        if self.world.crashes > 0 {
            out.push(Step::Crash(worker));
        }
        if self.world.partitions > 0 && self.world.cut == 0 {
            out.push(Step::Cut(worker));
        }
        if me.role == Role::Free {
            for call in 0..usize::from(self.bounds.calls) {
                if let Some(epoch) = self.offered(call) {
                    self.send(worker, call, Op::Claim { epoch, claimant: 0 }, out);
                }
            }
            return;
        }
        let (call, epoch) = (usize::from(me.call), me.epoch);
        let record = &self.world.calls[call];
        match me.role {
            Role::Claiming | Role::Heir => {
                out.push(Step::Leave(worker));
                self.send(worker, call, Op::Claim { epoch, claimant: 0 }, out);
            }
            // Whatever it writes, the answer is the same and nothing changes.
            _ if epoch < record.epoch && self.rules.epoch_check => {
                self.send(worker, call, Op::Raise { epoch }, out);
            }
            Role::Serving => {
                self.send(worker, call, Op::Raise { epoch }, out);
                self.send(worker, call, Op::HandOver { epoch }, out);
                self.send(worker, call, Op::SetNext { epoch }, out);
                self.send(worker, call, Op::Surrender { epoch }, out);
                if record.phase == Phase::Claimed {
                    self.send(worker, call, Op::Activate { epoch }, out);
                }
                if record.next {
                    self.send(worker, call, Op::End { epoch }, out);
                }
                if self.world.is_heir_ready(me.call, me.named) {
                    let heir = me.named;
                    self.send(worker, call, Op::Yield { epoch, heir }, out);
                }
            }
            _ => {
                let heir = me.named;
                self.send(worker, call, Op::Raise { epoch }, out);
                self.send(worker, call, Op::HandOver { epoch }, out);
                self.send(worker, call, Op::Yield { epoch, heir }, out);
            }
        }
    }

    /// What a job for the call would claim now.
    fn offered(&self, call: usize) -> Option<u8> {
        let record = &self.world.calls[call];
        match record.phase {
            Phase::Waiting | Phase::Orphaned => Some(record.epoch),
            Phase::Active if record.heir != 0 && record.heir_claimant == 0 => Some(record.heir),
            _ => None,
        }
    }

    fn send(&self, worker: usize, call: usize, op: Op, out: &mut Vec<Step>) {
        let is_cut = self.world.is_cut(worker);
        let is_late = is_cut || self.bounds.anyone_is_late;
        for how in [How::Answered, How::Unanswered, How::Late] {
            let may_be = match how {
                How::Late => is_late && self.has_post(),
                How::Answered | How::Unanswered => !is_cut,
            };
            if may_be {
                out.push(Step::Send {
                    worker,
                    call,
                    op,
                    how,
                });
            }
        }
    }

    fn in_room(&self, worker: usize, out: &mut Vec<Step>) {
        let me = &self.world.workers[worker];
        match (me.role, me.place) {
            (Role::Serving | Role::Heir, Place::Outside) => out.push(Step::Join(worker)),
            (Role::Serving | Role::Yielding, Place::Inside) => {
                out.extend([Step::Clear(worker), Step::Vouch(worker), Step::Blip(worker)])
            }
            (_, Place::Inside) => out.push(Step::Blip(worker)),
            _ => {}
        }
    }
}

impl Watch {
    /// The lease that would lapse.
    #[must_use]
    pub const fn lease(self) -> Option<Lease> {
        match self {
            Self::Seen(lease, _) => Some(lease),
            _ => None,
        }
    }
}
