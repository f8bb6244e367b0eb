//! Does what happens.

use crate::{
    record::{Answer, GONE, Op},
    rules::{Bounds, Rules},
    steps::{How, Step},
    world::{Message, Place, Role, Watch, World, number},
};

/// An operation that ran, as Redis saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// On which call.
    pub call: usize,
    /// Which.
    pub op: Op,
    /// What it answered.
    pub answer: Answer,
}

impl World {
    /// Does one step. Returns what ran in Redis, if anything did.
    pub fn go(&mut self, rules: &Rules, step: Step) -> Option<Ran> {
        match step {
            Step::Tick => self.tick(),
            Step::Crash(worker) => {
                self.crashes -= 1;
                self.leave(worker);
                self.workers[worker].role = Role::Dead;
                if self.is_cut(worker) {
                    self.cut = 0;
                }
            }
            Step::Restart(gateway) => {
                self.crashes -= 1;
                self.watch[gateway] = Default::default();
            }
            Step::Cut(worker) => {
                self.partitions -= 1;
                self.cut = number(worker);
            }
            Step::Heal => self.cut = 0,
            Step::Look(gateway) => self.look(rules, gateway),
            Step::Learn(gateway) => self.learn(gateway),
            Step::Lapse { gateway, call, how } => return self.lapse(rules, gateway, call, how),
            Step::GiveUp(call) => return Some(self.run(rules, call, Op::GiveUp)),
            Step::Release(call) => return Some(self.run(rules, call, Op::Release)),
            Step::Send {
                worker,
                call,
                op,
                how,
            } => return self.send(rules, worker, call, op, how),
            Step::Arrive { message, answered } => return self.arrive(rules, message, answered),
            Step::Drop(message) => self.mail[message] = None,
            Step::Leave(worker) => self.leave(worker),
            Step::Join(_) | Step::Clear(_) | Step::Vouch(_) | Step::Blip(_) => {
                self.in_room(rules, step);
            }
        }
        None
    }

    /// Gateways look at what has just changed, if that is how they are.
    pub fn be_prompt(&mut self, bounds: &Bounds, rules: &Rules) {
        if bounds.prompt_gateways {
            for gateway in 0..usize::from(bounds.gateways) {
                self.look(rules, gateway);
            }
        }
    }

    fn run(&mut self, rules: &Rules, call: usize, op: Op) -> Ran {
        let answer = self.calls[call].run(rules, op);
        Ran { call, op, answer }
    }

    fn tick(&mut self) {
        for worker in &mut self.workers {
            (worker.confirmed, worker.vouched) = (false, false);
        }
        for message in self.mail.iter_mut().flatten() {
            message.fresh = false;
        }
        for watch in self.watch.iter_mut().flatten() {
            match watch {
                Watch::Asked(is_ripe) | Watch::Seen(_, is_ripe) => *is_ripe = true,
                Watch::Nothing => {}
            }
        }
    }

    fn look(&mut self, rules: &Rules, gateway: usize) {
        for (watch, record) in self.watch[gateway].iter_mut().zip(&self.calls) {
            match (*watch, record.lease) {
                (Watch::Asked(_), _) => {}
                (Watch::Seen(seen, _), Some(lease)) if seen == lease => {}
                (_, None) => *watch = Watch::Nothing,
                (_, Some(lease)) if rules.wait_from_answer => *watch = Watch::Seen(lease, false),
                (_, Some(_)) => *watch = Watch::Asked(false),
            }
        }
    }

    fn learn(&mut self, gateway: usize) {
        for (watch, record) in self.watch[gateway].iter_mut().zip(&self.calls) {
            if let Watch::Asked(is_ripe) = *watch {
                let seen = |lease| Watch::Seen(lease, is_ripe);
                *watch = record.lease.map_or(Watch::Nothing, seen);
            }
        }
    }

    fn lapse(&mut self, rules: &Rules, gateway: usize, call: usize, how: How) -> Option<Ran> {
        let seen = self.watch[gateway][call].lease()?;
        let op = Op::Lapse { seen };
        if how == How::Late {
            self.post(call, op, 0);
            return None;
        }
        self.watch[gateway][call] = Watch::Nothing;
        Some(self.run(rules, call, op))
    }

    fn send(&mut self, rules: &Rules, worker: usize, call: usize, op: Op, how: How) -> Option<Ran> {
        let me = &mut self.workers[worker];
        match op {
            Op::Claim { epoch, .. } if me.role == Role::Free => {
                (me.role, me.call, me.epoch) = (Role::Claiming, call as u8, epoch);
            }
            Op::Yield { .. } if rules.silent_yield => me.role = Role::Yielding,
            // Its last word, whatever becomes of it.
            Op::End { .. } | Op::Surrender { .. } => self.leave(worker),
            _ => {}
        }
        let from = if self.workers[worker].is_busy() {
            number(worker)
        } else {
            GONE
        };
        if how == How::Late {
            self.post(call, op, from);
            return None;
        }
        let op = signed(op, from);
        let ran = self.run(rules, call, op);
        if how == How::Answered && from != GONE {
            self.hear(worker, ran, true);
        }
        Some(ran)
    }

    fn post(&mut self, call: usize, op: Op, from: u8) {
        if let Some(place) = self.mail.iter_mut().find(|place| place.is_none()) {
            *place = Some(Message {
                call: call as u8,
                op,
                from,
                fresh: true,
            });
        }
    }

    fn arrive(&mut self, rules: &Rules, message: usize, answered: bool) -> Option<Ran> {
        let message = self.mail[message].take()?;
        let op = signed(message.op, message.from);
        let ran = self.run(rules, usize::from(message.call), op);
        let is_awaited = message.from != 0 && message.from != GONE;
        if answered && is_awaited && message.from != self.cut {
            self.hear(usize::from(message.from - 1), ran, message.fresh);
        }
        Some(ran)
    }

    /// A worker learns what became of its request, which it sent after the last tick or before.
    fn hear(&mut self, worker: usize, ran: Ran, fresh: bool) {
        let me = &mut self.workers[worker];
        match (ran.op, ran.answer) {
            (Op::Claim { .. }, Answer::Won) if matches!(me.role, Role::Claiming | Role::Heir) => {
                (me.role, me.confirmed) = (Role::Serving, fresh);
            }
            (Op::Claim { .. }, Answer::Heir) if me.role == Role::Claiming => me.role = Role::Heir,
            // It speaks for an earlier state of affairs: what a worker holds since then it got by a newer answer.
            (Op::Claim { .. }, _) if matches!(me.role, Role::Serving | Role::Yielding) => {}
            (Op::Claim { .. }, Answer::Won | Answer::Heir) => {}
            (Op::Raise { .. }, Answer::Raised(_)) => me.confirmed |= fresh,
            (Op::HandOver { .. }, Answer::Named(heir)) => {
                (me.role, me.named) = (Role::Serving, heir);
            }
            // The heir of this yield can inherit no more. Of another yield that says nothing.
            (Op::Yield { heir, .. }, Answer::Over) => {
                if heir == me.named {
                    (me.role, me.named) = (Role::Serving, 0);
                }
            }
            (Op::HandOver { .. }, Answer::Over)
            | (Op::SetNext { .. } | Op::Activate { .. }, Answer::Ok) => {}
            _ => self.leave(worker),
        }
    }

    fn in_room(&mut self, rules: &Rules, step: Step) {
        match step {
            Step::Join(worker) => self.workers[worker].place = Place::Inside,
            Step::Clear(worker) => {
                let me = self.workers[worker];
                for other in &mut self.workers {
                    if other.is_in_room_of(me.call) && other.epoch < me.epoch {
                        other.place = Place::Removed;
                    }
                }
                self.workers[worker].cleared = true;
            }
            Step::Vouch(worker) if self.sees_newer(worker) => self.leave(worker),
            Step::Vouch(worker) => self.workers[worker].vouched = true,
            Step::Blip(worker) => {
                let me = &mut self.workers[worker];
                (me.place, me.cleared) = (Place::Outside, false);
                me.vouched &= !rules.vouch_ends;
            }
            _ => {}
        }
    }
}

/// A claim in its sender's name.
fn signed(op: Op, from: u8) -> Op {
    match op {
        Op::Claim { epoch, .. } => Op::Claim {
            epoch,
            claimant: from,
        },
        _ => op,
    }
}
