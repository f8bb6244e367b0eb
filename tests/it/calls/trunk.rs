//! Calls by an elastic trunk: no webhook is asked, LiveKit tells of the caller who is in a room already.

use loadtest::caller::LegEnd;

use super::{MAPLE, MAPLE_GREETING, agent_said, lines};
use crate::support::world::{World, WorldOptions};

const CALL: &str = r#"
name: by a trunk
from: "+14155550601"
to: "+12125550100"
route: trunk
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, answered_turns: 2 }
"#;

const NOBODYS: &str = r#"
name: by a trunk to a number of nobody
from: "+14155550602"
to: "+12125559999"
route: trunk
steps:
  - wait_hang_up
expect: { end: turned_away }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_by_a_trunk_gets_an_agent_and_a_number_of_nobody_is_busy() {
    let options = WorldOptions {
        with_livekit: true,
        ..WorldOptions::default()
    };
    let world = World::start(options).await;
    let (report, nobodys) = tokio::join!(world.call_yaml(CALL), world.call_yaml(NOBODYS));
    for report in [&report, &nobodys] {
        let failures = &report.failures;
        assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    }
    let nobodys = nobodys.leg.expect("a leg");
    assert_eq!(nobodys.end, LegEnd::Busy);
    assert!(nobodys.ring_ms < 5_000, "{nobodys:?}");

    let artifact = world.only_artifact().await;
    assert_eq!(artifact["caller"], "+14155550601", "{artifact:#}");
    assert_eq!(artifact["dialled"], "+12125550100");
    assert_eq!(artifact["outcome"], "completed");
    assert_eq!(artifact["route"], "trunk");
    assert_eq!(lines(&artifact, "agent").first(), Some(&MAPLE_GREETING));
    assert!(agent_said(&artifact, "25 dollars"), "{artifact:#}");
    assert_eq!(world.slots_in_use(MAPLE, 0).await, 0);
}

const UNTOLD: &str = r#"
name: by a trunk whose webhook is lost
from: "+14155550603"
to: "+12125550100"
route: trunk
steps:
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, answered_turns: 1 }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_of_whom_livekit_does_not_tell_is_found() {
    let mut options = WorldOptions::default();
    for (name, value) in [
        ("NEURALITY__LIVEKIT__ELASTIC_NUMBERS", r#"["+12125550100"]"#),
        ("NEURALITY__LIVEKIT__ELASTIC_ADDRESSES", r#"["127.0.0.1"]"#),
    ] {
        options.env.push((name, value.to_owned()));
    }
    let world = World::start(options).await;
    let report = world.call_yaml(UNTOLD).await;
    let failures = &report.failures;
    assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
}
