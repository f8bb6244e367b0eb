//! Two LiveKit projects, one pod: a clinic that brings its own project, and one that does not.

use loadtest::{
    caller::{CallEvent, LiveKitAccess, Scenario, Target},
    stack::{LiveKit, LiveKitOptions, StackDir},
};
use tokio::sync::mpsc;

use super::{HARBOR, MAPLE_GREETING, a_person_please, a_question};
use crate::support::world::{World, WorldOptions};

/// The pod has one slot. While it serves a call of one project, a call of the other rings; it is answered when that slot is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pod_serves_both_projects_from_the_same_slots() {
    let dir = StackDir::for_this_process("second-project").expect("folder");
    let options = LiveKitOptions {
        api_key: "APIharbor".into(),
        ..LiveKitOptions::default()
    };
    let theirs = LiveKit::start(&dir, options).expect("livekit");
    let world = World::start(with_project(&theirs)).await;
    world.sql(&format!(
        "UPDATE tenants SET livekit_project = 'harbor' WHERE tenant_id = '{HARBOR}'"
    ));
    let (events, mut seen) = mpsc::channel(64);
    let harbor = Scenario::parse(&a_person_please("+13105550502")).expect("scenario");
    let maple = Scenario::parse(&a_question("+14155550501")).expect("scenario");
    let (own, other) = (world.target(), target(&world, &theirs));
    let first = world.caller.place_watched(&maple, &own, Some(events));
    let second = async {
        while !matches!(seen.recv().await, Some(CallEvent::Says(_))) {}
        let placed = world.caller.place(&harbor, &other);
        let rest = async { while seen.recv().await.is_some() {} };
        tokio::join!(placed, rest).0
    };
    let (first, second) = tokio::join!(first, second);
    let [first, second] = [first, second].map(|report| report.expect("a call by the rules"));
    for report in [&first, &second] {
        let failures = &report.failures;
        assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    }
    let rang = second.leg.expect("answered").ring_ms;
    let alone = first.leg.expect("answered").ring_ms;
    assert!(
        rang > alone + 1_000,
        "answered beside a call: {rang} {alone}"
    );
    let artifacts = world.artifacts(2).await;
    assert_eq!(
        World::of_caller(&artifacts, "+14155550501")["transcript"][0]["text"],
        MAPLE_GREETING
    );
    assert_eq!(
        World::of_caller(&artifacts, "+13105550502")["tenant_id"],
        HARBOR
    );
}

fn with_project(livekit: &LiveKit) -> WorldOptions {
    let setting = |key, value: &str| (key, value.to_owned());
    WorldOptions {
        env: vec![
            setting("NEURALITY__WORKER__MAX_CALLS", "1"),
            // The second call rings as long as the first one takes, on whatever machine.
            setting("NEURALITY__GATEWAY__RING_DEADLINE_SECS", "100"),
            setting("NEURALITY__GATEWAY__DIAL_TIMEOUT_SECS", "110"),
            setting("NEURALITY__LIVEKIT__SIP_RINGING_TIMEOUT_SECS", "120"),
            setting("NEURALITY__REDIS__SLOT_TTL_SECS", "120"),
            setting(
                "NEURALITY__LIVEKIT__PROJECTS__HARBOR__URL",
                &livekit.ws_url(),
            ),
            setting(
                "NEURALITY__LIVEKIT__PROJECTS__HARBOR__API_KEY",
                livekit.api_key(),
            ),
            setting(
                "NEURALITY__LIVEKIT__PROJECTS__HARBOR__API_SECRET",
                livekit.api_secret(),
            ),
            setting(
                "NEURALITY__LIVEKIT__PROJECTS__HARBOR__SIP_HOST",
                "sip.harbor.test",
            ),
        ],
        ..WorldOptions::default()
    }
}

/// The phone network sends this clinic's calls to its own project's SIP gateway.
fn target(world: &World, livekit: &LiveKit) -> Target {
    Target {
        livekit: LiveKitAccess {
            url: livekit.ws_url(),
            api_key: livekit.api_key().into(),
            api_secret: livekit.api_secret().into(),
            sip_host: Some("sip.harbor.test".into()),
        },
        ..world.target()
    }
}
