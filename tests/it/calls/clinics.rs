//! Two clinics, one pool.

use super::{MAPLE, MAPLE_GREETING, lines};
use crate::support::world::{World, WorldOptions};

const HARBOR: &str = "0193a000-0000-7000-8000-000000000002";
const HARBOR_GREETING: &str = "Hello, you have reached Harbor Family Clinic. This is the automated assistant. What can I do for you?";

const MAPLE_CALL: &str = r#"
name: maple
from: "+14155550101"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, answered_turns: 2 }
"#;

const HARBOR_CALL: &str = r#"
name: harbor
from: "+13105550102"
to: "+13105550100"
steps:
  - say: "Let me talk to a real person, please."
  - wait_hang_up
expect: { end: person_dialled, dialled: "+13105550191" }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_pool_serves_two_clinics_at_once_and_mixes_nothing() {
    let world = World::start(WorldOptions::default()).await;
    let (maple, harbor) = tokio::join!(world.call_yaml(MAPLE_CALL), world.call_yaml(HARBOR_CALL));
    for report in [&maple, &harbor] {
        let failures = &report.failures;
        assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    }
    let artifacts = world.artifacts(2).await;
    let maple = World::of_caller(&artifacts, "+14155550101");
    let harbor = World::of_caller(&artifacts, "+13105550102");
    let own = [
        (maple, MAPLE, MAPLE_GREETING, "+13105550102", HARBOR),
        (harbor, HARBOR, HARBOR_GREETING, "+14155550101", MAPLE),
    ];
    for (artifact, tenant, greeting, strangers_number, stranger) in own {
        assert_eq!(artifact["tenant_id"], tenant);
        assert_eq!(lines(artifact, "agent").first(), Some(&greeting));
        let text = artifact.to_string();
        assert!(
            !text.contains(strangers_number) && !text.contains(stranger),
            "{text}"
        );
    }
    assert!(!harbor.to_string().contains("Blue Cross") && !harbor.to_string().contains("Maple"));
    assert!(!maple.to_string().contains("Harbor"));
    rows_lie_apart(&world);
    world.verify_audit().await;
    let metrics = world.metrics().await;
    let private = ["+14155550101", "+13105550102", MAPLE, HARBOR, "Blue Cross"];
    for text in private {
        assert!(!metrics.contains(text), "{text} in the metrics");
    }
}

/// Each clinic's row of calls and artifacts, one of each.
fn rows_lie_apart(world: &World) {
    for table in ["calls", "call_artifacts"] {
        let rows = world.sql(&format!(
            "SELECT tenant_id, count(*) FROM {table} GROUP BY 1 ORDER BY 1"
        ));
        assert_eq!(rows.trim(), format!("{MAPLE}|1\n{HARBOR}|1"), "{table}");
    }
}
