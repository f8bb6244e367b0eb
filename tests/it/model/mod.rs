//! The queue, claim and lease rules: all states of a model (`crates/pool-model`), and the model held to the scripts.

mod replay;
mod shadow;
mod transitions;

use std::fmt::Write as _;

use pool_model::{
    check::{Fault, Verdict, check},
    rules::{Bounds, Rules},
};

/// One call, and everybody's messages may be late: also those of gateways and of workers that have died.
const ONE_CALL: Bounds = Bounds {
    calls: 1,
    gateways: 2,
    workers: 3,
    crashes: 2,
    partitions: 1,
    messages: 2,
    anyone_is_late: true,
    prompt_gateways: false,
    room: false,
    only_owners: false,
};

/// Two calls for three workers, and a partition with late messages.
const TWO_CALLS: Bounds = Bounds {
    calls: 2,
    messages: 1,
    anyone_is_late: false,
    prompt_gateways: true,
    ..ONE_CALL
};

/// One call and its room. Without Redis the room vouches for a worker, so two may take themselves for the owner: but only one is heard.
const IN_A_ROOM: Bounds = Bounds {
    gateways: 1,
    crashes: 1,
    partitions: 0,
    messages: 0,
    anyone_is_late: false,
    prompt_gateways: true,
    room: true,
    ..ONE_CALL
};

fn told(fault: &Fault) -> String {
    let mut text = format!("{} after {} steps:", fault.what, fault.way.len());
    for (step, _) in &fault.way {
        let _ = write!(text, "\n  {step:?}");
    }
    text
}

fn passes(name: &str, bounds: &Bounds) {
    let verdict = check(bounds, &Rules::ALL);
    let Verdict {
        states,
        steps,
        depth,
        calm,
        ..
    } = verdict;
    println!(
        "{name}: {states} states, {steps} steps, the farthest {depth} away; settled within {calm} steps from each"
    );
    if let Some(fault) = &verdict.fault {
        panic!("{name}: {}", told(fault));
    }
    assert!(states > 100_000, "{name}: only {states} states");
}

#[test]
fn one_call_is_never_owned_twice_and_never_lost() {
    passes("one call", &ONE_CALL);
}

#[test]
fn two_calls_are_never_owned_twice_and_never_lost() {
    passes("two calls", &TWO_CALLS);
}

#[test]
fn two_agents_are_never_heard_in_one_room() {
    passes("in a room", &IN_A_ROOM);
}

/// What the checker says where a rule does not hold.
fn broken(name: &str, bounds: &Bounds, without: Rules) -> Fault {
    let verdict = check(bounds, &without);
    let Some(fault) = verdict.fault else {
        panic!("{name}: not noticed in {} states", verdict.states);
    };
    println!(
        "{name}, seen after {} states: {}",
        verdict.states,
        told(&fault)
    );
    fault
}

#[test]
fn each_rule_is_needed() {
    const ALL: Rules = Rules::ALL;
    let owned_twice = [
        (
            "no epoch check",
            Rules {
                epoch_check: false,
                ..ALL
            },
        ),
        (
            "no lease wait",
            Rules {
                lease_wait: false,
                ..ALL
            },
        ),
        (
            "no compare-and-set in the claim",
            Rules {
                claim_cas: false,
                ..ALL
            },
        ),
        (
            "no compare-and-set in the lapse",
            Rules {
                lapse_cas: false,
                ..ALL
            },
        ),
        (
            "a wait that begins with the question",
            Rules {
                wait_from_answer: false,
                ..ALL
            },
        ),
        (
            "a second claim that does not raise the lease",
            Rules {
                claim_raises: false,
                ..ALL
            },
        ),
        (
            "speech after a yield without an answer",
            Rules {
                silent_yield: false,
                ..ALL
            },
        ),
    ];
    for (name, rules) in owned_twice {
        let bounds = Bounds {
            only_owners: true,
            ..ONE_CALL
        };
        let fault = broken(name, &bounds, rules);
        assert!(
            fault.what.starts_with("two workers"),
            "{name}: {}",
            fault.what
        );
    }
    let heard_twice = [
        (
            "an older agent that stays in the room",
            Rules {
                evict: false,
                ..ALL
            },
        ),
        (
            "a room's word that outlives the connection",
            Rules {
                vouch_ends: false,
                ..ALL
            },
        ),
    ];
    for (name, rules) in heard_twice {
        let fault = broken(name, &IN_A_ROOM, rules);
        assert_eq!(fault.what, "two workers are heard in one call", "{name}");
    }
}

#[test]
fn a_call_that_no_index_names_and_a_call_that_nobody_takes_are_noticed() {
    let unchecked = Rules {
        epoch_check: false,
        ..Rules::ALL
    };
    let fault = broken("no epoch check", &ONE_CALL, unchecked);
    assert_eq!(fault.what, "the leases are wrong");
    let small = Bounds {
        workers: 2,
        messages: 0,
        ..ONE_CALL
    };
    let no_lapse = Rules {
        lapse: false,
        ..Rules::ALL
    };
    let fault = broken("no lapse", &small, no_lapse);
    assert!(fault.what.starts_with("a call is lost"), "{}", fault.what);
}
