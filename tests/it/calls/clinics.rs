//! Two clinics, one pool.

use super::{HARBOR, MAPLE, MAPLE_GREETING, a_person_please, a_question, lines};
use crate::support::world::{World, WorldOptions};

const HARBOR_GREETING: &str = "Hello, you have reached Harbor Family Clinic. This is the automated assistant. What can I do for you?";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_pool_serves_two_clinics_at_once_and_mixes_nothing() {
    let world = World::start(WorldOptions::default()).await;
    let (question, person) = (a_question("+14155550101"), a_person_please("+13105550102"));
    let (maple, harbor) = tokio::join!(world.call_yaml(&question), world.call_yaml(&person));
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
