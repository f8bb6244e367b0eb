use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::{domain::ids::Epoch, storage::redis::Lease};

const POLICY: RingPolicy = RingPolicy::until(Duration::from_secs(25), Duration::from_secs(20));

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + ms).expect("a time")
}

fn rings(admitted: &[i64]) -> Survey {
    Survey {
        waiting: admitted
            .iter()
            .map(|ms| (CallId::generate(), at(*ms)))
            .collect(),
        ..Survey::default()
    }
}

const fn room(free: u32) -> Room {
    Room {
        free: Some(free),
        is_fresh: false,
    }
}

const UNKNOWN: Room = Room {
    free: None,
    is_fresh: false,
};

fn offered(actions: &[Action]) -> Vec<CallId> {
    let call = |action: &Action| match action {
        Action::Offer { call, .. } => Some(*call),
        Action::GiveUp { .. } => None,
    };
    actions.iter().filter_map(call).collect()
}

fn given_up(actions: &[Action]) -> Vec<CallId> {
    let call = |action: &Action| match action {
        Action::GiveUp { call, .. } => Some(*call),
        Action::Offer { .. } => None,
    };
    actions.iter().filter_map(call).collect()
}

fn serves(mut survey: Survey, calls: usize) -> Survey {
    let lease = Lease {
        epoch: Epoch::FIRST,
        counter: 0,
    };
    survey.leases = (0..calls).map(|_| (CallId::generate(), lease)).collect();
    survey
}

#[test]
fn the_oldest_calls_are_offered_and_no_more_than_there_is_room_for() {
    let (tenant, survey) = (TenantId::generate(), rings(&[0, 10, 20]));
    let waiting: Vec<CallId> = survey.waiting.iter().map(|(call, _)| *call).collect();
    let tenants = [(tenant, survey)];
    assert_eq!(
        offered(&plan(&POLICY, at(30), &tenants, room(2))),
        waiting[..2]
    );
    assert!(plan(&POLICY, at(30), &tenants, room(0)).is_empty());
    assert_eq!(
        offered(&plan(&POLICY, at(30), &tenants, UNKNOWN)),
        waiting,
        "pods that say nothing may yet be there"
    );
}

#[test]
fn one_tenants_burst_does_not_hold_up_another() {
    let (busy, quiet) = (TenantId::generate(), TenantId::generate());
    let burst = serves(rings(&[0, 1, 2, 3]), 2);
    let single = rings(&[100]);
    let (first, late) = (burst.waiting[0].0, single.waiting[0].0);
    let tenants = [(busy, burst), (quiet, single)];
    assert_eq!(
        offered(&plan(&POLICY, at(200), &tenants, room(2))),
        [late, first]
    );
}

#[test]
fn a_conversation_that_lost_its_agent_comes_first() {
    let (one, two) = (TenantId::generate(), TenantId::generate());
    let orphan = CallId::generate();
    let mut lost = serves(Survey::default(), 5);
    lost.orphaned = vec![(orphan, at(900))];
    let tenants = [(one, rings(&[0])), (two, lost)];
    assert_eq!(
        offered(&plan(&POLICY, at(1000), &tenants, room(1))),
        [orphan]
    );
}

#[test]
fn an_heir_is_asked_for_last() {
    let tenant = TenantId::generate();
    let heirless = CallId::generate();
    let mut survey = rings(&[0]);
    let waiting = survey.waiting[0].0;
    survey.heirless = vec![(heirless, at(-10_000))];
    let tenants = [(tenant, survey)];
    assert_eq!(
        offered(&plan(&POLICY, at(10), &tenants, room(1))),
        [waiting]
    );
    assert_eq!(
        offered(&plan(&POLICY, at(10), &tenants, room(2))),
        [waiting, heirless]
    );
}

#[test]
fn an_unanswered_offer_is_repeated_with_growing_pauses_and_soon_when_room_appears() {
    let (tenant, mut survey) = (TenantId::generate(), rings(&[0]));
    let call = survey.waiting[0].0;
    survey.offers = HashMap::from([(call, (at(1000), 1))]);
    let due = |ms: i64, nth: u32, room: Room| {
        let mut survey = survey.clone();
        survey.offers.insert(call, (at(1000), nth));
        !plan(&POLICY, at(ms), &[(tenant, survey)], room).is_empty()
    };
    assert!(!due(2999, 1, room(9)) && due(3000, 1, room(9)));
    assert!(!due(4999, 2, room(9)) && due(5000, 2, room(9)));
    assert!(!due(5999, 9, room(9)) && due(6000, 9, room(9)));
    let fresh = Room {
        free: Some(9),
        is_fresh: true,
    };
    assert!(!due(1399, 9, fresh) && due(1400, 9, fresh));
}

#[test]
fn an_offer_under_way_takes_its_room() {
    let (tenant, mut survey) = (TenantId::generate(), rings(&[0, 10]));
    let calls: Vec<CallId> = survey.waiting.iter().map(|(call, _)| *call).collect();
    survey.offers = HashMap::from([(calls[0], (at(100), 1))]);
    let tenants = [(tenant, survey)];
    assert!(plan(&POLICY, at(200), &tenants, room(1)).is_empty());
    assert_eq!(
        offered(&plan(&POLICY, at(200), &tenants, room(2))),
        [calls[1]]
    );
}

#[test]
fn who_has_waited_long_enough_is_given_up_and_not_offered() {
    let tenant = TenantId::generate();
    let lost = CallId::generate();
    let mut survey = rings(&[0, 24_000]);
    let (old, young) = (survey.waiting[0].0, survey.waiting[1].0);
    survey.orphaned = vec![(lost, at(5_000))];
    let actions = plan(&POLICY, at(25_000), &[(tenant, survey)], room(9));
    assert_eq!(given_up(&actions), [old, lost]);
    assert_eq!(offered(&actions), [young]);
}

proptest! {
    #[test]
    fn never_more_offers_than_room_and_nobody_twice(
        queues in prop::collection::vec(prop::collection::vec(0_i64..30_000, 0..6), 1..5),
        free in 0_u32..10,
    ) {
        let tenants: Vec<(TenantId, Survey)> = queues
            .iter()
            .map(|admitted| (TenantId::generate(), rings(admitted)))
            .collect();
        let actions = plan(&POLICY, at(30_000), &tenants, room(free));
        let mut calls = offered(&actions);
        prop_assert!(calls.len() <= free as usize);
        calls.extend(given_up(&actions));
        let all = calls.len();
        calls.sort();
        calls.dedup();
        prop_assert_eq!(calls.len(), all);
        let waiting: usize = queues.iter().map(Vec::len).sum();
        if free as usize >= waiting {
            prop_assert_eq!(all, waiting, "with room for all, each is offered or given up");
        }
    }
}
