//! Practitioners' time off and the clinic's holidays.

use neurality::storage::postgres::admin::ClinicFile;
use serde_json::{Value, json};

use super::{ANNA, BERT, anna, bert, slot_at, standing, stored};
use crate::support::{Rig, dental_file, now};

const DAY: &str = "2026-12-01";

/// Dental, with these lines changed.
fn changed(changes: &[(&str, &str)]) -> ClinicFile {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/loadtest/tenants/maple-dental.yaml"
    );
    let mut yaml = std::fs::read_to_string(path).expect("the clinic file");
    for (from, to) in changes {
        assert!(yaml.contains(from), "{from}");
        yaml = yaml.replace(from, to);
    }
    ClinicFile::parse(&yaml).expect("a clinic file")
}

const OSEI: &str = "  - name: Dr. Amara Osei\n";

fn off(spans: &str) -> String {
    format!("{OSEI}    time_off: [{spans}]\n")
}

async fn starts(rig: &Rig, wish: Value) -> Vec<String> {
    let found = rig.call(ANNA).ask("find_available_slots", wish).await;
    let slots = found["slots"].as_array().expect("slots");
    let start = |slot: &Value| slot["starts_at_local"].as_str().expect("time").to_owned();
    slots.iter().map(start).collect()
}

#[tokio::test]
async fn nobody_is_offered_a_practitioners_time_off_or_a_holiday() {
    let rig = Rig::new().await;
    let file = changed(&[
        (
            OSEI,
            &off("\"2026-12-01 11:00 to 2026-12-01 15:00\", \"2026-12-07 to 2026-12-09\""),
        ),
        (
            "locations:\n",
            "closed: [\"2026-12-02\", \"2026-12-03 12:00 to 2026-12-03 18:00\"]\nlocations:\n",
        ),
    ]);
    rig.admin.apply(&file, now()).await.expect("apply");
    rig.admin.apply(&file, now()).await.expect("apply again");
    let osei = |day: &str, time: &str| json!({ "procedure_code": "D1110", "provider": "Osei", "from_date": day, "to_date": day, "around_time": time });
    assert_eq!(
        starts(&rig, osei(DAY, "12:00")).await,
        ["2026-12-01T10:00", "2026-12-01T10:30", "2026-12-01T15:00"]
    );
    let week = json!({ "procedure_code": "D1110", "provider": "Osei", "from_date": "2026-12-07", "to_date": "2026-12-10" });
    let found = starts(&rig, week).await;
    assert!(
        !found.is_empty() && found.iter().all(|at| at.starts_with("2026-12-10")),
        "{found:?}"
    );
    let holiday =
        json!({ "procedure_code": "D1110", "from_date": "2026-12-02", "to_date": "2026-12-02" });
    assert!(starts(&rig, holiday).await.is_empty());
    let half = json!({ "procedure_code": "D1110", "from_date": "2026-12-03", "to_date": "2026-12-03", "around_time": "14:00" });
    assert_eq!(
        starts(&rig, half).await,
        ["2026-12-03T10:30", "2026-12-03T11:00", "2026-12-03T11:30"]
    );
    // Withdrawn is withdrawn.
    rig.admin.apply(&dental_file(), now()).await.expect("apply");
    let noon = starts(&rig, osei(DAY, "12:00")).await;
    assert!(noon.contains(&"2026-12-01T12:00".to_owned()), "{noon:?}");
}

#[tokio::test]
async fn what_was_offered_before_time_off_holiday_or_new_hours_is_refused_when_it_is_booked_or_moved_to()
 {
    for changes in [
        [(
            OSEI.to_owned(),
            off("\"2026-12-01 10:15 to 2026-12-01 10:20\""),
        )],
        [(
            "locations:\n".to_owned(),
            "closed: [\"2026-12-01\"]\nlocations:\n".to_owned(),
        )],
        [(
            "opens: \"10:00\", closes: \"12:30\"".to_owned(),
            "opens: \"10:30\", closes: \"12:30\"".to_owned(),
        )],
    ] {
        let rig = Rig::new().await;
        let (call, other) = (rig.call(ANNA), rig.call(BERT));
        let offered = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
        let to_move = slot_at(&other, "D1110", "Osei", DAY, "10:00").await;
        let elsewhere = slot_at(&other, "D1110", "Osei", "2026-12-03", "10:30").await;
        let booked = other.ask("book_appointment", bert(&elsewhere)).await;
        let pairs: Vec<(&str, &str)> = changes
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        rig.admin
            .apply(&changed(&pairs), now())
            .await
            .expect("apply");
        let answer = call.ask("book_appointment", anna(&offered)).await;
        assert_eq!(answer["status"], "not_available", "{changes:?}");
        let others = answer["alternatives"].as_array().expect("alternatives");
        assert!(!others.is_empty() && others[0]["slot_id"].is_string());
        let order = json!({ "booking_id": booked["booking_id"], "slot_id": to_move });
        let moved = other.ask("reschedule_appointment", order).await;
        assert_eq!(moved["status"], "not_available", "{changes:?}");
        assert_eq!(stored(&rig, &booked).0, "booked");
        assert_eq!(standing(&rig), 1);
    }
}

#[tokio::test]
async fn time_off_keeps_what_is_booked_already() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let booked = call.ask("book_appointment", anna(&slot)).await;
    let file = changed(&[(OSEI, &off("\"2026-12-01\""))]);
    rig.admin.apply(&file, now()).await.expect("apply");
    assert_eq!(stored(&rig, &booked).0, "booked");
    let again = call.ask("book_appointment", anna(&slot)).await;
    assert_eq!(again, booked, "a repeat is told the truth");
}
