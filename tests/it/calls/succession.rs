//! A call outlives its pod.

use loadtest::{
    caller::{CallEvent, CallReport},
    stack::{Service, Signal},
};
use serde_json::Value;

use super::{agent_said, lines, tools};
use crate::support::world::{World, WorldOptions};

const APOLOGY: &str = "Sorry, I lost you for a second.";

/// A patient books; after so much silence the agent is done and the next line comes.
fn booking(from: &str, agent_silence_ms: u32) -> String {
    format!(
        r#"
name: book over the end of a pod
from: "{from}"
to: "+12125550100"
agent_silence_ms: {agent_silence_ms}
patience_ms: 30000
steps:
  - say: "I need a cleaning, preferably on Friday."
  - say: "The first one is fine."
  - say: "My name is Maria Lopez, born March third nineteen eighty five."
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: {{ end: agent_hung_up }}
"#
    )
}

/// Places the call with two pods, and does something to the pod that has it when the agent begins its answer to the second line.
async fn call(world: &World, heir: &Service, scenario: &str, signal: Signal) -> CallReport {
    let (mut was_said, mut is_done) = (false, false);
    world
        .watched(scenario, |world, event| {
            was_said |= matches!(event, CallEvent::Says(text) if text.starts_with("The first one"));
            if was_said && !is_done && *event == CallEvent::AgentSpeaks {
                is_done = true;
                let owner = if World::log_of(&world.worker).contains("turn committed") {
                    &world.worker
                } else {
                    heir
                };
                owner.signal(signal).expect("signal");
            }
        })
        .await
}

fn is_booked_once(world: &World, artifact: &Value, report: &CallReport) {
    let context = || format!("{artifact:#}\n{}", world.logs());
    assert!(
        report.failures.is_empty(),
        "{:?}\n{}",
        report.failures,
        context()
    );
    assert_eq!(artifact["outcome"], "completed", "{}", context());
    let booked = tools(artifact)
        .into_iter()
        .filter(|tool| *tool == ("book_appointment", "done"))
        .count();
    assert_eq!(booked, 1, "{}", context());
    assert_eq!(world.sql("SELECT count(*) FROM bookings").trim(), "1");
    let caller = lines(artifact, "caller").join(" ").to_lowercase();
    for words in ["friday", "first one", "maria lopez", "goodbye"] {
        assert!(caller.contains(words), "{words}: {}", context());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_whose_pod_is_killed_goes_on_from_the_last_turn() {
    let world = World::start(WorldOptions::default()).await;
    let other = world.another_worker("heir").await;
    // In mid-sentence: the caller waits until somebody asks again.
    let scenario = booking("+14155550502", 7_000);
    let report = call(&world, &other, &scenario, Signal::Kill).await;
    let artifact = world.only_artifact().await;
    is_booked_once(&world, &artifact, &report);
    assert!(agent_said(&artifact, APOLOGY), "{artifact:#}");
    world.verify_audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_whose_pod_drains_goes_on_and_nobody_notices() {
    let world = World::start(WorldOptions::default()).await;
    let other = world.another_worker("heir").await;
    let scenario = booking("+14155550501", 2_500);
    let report = call(&world, &other, &scenario, Signal::Terminate).await;
    let artifact = world.only_artifact().await;
    is_booked_once(&world, &artifact, &report);
    assert!(!agent_said(&artifact, APOLOGY), "{artifact:#}");
    let inherited = [&world.worker, &other]
        .iter()
        .any(|pod| World::log_of(pod).contains("a conversation is inherited"));
    assert!(inherited, "{}", world.logs());
}
