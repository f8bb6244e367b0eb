//! Who is offered to the pods next, and who has waited long enough. Pure: what Redis holds and the time are inputs.
//!
//! Conversations that lost their agent come first. Among the calls that ring the tenant with the fewest calls on the pool is next, and its oldest call; so one tenant's
//! burst does not hold up the others. No more calls are offered than the pods say they have room for. Where no pod says anything (none runs, or Redis lost their
//! reports), calls are offered anyway, with growing pauses.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};

use crate::{
    domain::ids::{CallId, TenantId},
    storage::redis::Survey,
};

/// The rhythm of offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingPolicy {
    /// Age at which a call that rings is given up.
    pub ring_deadline: Duration,
    /// Time after which a conversation without an agent is given up.
    pub orphan_deadline: Duration,
    /// Pause after the first offer; a pod answers one within 3 s or never.
    pub first_pause: Duration,
    /// The pause doubles up to this.
    pub longest_pause: Duration,
    /// Pause after an offer when a pod has just got room.
    pub fresh_room_pause: Duration,
    /// How long an unanswered offer counts as taking one pod's room.
    pub in_flight: Duration,
}

impl RingPolicy {
    /// The usual rhythm up to these deadlines.
    #[must_use]
    pub const fn until(ring_deadline: Duration, orphan_deadline: Duration) -> Self {
        Self {
            ring_deadline,
            orphan_deadline,
            first_pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(5),
            fresh_room_pause: Duration::from_millis(400),
            in_flight: Duration::from_millis(1500),
        }
    }

    /// Pause after the `nth` offer of a call, counted from 1.
    #[must_use]
    pub fn pause(&self, nth: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(nth.saturating_sub(1));
        self.first_pause
            .saturating_mul(doubled)
            .min(self.longest_pause)
    }
}

/// The room that pods have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Calls that all pods together would take; `None` if no pod has said.
    pub free: Option<u32>,
    /// A pod has got room since the last look.
    pub is_fresh: bool,
}

/// What to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Offer it, if nobody did within the pause.
    Offer {
        /// Whose.
        tenant: TenantId,
        /// Which.
        call: CallId,
        /// Since the last offer.
        pause: Duration,
    },
    /// It has waited long enough.
    GiveUp {
        /// Whose.
        tenant: TenantId,
        /// Which.
        call: CallId,
    },
}

/// Decides on all calls that need a pod, in the order in which they are to be offered.
#[must_use]
pub fn plan(
    policy: &RingPolicy,
    now: DateTime<Utc>,
    tenants: &[(TenantId, Survey)],
    room: Room,
) -> Vec<Action> {
    let mut plan = Plan::new(policy, now, tenants, room);
    plan.give_up();
    plan.offer_orphans();
    plan.offer_waiting();
    plan.offer_heirless();
    plan.actions
}

struct Plan<'a> {
    policy: &'a RingPolicy,
    now: DateTime<Utc>,
    tenants: &'a [(TenantId, Survey)],
    is_fresh: bool,
    /// Offers that may still be made; `None`: unlimited.
    left: Option<u32>,
    actions: Vec<Action>,
}

impl<'a> Plan<'a> {
    fn new(
        policy: &'a RingPolicy,
        now: DateTime<Utc>,
        tenants: &'a [(TenantId, Survey)],
        room: Room,
    ) -> Self {
        let offers = tenants
            .iter()
            .flat_map(|(_, survey)| survey.offers.values());
        let in_flight = offers
            .filter(|(at, _)| since(*at, now) < policy.in_flight)
            .count();
        let in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        Self {
            policy,
            now,
            tenants,
            is_fresh: room.is_fresh,
            left: room.free.map(|free| free.saturating_sub(in_flight)),
            actions: Vec::new(),
        }
    }

    fn give_up(&mut self) {
        for (tenant, survey) in self.tenants {
            let rang = survey
                .waiting
                .iter()
                .map(|c| (c, self.policy.ring_deadline));
            let lost = survey
                .orphaned
                .iter()
                .map(|c| (c, self.policy.orphan_deadline));
            for ((call, at), deadline) in rang.chain(lost) {
                if since(*at, self.now) >= deadline {
                    let (tenant, call) = (*tenant, *call);
                    self.actions.push(Action::GiveUp { tenant, call });
                }
            }
        }
    }

    fn offer_orphans(&mut self) {
        let mut calls = self.all(|survey| &survey.orphaned, self.policy.orphan_deadline);
        calls.sort_by_key(|(_, _, at)| *at);
        for (tenant, call, _) in calls {
            self.offer(tenant, call);
        }
    }

    /// One call of the tenant with the fewest calls, then again.
    fn offer_waiting(&mut self) {
        let mut load: HashMap<TenantId, usize> = self
            .tenants
            .iter()
            .map(|(tenant, survey)| (*tenant, survey.leases.len()))
            .collect();
        let mut calls = self.all(|survey| &survey.waiting, self.policy.ring_deadline);
        calls.sort_by_key(|(_, _, at)| *at);
        while self.has_room() && !calls.is_empty() {
            let next = calls
                .iter()
                .enumerate()
                .min_by_key(|(_, (tenant, _, at))| (load[tenant], *at))
                .map(|(place, _)| place);
            let Some(place) = next else { return };
            let (tenant, call, _) = calls.remove(place);
            *load.entry(tenant).or_default() += 1;
            self.offer(tenant, call);
        }
    }

    fn offer_heirless(&mut self) {
        let mut calls = self.all(|survey| &survey.heirless, Duration::MAX);
        calls.sort_by_key(|(_, _, at)| *at);
        for (tenant, call, _) in calls {
            self.offer(tenant, call);
        }
    }

    fn all(
        &self,
        which: impl Fn(&Survey) -> &Vec<(CallId, DateTime<Utc>)>,
        deadline: Duration,
    ) -> Vec<(TenantId, CallId, DateTime<Utc>)> {
        let each = self.tenants.iter().flat_map(|(tenant, survey)| {
            which(survey).iter().map(|(call, at)| (*tenant, *call, *at))
        });
        each.filter(|(_, _, at)| since(*at, self.now) < deadline)
            .collect()
    }

    fn has_room(&self) -> bool {
        self.left != Some(0)
    }

    /// Offers the call if there is room and its pause is over. One that was offered a moment ago has its room already.
    fn offer(&mut self, tenant: TenantId, call: CallId) {
        let survey = self.tenants.iter().find(|(id, _)| *id == tenant);
        let last = survey.and_then(|(_, survey)| survey.offers.get(&call));
        let pause = match last {
            Some(_) if self.is_fresh => self.policy.fresh_room_pause,
            Some((_, nth)) => self.policy.pause(*nth),
            None => Duration::ZERO,
        };
        let is_due = last.is_none_or(|(at, _)| since(*at, self.now) >= pause);
        if !is_due || !self.has_room() {
            return;
        }
        self.left = self.left.map(|left| left - 1);
        // Of two dispatchers that decide at the same time one makes the offer.
        let pause = pause.max(self.policy.fresh_room_pause);
        self.actions.push(Action::Offer {
            tenant,
            call,
            pause,
        });
    }
}

fn since(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - at).to_std().unwrap_or_default()
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
