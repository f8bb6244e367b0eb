//! One call in Redis: what each Lua script does to it and answers. The scripts are in `src/storage/redis/lua`, under the operations' names.

use crate::rules::Rules;

/// Where a call stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not admitted, or lost by Redis.
    #[default]
    Unknown,
    /// It rings.
    Waiting,
    /// A worker warms up for it.
    Claimed,
    /// In conversation.
    Active,
    /// In conversation, without an agent.
    Orphaned,
    /// Over.
    Ended,
}

/// A worker's last sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// Whose.
    pub epoch: u8,
    /// How often it was raised.
    pub counter: u8,
}

/// A claimant that never asks again: its job is over.
pub const GONE: u8 = 7;

/// A call's record and its places in the tenant's indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Where the call stands.
    pub phase: Phase,
    /// The latest owner's.
    pub epoch: u8,
    /// Who claimed it; 0: nobody.
    pub claimant: u8,
    /// The epoch that is to inherit; 0: none.
    pub heir: u8,
    /// Who claimed the inheritance; 0: nobody.
    pub heir_claimant: u8,
    /// What follows the call is written down.
    pub next: bool,
    /// In `queue`.
    pub queued: bool,
    /// In `orphans`.
    pub orphaned: bool,
    /// In `heirs`.
    pub heirless: bool,
    /// In `slots`.
    pub slot: bool,
    /// In `leases`.
    pub lease: Option<Lease>,
    /// In `offers`: how often.
    pub offers: u8,
}

/// An operation of the store on one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// `admit.lua`, for a new call within all limits.
    Admit,
    /// `offer.lua`, when no pause is kept.
    Offer,
    /// `claim.lua`.
    Claim {
        /// That the job was offered.
        epoch: u8,
        /// Pod and job.
        claimant: u8,
    },
    /// `raise_lease.lua`.
    Raise {
        /// The writer's.
        epoch: u8,
    },
    /// `lapse.lua`, by a gateway.
    Lapse {
        /// The lease that it saw.
        seen: Lease,
    },
    /// `lapse.lua`, by the worker itself.
    Surrender {
        /// The writer's.
        epoch: u8,
    },
    /// `lend_lease.lua`.
    Lend,
    /// `hand_over.lua`.
    HandOver {
        /// The writer's.
        epoch: u8,
    },
    /// `yield.lua`.
    Yield {
        /// The writer's.
        epoch: u8,
        /// To whom.
        heir: u8,
    },
    /// `set_phase.lua` with `active`.
    Activate {
        /// The writer's.
        epoch: u8,
    },
    /// `set_phase.lua` with `ended`.
    End {
        /// The writer's.
        epoch: u8,
    },
    /// `set_next.lua`.
    SetNext {
        /// The writer's.
        epoch: u8,
    },
    /// `give_up.lua`.
    GiveUp,
    /// `release.lua`.
    Release,
}

/// What the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Ok,
    /// A decision between two: it was so now, or not.
    Was(bool),
    /// The call is the claimant's.
    Won,
    /// The claimant is to inherit it.
    Heir,
    /// It is somebody else's.
    Lost,
    /// The lease's counter.
    Raised(u8),
    /// The heir's epoch.
    Named(u8),
    /// An offer may be made: the how manieth, and for which epoch.
    Offered(u8, u8),
    /// No offer is needed.
    Taken,
    /// It waits again, under this epoch.
    Waiting(u8),
    /// It needs another agent, under this epoch.
    Orphaned(u8),
    /// It is over with its worker.
    Ended,
    /// It is not taken away.
    Kept,
    /// A newer epoch owns it: this one.
    Fenced(u8),
    /// It is not in conversation, or there is no such heir.
    Over,
    /// Redis does not know it.
    Unknown,
}

impl Record {
    /// A call that has just been admitted.
    #[must_use]
    pub fn admitted() -> Self {
        Self {
            phase: Phase::Waiting,
            epoch: 1,
            queued: true,
            slot: true,
            ..Self::default()
        }
    }

    /// Runs an operation, as its script does.
    pub fn run(&mut self, rules: &Rules, op: Op) -> Answer {
        match op {
            Op::Admit => self.admit(),
            Op::Offer => self.offer(),
            Op::Claim { epoch, claimant } => self.claim(rules, epoch, claimant),
            Op::Lapse { seen } => self.lapse(rules, seen.epoch, Some(seen)),
            Op::Surrender { epoch } => self.lapse(rules, epoch, None),
            Op::Lend => self.lend(),
            Op::GiveUp => self.give_up(),
            Op::Release => self.release(),
            Op::Raise { epoch }
            | Op::HandOver { epoch }
            | Op::Yield { epoch, .. }
            | Op::Activate { epoch }
            | Op::End { epoch }
            | Op::SetNext { epoch } => {
                if self.phase == Phase::Unknown {
                    Answer::Unknown
                } else if epoch < self.epoch && rules.epoch_check {
                    Answer::Fenced(self.epoch)
                } else {
                    self.write(op, epoch)
                }
            }
        }
    }

    /// By an epoch that is not fenced.
    fn write(&mut self, op: Op, epoch: u8) -> Answer {
        match op {
            Op::Raise { .. } => self.raise(epoch),
            Op::HandOver { .. } => self.hand_over(),
            Op::Yield { heir, .. } => self.yield_to(heir),
            Op::SetNext { .. } => {
                self.next = true;
                Answer::Ok
            }
            Op::End { .. } => {
                self.end();
                Answer::Ok
            }
            _ => self.activate(),
        }
    }

    fn admit(&mut self) -> Answer {
        let is_new = self.phase == Phase::Unknown;
        if is_new {
            *self = Self::admitted();
        }
        Answer::Was(is_new)
    }

    fn offer(&mut self) -> Answer {
        let is_heirless = self.phase == Phase::Active && self.heir != 0 && self.heir_claimant == 0;
        if !is_heirless && !matches!(self.phase, Phase::Waiting | Phase::Orphaned) {
            return Answer::Taken;
        }
        self.offers += 1;
        Answer::Offered(
            self.offers,
            if is_heirless { self.heir } else { self.epoch },
        )
    }

    fn claim(&mut self, rules: &Rules, epoch: u8, claimant: u8) -> Answer {
        let is_by = |other: u8| other == claimant && claimant != GONE;
        if self.phase == Phase::Unknown {
            return Answer::Unknown;
        }
        if self.phase == Phase::Active && self.heir != 0 && self.heir == epoch {
            if self.heir_claimant != 0 && !is_by(self.heir_claimant) && rules.claim_cas {
                return Answer::Lost;
            }
            self.heir_claimant = claimant;
            self.heirless = false;
            self.offers = 0;
            return Answer::Heir;
        }
        if epoch != self.epoch || self.phase == Phase::Ended {
            return Answer::Lost;
        }
        match self.phase {
            Phase::Waiting => self.phase = Phase::Claimed,
            Phase::Orphaned => self.phase = Phase::Active,
            _ if is_by(self.claimant) => {
                if rules.claim_raises {
                    self.raise(epoch);
                }
                return Answer::Won;
            }
            _ if rules.claim_cas => return Answer::Lost,
            _ => {}
        }
        self.claimant = claimant;
        self.queued = false;
        self.orphaned = false;
        self.offers = 0;
        self.lease = Some(Lease { epoch, counter: 0 });
        Answer::Won
    }

    fn raise(&mut self, epoch: u8) -> Answer {
        if self.phase == Phase::Ended {
            return Answer::Over;
        }
        if epoch > self.epoch {
            self.epoch = epoch;
            (self.claimant, self.heir, self.heir_claimant) = (0, 0, 0);
            self.heirless = false;
        }
        match self.phase {
            Phase::Waiting => self.phase = Phase::Claimed,
            Phase::Orphaned => self.phase = Phase::Active,
            _ => {}
        }
        if self.queued || self.orphaned {
            (self.queued, self.orphaned, self.offers) = (false, false, 0);
        }
        let of_this = self.lease.filter(|lease| lease.epoch == epoch);
        let counter = of_this.map_or(0, |lease| lease.counter) + 1;
        self.lease = Some(Lease { epoch, counter });
        Answer::Raised(counter)
    }

    fn lapse(&mut self, rules: &Rules, epoch: u8, seen: Option<Lease>) -> Answer {
        if self.phase == Phase::Unknown {
            return Answer::Unknown;
        }
        let is_owner = epoch == self.epoch || !rules.epoch_check;
        if !is_owner || !matches!(self.phase, Phase::Claimed | Phase::Active) {
            return Answer::Kept;
        }
        if seen.is_some() && seen != self.lease && rules.lapse_cas {
            return Answer::Kept;
        }
        self.lease = None;
        self.heirless = false;
        self.offers = 0;
        self.epoch = self.epoch.max(self.heir) + 1;
        (self.claimant, self.heir, self.heir_claimant) = (0, 0, 0);
        if self.next {
            self.end();
            return Answer::Ended;
        }
        if self.phase == Phase::Claimed {
            self.phase = Phase::Waiting;
            self.queued = true;
            return Answer::Waiting(self.epoch);
        }
        self.phase = Phase::Orphaned;
        self.orphaned = true;
        Answer::Orphaned(self.epoch)
    }

    fn lend(&mut self) -> Answer {
        let is_served = matches!(self.phase, Phase::Claimed | Phase::Active);
        let is_lent = is_served && self.lease.is_none();
        if is_lent {
            let epoch = self.epoch;
            self.lease = Some(Lease { epoch, counter: 0 });
        }
        Answer::Was(is_lent)
    }

    fn hand_over(&mut self) -> Answer {
        if self.phase != Phase::Active {
            return Answer::Over;
        }
        self.heir = self.epoch.max(self.heir) + 1;
        self.heir_claimant = 0;
        self.heirless = true;
        self.offers = 0;
        Answer::Named(self.heir)
    }

    fn yield_to(&mut self, heir: u8) -> Answer {
        if self.phase != Phase::Active || self.heir != heir || self.heir_claimant == 0 {
            return Answer::Over;
        }
        (self.epoch, self.claimant) = (heir, self.heir_claimant);
        (self.heir, self.heir_claimant) = (0, 0);
        self.lease = Some(Lease {
            epoch: heir,
            counter: 0,
        });
        self.heirless = false;
        Answer::Ok
    }

    fn activate(&mut self) -> Answer {
        if self.phase != Phase::Ended {
            self.phase = Phase::Active;
            (self.queued, self.orphaned) = (false, false);
            self.slot = true;
        }
        Answer::Ok
    }

    fn give_up(&mut self) -> Answer {
        let is_unserved = matches!(self.phase, Phase::Waiting | Phase::Orphaned);
        if is_unserved {
            self.next = true;
            self.end();
        }
        Answer::Was(is_unserved)
    }

    fn release(&mut self) -> Answer {
        let had_slot = self.slot;
        if self.phase != Phase::Unknown {
            self.end();
        }
        Answer::Was(had_slot)
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        (self.queued, self.orphaned, self.heirless, self.slot) = (false, false, false, false);
        self.lease = None;
        self.offers = 0;
    }

    /// A keeper finds the call where its phase says, and what is over is nowhere.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn is_findable(&self) -> Result<(), &'static str> {
        let served = matches!(self.phase, Phase::Claimed | Phase::Active);
        let lives = !matches!(self.phase, Phase::Unknown | Phase::Ended);
        let heirless = self.phase == Phase::Active && self.heir != 0 && self.heir_claimant == 0;
        match () {
            () if self.queued != (self.phase == Phase::Waiting) => Err("the queue is wrong"),
            () if self.orphaned != (self.phase == Phase::Orphaned) => Err("the orphans are wrong"),
            () if self.lease.is_some() != served => Err("the leases are wrong"),
            () if self.heirless != heirless => Err("the heirs are wrong"),
            () if self.slot != lives => Err("the slots are wrong"),
            () => Ok(()),
        }
    }
}
