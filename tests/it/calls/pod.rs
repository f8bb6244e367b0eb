//! A pod comes and goes.

use std::time::Duration;

use loadtest::{
    caller::CallEvent,
    stack::{Service, Signal},
};

use super::{MAPLE, MAPLE_FALLBACK, a_question};
use crate::support::world::{World, WorldOptions};

/// Nothing is waited for: far below the grace period of a drain.
const AT_ONCE: Duration = Duration::from_secs(15);

const NOBODY: &str = r#"
name: nobody there
from: "+14155550402"
to: "+12125550100"
steps:
  - wait_hang_up
expect: { end: person_dialled }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pod_ends_its_calls_before_itself_and_without_pods_a_person_is_dialled() {
    let deadline = ("NEURALITY__GATEWAY__RING_DEADLINE_SECS", "4".to_owned());
    let world = World::start(WorldOptions {
        env: vec![deadline],
        ..WorldOptions::default()
    })
    .await;
    a_call_outlives_the_signal(&world).await;
    nobody_answers(&world).await;
    idle_processes_go_at_once(&world);
}

async fn a_call_outlives_the_signal(world: &World) {
    let report = world
        .watched(&a_question("+14155550401"), |world, event| {
            if matches!(event, CallEvent::Says(text) if text.starts_with("Hi")) {
                world.worker.signal(Signal::Terminate).expect("signal");
            }
        })
        .await;
    let failures = &report.failures;
    assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    assert_eq!(world.only_artifact().await["outcome"], "completed");
    exits_within(world, &world.worker, AT_ONCE);
}

async fn nobody_answers(world: &World) {
    let report = world.call_yaml(NOBODY).await;
    let failures = &report.failures;
    assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    assert_eq!(report.dialled.as_deref(), Some(MAPLE_FALLBACK));
    let leg = report.leg.expect("it rang");
    // By our deadline, not by Twilio's limit of 30 s.
    assert!((3_000..20_000).contains(&leg.ring_ms), "{leg:?}");
    assert_eq!(world.slots_in_use(MAPLE, 0).await, 0);
}

fn idle_processes_go_at_once(world: &World) {
    tokio::task::block_in_place(|| world.worker.start_again()).expect("a new pod");
    for service in [&world.worker, &world.gateway] {
        service.signal(Signal::Terminate).expect("signal");
        exits_within(world, service, AT_ONCE);
    }
}

fn exits_within(world: &World, service: &Service, limit: Duration) {
    let ended = tokio::task::block_in_place(|| service.wait(limit)).expect("wait");
    let status = ended.unwrap_or_else(|| panic!("runs on after {limit:?}\n{}", world.logs()));
    assert!(status.success(), "{status}\n{}", world.logs());
}
