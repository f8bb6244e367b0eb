//! Callers who ask for a person: taken, not taken, at an hour when nobody is there, and by a trunk that cannot transfer.

use chrono::{Datelike, Days, Utc};
use loadtest::caller::{CallEvent, LegEnd};
use serde_json::{Value, json};

use super::{MAPLE, agent_said, lines, tools};
use crate::support::world::{World, WorldOptions};

const TAKEN: &str = r#"
name: a person takes the call
from: "+14155550701"
to: "+12125550100"
steps:
  - say: "Let me talk to a real person, please."
  - wait_hang_up
person: accept
expect: { end: person_dialled, dialled: "+12125550191", answered_turns: 1 }
"#;

const NOT_TAKEN: &str = r#"
name: a person picks up and does not take the call
from: "+14155550702"
to: "+12125550100"
duplicate_webhooks: true
steps:
  - say: "Let me talk to a real person, please."
  - wait_hang_up
person: decline
back:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, dialled: "+12125550191" }
"#;

const CLOSED: &str = r#"
name: nobody is there
from: "+13105550703"
to: "+13105550100"
steps:
  - say: "Let me talk to a real person, please."
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, answered_turns: 2 }
"#;

const BY_TRUNK: &str = r#"
name: by a trunk that cannot transfer
from: "+14155550704"
to: "+12125550100"
route: trunk
steps:
  - say: "Let me talk to a real person, please."
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, answered_turns: 2 }
"#;

const ASKED: &str = "Let me talk to a real person, please.";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_is_taken_comes_back_or_hears_when_somebody_is_there() {
    let world = World::start(WorldOptions::default()).await;
    world.apply(&harbor_open_in_three_days()).await;
    let (taken, back, closed) = tokio::join!(
        world.call_yaml(TAKEN),
        world.call_yaml(NOT_TAKEN),
        world.call_yaml(CLOSED),
    );
    let artifacts = world.artifacts(3).await;
    for report in [&taken, &back, &closed] {
        let (name, failures) = (&report.scenario, &report.failures);
        assert!(
            failures.is_empty(),
            "{name}: {failures:?}\n{artifacts:#?}\n{}",
            world.logs()
        );
    }
    // Whoever presses no key, as a mailbox, hears nothing of the patient.
    for (report, is_told) in [(&taken, true), (&back, false)] {
        let briefing = report.briefing.concat();
        assert!(briefing.contains("Maple Dental"), "{briefing}");
        let summary = "The caller asked for a person.";
        assert_eq!(briefing.contains(summary), is_told, "{briefing}");
    }

    let taken = World::of_caller(&artifacts, "+14155550701");
    assert_eq!(taken["outcome"], "transferred", "{taken:#}");
    assert_eq!(
        taken["transfer"],
        json!({ "to": "+12125550191", "result": null })
    );
    assert_eq!(
        world.row(taken),
        "transferred|webhook|+12125550191|accepted"
    );

    let legs: Vec<LegEnd> = back.earlier.iter().map(|leg| leg.end).collect();
    assert_eq!(legs, [LegEnd::FarSide]);
    let back = World::of_caller(&artifacts, "+14155550702");
    assert_eq!(back["outcome"], "completed", "{back:#}");
    assert_eq!(
        back["transfer"],
        json!({ "to": "+12125550191", "result": "declined" })
    );
    let asked = lines(back, "caller").first().copied();
    assert_eq!(asked, Some(ASKED), "the conversation goes on: {back:#}");
    assert!(agent_said(back, "nobody could take your call"), "{back:#}");
    assert!(agent_said(back, "25 dollars"), "{back:#}");
    assert_eq!(
        tools(back),
        [
            ("transfer_to_human", "declined"),
            ("check_insurance_coverage", "done"),
            ("end_call", "done")
        ]
    );
    assert_eq!(world.row(back), "completed|webhook|+12125550191|declined");

    let closed = World::of_caller(&artifacts, "+13105550703");
    assert_eq!(closed["outcome"], "completed", "{closed:#}");
    assert_eq!(closed["transfer"]["result"], "closed");
    assert!(
        agent_said(closed, "nobody is at the front desk"),
        "{closed:#}"
    );
    assert!(agent_said(closed, "They are back"), "{closed:#}");
    assert_eq!(world.row(closed), "completed|webhook||closed");

    assert_eq!(world.slots_in_use(MAPLE, 0).await, 0);
    let metrics = world.metrics().await;
    for result in ["accepted", "declined", "closed"] {
        let line = format!("neurality_transfers_total{{result=\"{result}\"}} 1");
        assert!(metrics.contains(&line), "{line}");
    }
    world.verify_audit().await;
}

/// Without livekit-sip LiveKit cannot refer anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn by_a_trunk_that_cannot_transfer_the_agent_says_so_and_goes_on() {
    let options = WorldOptions {
        with_livekit: true,
        ..WorldOptions::default()
    };
    let world = World::start(options).await;
    let report = world.call_yaml(BY_TRUNK).await;
    let failures = &report.failures;
    assert!(failures.is_empty(), "{failures:?}\n{}", world.logs());
    let artifact = world.only_artifact().await;
    assert_eq!(artifact["outcome"], "completed", "{artifact:#}");
    assert_eq!(artifact["transfer"]["result"], "failed", "{artifact:#}");
    assert_eq!(
        tools(&artifact),
        [("transfer_to_human", "declined"), ("end_call", "done")]
    );
    assert!(agent_said(&artifact, "nobody is at the front desk"));
    assert_eq!(world.row(&artifact), "completed|trunk|+12125550191|failed");
}

impl World {
    /// Outcome, route, number and result of an artifact's call, as its row has them.
    fn row(&self, artifact: &Value) -> String {
        let call = artifact["call_id"].as_str().expect("an id");
        let sql = format!(
            "SELECT outcome, route, transferred_to, transfer_result FROM calls WHERE call_id = '{call}'"
        );
        self.sql(&sql).trim().to_owned()
    }
}

/// The product runs on the real clock: a day that is neither today nor tomorrow anywhere.
#[expect(
    clippy::disallowed_methods,
    reason = "the product, whose processes have the real clock, must find the desk closed"
)]
fn harbor_open_in_three_days() -> String {
    let text = std::fs::read_to_string("loadtest/tenants/harbor-family-clinic.yaml");
    let text = text.expect("clinic file");
    let day = (Utc::now() + Days::new(3))
        .weekday()
        .to_string()
        .to_lowercase();
    let line = r#"transfer: { number: "+13105550191" }"#;
    assert!(text.contains(line));
    let with =
        format!(r#"transfer: {{ number: "+13105550191", hours: {{ {day}: ["10:00-11:00"] }} }}"#);
    text.replace(line, &with)
}

/// The person is called, and everything in Redis is lost: the call's place, its briefing and the artifact that was held for the end of the transfer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transferred_calls_artifact_arrives_though_redis_lost_everything() {
    let world = World::start(WorldOptions::default()).await;
    let mut lost = 0;
    world
        .watched(TAKEN, |world, event| {
            if matches!(event, CallEvent::Dials(_)) {
                let client = redis::Client::open(&*world.redis_url).expect("url");
                let mut connection = client.get_connection().expect("redis");
                redis::cmd("FLUSHDB").exec(&mut connection).expect("flush");
                lost += 1;
            }
        })
        .await;
    assert_eq!(lost, 1, "{}", world.logs());
    let artifact = world.only_artifact().await;
    assert_eq!(artifact["outcome"], "transferred", "{artifact:#}");
    assert_eq!(lines(&artifact, "caller"), [ASKED]);
    assert_eq!(world.sql("SELECT count(*) FROM pending_artifacts"), "0");
    world.verify_audit().await;
}
