//! How calls end, and that each ends once.

use loadtest::{
    caller::{CallEvent, CallReport},
    sim::Service,
};

use super::{MAPLE, agent_said, tools};
use crate::support::world::{HeldBookings, World, WorldOptions};

const TRANSFER: &str = r#"
name: transfer
from: "+14155550301"
to: "+12125550100"
steps:
  - say: "Let me talk to a real person, please."
  - wait_hang_up
expect: { end: person_dialled, dialled: "+12125550191", answered_turns: 1 }
"#;

const HANG_UP: &str = r#"
name: hang up in the agent's answer
from: "+14155550302"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - hear_ms: 1500
expect: { end: caller_hung_up, answered_turns: 1 }
"#;

const HANG_UP_BOOKING: &str = r#"
name: hang up while the booking runs
from: "+14155550303"
to: "+12125550100"
steps:
  - say: "I need a cleaning, preferably on Friday."
  - say: "The first one is fine."
  - say: "My name is Maria Lopez, born March third nineteen eighty five."
  - pause_ms: 3500
expect: { end: caller_hung_up }
"#;

const TWICE: &str = r#"
name: every webhook twice
from: "+14155550304"
to: "+12125550100"
duplicate_webhooks: true
steps:
  - say: "Does Blue Cross P P O cover a cleaning, and is there anything on Thursday?"
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: { end: agent_hung_up, answered_turns: 2 }
"#;

/// Calls of this module in one world.
const CALLS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_call_ends_once_and_as_it_should() {
    // The caller hangs up late enough for a busy machine to have begun the booking, and it waits that long.
    let env = vec![(
        "NEURALITY__POSTGRES__STATEMENT_TIMEOUT_MS",
        "7000".to_owned(),
    )];
    let world = World::start(WorldOptions {
        env,
        ..WorldOptions::default()
    })
    .await;
    let (transfer, hang_up, booking, twice) = tokio::join!(
        world.call_yaml(TRANSFER),
        world.call_yaml(HANG_UP),
        hang_up_while_the_booking_runs(&world),
        world.call_yaml(TWICE),
    );
    let artifacts = world.artifacts(CALLS).await;
    for report in [&transfer, &hang_up, &booking, &twice] {
        let (name, failures) = (&report.scenario, &report.failures);
        assert!(
            failures.is_empty(),
            "{name}: {failures:?}\n{artifacts:#?}\n{}",
            world.logs()
        );
    }
    let of = |from: &str| World::of_caller(&artifacts, from);

    let transfer = of("+14155550301");
    assert_eq!(transfer["outcome"], "transferred", "{transfer:#}");
    assert_eq!(tools(transfer), [("transfer_to_human", "done")]);
    assert_eq!(transfer["intents"][0]["intent"], "speak_to_human");

    let hang_up = of("+14155550302");
    assert_eq!(hang_up["outcome"], "caller_hung_up", "{hang_up:#}");
    let last = hang_up["transcript"].as_array().and_then(|t| t.last());
    let last = last.expect("a transcript");
    assert_eq!(
        (&last["speaker"], &last["interrupted"]),
        (&"agent".into(), &true.into()),
        "{hang_up:#}"
    );
    assert!(
        !agent_said(hang_up, "book an appointment?"),
        "nobody heard the end: {hang_up:#}"
    );

    let booking = of("+14155550303");
    assert_eq!(booking["outcome"], "caller_hung_up", "{booking:#}");
    assert_eq!(
        tools(booking).last(),
        Some(&("book_appointment", "done")),
        "{booking:#}"
    );
    assert_eq!(
        world
            .sql("SELECT count(*) FROM bookings WHERE status = 'booked'")
            .trim(),
        "1"
    );

    assert_eq!(of("+14155550304")["outcome"], "completed");
    assert_eq!(
        world.sql("SELECT count(*) FROM calls").trim(),
        CALLS.to_string()
    );
    assert_eq!(
        world.slots_in_use(MAPLE, 0).await,
        0,
        "every call gave its place back"
    );
    let streams = world.sim.state().requests_total[&Service::Stt];
    assert_eq!(streams, CALLS as u64, "one agent listened to each call");
}

/// The booking waits in Postgres when the caller hangs up.
async fn hang_up_while_the_booking_runs(world: &World) -> CallReport {
    let mut held: Option<HeldBookings> = None;
    world
        .watched(HANG_UP_BOOKING, |world, event| match event {
            CallEvent::Says(text) if text.starts_with("My name") => {
                held = Some(world.hold_bookings())
            }
            CallEvent::Over => held = None,
            _ => {}
        })
        .await
}
