//! What happens if nothing goes wrong any more: a partition lasts, but no message is lost, nobody dies, and everybody does its duty.
//!
//! From each state this leads on by one step of the many that are possible, until each call is over or is served by a worker that can go on. A state from which it does
//! not get there is one in which a call is lost.

use crate::{
    record::{GONE, Op, Phase},
    rules::{Bounds, Rules},
    steps::{How, Step},
    world::{Role, Watch, World},
};

impl World {
    /// The next step towards a state in which no call needs anything; nothing if this is one.
    #[must_use]
    pub fn calm(&self, bounds: &Bounds, rules: &Rules) -> Option<Step> {
        self.deliver()
            .or_else(|| self.settle_worker(bounds))
            .or_else(|| {
                (0..usize::from(bounds.calls))
                    .find_map(|call| self.settle_call(bounds, rules, call))
            })
    }

    fn deliver(&self) -> Option<Step> {
        let message = self.mail.iter().position(Option::is_some)?;
        let from = self.mail[message].map_or(GONE, |message| message.from);
        if from != 0 && from == self.cut {
            return Some(Step::Drop(message));
        }
        Some(Step::Arrive {
            message,
            answered: true,
        })
    }

    /// A worker that can reach Redis finds out where it stands.
    fn settle_worker(&self, bounds: &Bounds) -> Option<Step> {
        let reachable = (0..usize::from(bounds.workers)).filter(|w| !self.is_cut(*w));
        reachable.into_iter().find_map(|worker| {
            let me = self.workers[worker];
            let (epoch, record) = (me.epoch, &self.calls[usize::from(me.call)]);
            let is_over = record.phase == Phase::Ended;
            let op = match me.role {
                Role::Claiming => Op::Claim { epoch, claimant: 0 },
                Role::Heir if is_over || epoch != record.heir => Op::Claim { epoch, claimant: 0 },
                Role::Serving if is_over || epoch != record.epoch => Op::Raise { epoch },
                Role::Yielding => Op::Yield {
                    epoch,
                    heir: me.named,
                },
                _ => return None,
            };
            Some(Step::Send {
                worker,
                call: usize::from(me.call),
                op,
                how: How::Answered,
            })
        })
    }

    fn settle_call(&self, bounds: &Bounds, rules: &Rules, call: usize) -> Option<Step> {
        let record = &self.calls[call];
        match record.phase {
            Phase::Unknown | Phase::Ended => None,
            Phase::Waiting | Phase::Orphaned => {
                let is_free = |worker: &usize| {
                    self.workers[*worker].role == Role::Free && !self.is_cut(*worker)
                };
                let claim = Op::Claim {
                    epoch: record.epoch,
                    claimant: 0,
                };
                let offer = |worker| Step::Send {
                    worker,
                    call,
                    op: claim,
                    how: How::Answered,
                };
                let free = (0..usize::from(bounds.workers)).find(is_free);
                Some(free.map_or(Step::GiveUp(call), offer))
            }
            Phase::Claimed | Phase::Active if self.is_served(call) => None,
            Phase::Claimed | Phase::Active => Some(self.towards_lapse(rules, call)),
        }
    }

    fn is_served(&self, call: usize) -> bool {
        let epoch = self.calls[call].epoch;
        self.workers.iter().enumerate().any(|(worker, me)| {
            let is_here = me.role == Role::Serving && usize::from(me.call) == call;
            is_here && me.epoch == epoch && !self.is_cut(worker)
        })
    }

    fn towards_lapse(&self, rules: &Rules, call: usize) -> Step {
        let lease = self.calls[call].lease;
        match self.watch[0][call] {
            Watch::Seen(seen, true) if Some(seen) == lease && rules.lapse => Step::Lapse {
                gateway: 0,
                call,
                how: How::Answered,
            },
            Watch::Seen(seen, _) if Some(seen) == lease => Step::Tick,
            Watch::Asked(_) => Step::Learn(0),
            _ => Step::Look(0),
        }
    }
}
