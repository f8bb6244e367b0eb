//! The main job.

use loadtest::stack::workspace_root;
use serde_json::Value;

use super::{MAPLE_GREETING, lines, tools};
use crate::support::world::{World, WorldOptions};

const BOOK: &str = r#"
name: book
from: "+14155550123"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "Yes please, something on Tuesday morning."
  - interrupt: { after_ms: 1500, say: "The first one is fine." }
  - say: "My name is Maria Lopez, born March third nineteen eighty five."
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect:
  end: agent_hung_up
  barge_ins: 1
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_patient_books_an_appointment() {
    let world = World::start(WorldOptions::default()).await;
    let report = world.call_yaml(BOOK).await;
    let artifact = world.only_artifact().await;
    let context = || format!("{artifact:#}\n{:#?}\n{}", report.turns, world.logs());
    assert!(
        report.failures.is_empty(),
        "{:?}\n{}",
        report.failures,
        context()
    );
    is_valid(&artifact);
    assert_eq!(artifact["outcome"], "completed", "{}", context());
    assert_eq!(
        tools(&artifact),
        [
            ("check_insurance_coverage", "done"),
            ("find_available_slots", "done"),
            ("book_appointment", "done"),
            ("end_call", "done")
        ],
        "{}",
        context()
    );
    conversation_is_recorded(&artifact);
    wishes_are_recorded(&artifact);
    the_first_slot_is_booked(&world, &artifact);
}

fn is_valid(artifact: &Value) {
    let path = workspace_root().join("docs/schema/call-artifact.v1.json");
    let schema = std::fs::read_to_string(path).expect("the published schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(artifact)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{artifact:#}");
}

/// What was said, in order, and the cut line ends where the caller cut it.
fn conversation_is_recorded(artifact: &Value) {
    let agent = lines(artifact, "agent");
    assert_eq!(agent[0], MAPLE_GREETING);
    let caller = lines(artifact, "caller").join(" ").to_lowercase();
    let order = ["cleaning", "tuesday", "first one", "maria lopez", "goodbye"];
    let found: Vec<Option<usize>> = order.iter().map(|words| caller.find(words)).collect();
    assert!(
        found.iter().all(Option::is_some) && found.is_sorted(),
        "{caller}"
    );
    let transcript = artifact["transcript"].as_array().expect("a transcript");
    let cut: Vec<&Value> = transcript
        .iter()
        .filter(|line| line["interrupted"] == true)
        .collect();
    assert_eq!(cut.len(), 1, "{artifact:#}");
    let text = cut[0]["text"].as_str().expect("text");
    assert!(
        text.starts_with("I have") && !text.contains("works best"),
        "the caller heard no more than this: {text}"
    );
}

fn wishes_are_recorded(artifact: &Value) {
    let all = |list: &str, key: &str| -> Vec<String> {
        let entries = artifact[list].as_array().expect("a list");
        entries
            .iter()
            .map(|entry| entry[key].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(
        all("intents", "intent"),
        ["check_coverage", "book_appointment", "end_call"]
    );
    let slots = artifact["slots"].as_array().expect("slots");
    let value = |name: &str| -> &str {
        let slot = slots.iter().find(|slot| slot["name"] == name);
        slot.and_then(|slot| slot["value"].as_str())
            .unwrap_or_else(|| panic!("no {name} in {slots:#?}"))
    };
    assert_eq!(value("payer"), "Blue Cross");
    assert_eq!(value("plan"), "PPO");
    assert_eq!(value("procedure"), "D1110");
    assert_eq!(value("patient_name"), "Maria Lopez");
    assert_eq!(value("date_of_birth"), "1985-03-03");
    assert!(
        value("appointment_time").contains("Tuesday"),
        "{}",
        value("appointment_time")
    );
}

/// Once, and it is the first of those that were read out.
fn the_first_slot_is_booked(world: &World, artifact: &Value) {
    let tool = |name: &str| -> &Value {
        let tools = artifact["tools"].as_array().expect("tools");
        tools.iter().find(|tool| tool["name"] == name).expect(name)
    };
    let offered = &tool("find_available_slots")["outputs"]["slots"][0]["slot_id"];
    assert_eq!(&tool("book_appointment")["inputs"]["slot_id"], offered);
    let local = "starts_at AT TIME ZONE 'America/New_York'";
    let booked = world.sql(&format!(
        "SELECT status, to_char({local}, 'Dy'), extract(hour FROM {local}) < 12 FROM bookings"
    ));
    assert_eq!(booked.trim(), "booked|Tue|t");
}
