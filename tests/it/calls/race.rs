//! Two callers and one free hour.

use serde_json::Value;

use super::{agent_said, tools};
use crate::support::world::{World, WorldOptions};

fn caller(name: &str, from: &str, identity: &str) -> String {
    format!(
        r#"
name: {name}
from: "{from}"
to: "+12125550100"
steps:
  - say: "I need a cleaning, preferably on Friday."
  - say: "The first one is fine."
  - say: "{identity}"
  - wait_agent_end
expect: {{ end: caller_hung_up, answered_turns: 3 }}
"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_callers_for_one_slot_one_gets_it_and_the_other_is_offered_another() {
    let world = World::start(WorldOptions::default()).await;
    let maria = caller(
        "maria",
        "+14155550111",
        "My name is Maria Lopez, born March third nineteen eighty five.",
    );
    let james = caller(
        "james",
        "+14155550112",
        "James Carter, born July nineteenth nineteen seventy two.",
    );
    let (maria, james) = tokio::join!(world.call_yaml(&maria), world.call_yaml(&james));
    let artifacts = world.artifacts(2).await;
    for report in [&maria, &james] {
        let failures = &report.failures;
        assert!(
            failures.is_empty(),
            "{failures:?}\n{artifacts:#?}\n{}",
            world.logs()
        );
    }
    // Slot ids are signed for one call; what they stand for is the same.
    let first = |artifact: &Value| {
        let slot = &tool(artifact, "find_available_slots")["outputs"]["slots"][0];
        (slot["provider"].clone(), slot["starts_at_local"].clone())
    };
    assert_eq!(
        first(&artifacts[0]),
        first(&artifacts[1]),
        "both were offered the same first slot"
    );
    let (mut winners, mut losers) = (0, 0);
    for artifact in &artifacts {
        match tools(artifact).last() {
            Some(("book_appointment", "done")) => {
                winners += 1;
                assert!(agent_said(artifact, "You are booked"), "{artifact:#}");
            }
            Some(("book_appointment", "declined")) => {
                losers += 1;
                assert!(agent_said(artifact, "just taken"), "{artifact:#}");
                let others = &tool(artifact, "book_appointment")["outputs"].to_string();
                assert!(others.contains("slot_id"), "another is offered: {others}");
            }
            other => panic!("{other:?} in {artifact:#}"),
        }
    }
    assert_eq!((winners, losers), (1, 1), "{artifacts:#?}");
    assert_eq!(world.sql("SELECT count(*) FROM bookings").trim(), "1");
}

fn tool<'a>(artifact: &'a Value, name: &str) -> &'a Value {
    let tools = artifact["tools"].as_array().expect("tools");
    let found = tools.iter().find(|tool| tool["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {artifact:#}"))
}
