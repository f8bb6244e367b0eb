//! The main job.

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
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_books_an_appointment() {
    let world = World::start(WorldOptions::default()).await;
    let report = world.call_yaml(BOOK).await;
    let artifact = world.only_artifact().await;
    let log = world.worker_log();
    if std::env::var_os("SHOW").is_some() { println!("{artifact:#}\n{log}\n{:#?}\n{}", report.turns, world.gateway_log()); }
    assert!(report.failures.is_empty(), "{:?}\n{artifact:#}\n{log}", report.failures);
    assert_eq!(world.sql("SELECT count(*) FROM bookings WHERE status = 'booked'").trim(), "1", "{artifact:#}");
}
