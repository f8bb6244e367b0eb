//! The tools on a real Postgres.

use std::collections::BTreeSet;

use neurality::tools::outcome::{CallEffect, ToolStatus};
use serde_json::{Value, json};

use crate::support::{Rig, TestCall};

const ANNA: &str = "+14155550101";
const BERT: &str = "+14155550102";

fn booking(slot: &str) -> Value {
    json!({ "slot_id": slot, "patient_name": "Anna Keller", "date_of_birth": "1984-03-09", "reason": "sore gums" })
}

fn standing(rig: &Rig) -> usize {
    rig.as_superuser("SELECT count(*) FROM bookings WHERE status = 'booked'")
        .parse()
        .expect("count")
}

fn mutations(rig: &Rig) -> usize {
    rig.as_superuser("SELECT count(*) FROM tool_executions")
        .parse()
        .expect("count")
}

#[tokio::test]
async fn coverage_answers_for_covered_uncovered_and_unknown_plans() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let check = async |payer: &str, plan: &str, code: &str| {
        call.run(
            "check_insurance_coverage",
            json!({ "payer": payer, "plan": plan, "procedure_code": code }),
        )
        .await
    };
    let covered = check("blue cross", "P.P.O.", "d1110").await;
    assert_eq!(covered.status, ToolStatus::Done);
    let expected = json!({ "status": "covered", "copay_cents": 2500, "copay_spoken": "twenty-five dollars", "payer": "Blue Cross", "plan": "PPO", "note": "two cleanings per year" });
    assert_eq!(covered.content.expose(), &expected);
    let uncovered = check("Blue Cross", "PPO", "D3330").await;
    assert_eq!(uncovered.status, ToolStatus::Declined);
    assert_eq!(uncovered.content.expose()["status"], "not_covered");
    let unknown = check("Acme", "Gold", "D1110").await;
    assert_eq!(unknown.content.expose()["status"], "unknown_plan");
    assert_eq!(unknown.status, ToolStatus::Declined);
}

#[tokio::test]
async fn slots_are_at_most_three_free_future_times_in_the_clinics_zone() {
    let rig = Rig::new().await;
    let found = rig
        .call(ANNA)
        .ask(
            "find_available_slots",
            json!({ "procedure_code": "D1110", "provider": "doctor osei" }),
        )
        .await;
    let slots = found["slots"].as_array().expect("slots");
    let times: Vec<&str> = slots
        .iter()
        .filter_map(|slot| slot["starts_at_local"].as_str())
        .collect();
    assert_eq!(
        times,
        ["2026-11-30T10:00", "2026-11-30T12:00", "2026-11-30T17:00"]
    );
    assert_eq!(slots[2]["spoken"], "Monday, November thirtieth at five P M");
    assert!(
        slots
            .iter()
            .all(|slot| slot["provider"] == "Dr. Amara Osei")
    );
    let family = TestCall::new(&rig, rig.family.clone(), ANNA);
    let evening = json!({ "procedure_code": "99213", "from_date": "2026-12-01", "to_date": "2026-12-01", "part_of_day": "evening" });
    let found = family.ask("find_available_slots", evening).await;
    let times: Vec<&str> = found["slots"]
        .as_array()
        .expect("slots")
        .iter()
        .filter_map(|slot| slot["starts_at_local"].as_str())
        .collect();
    assert_eq!(
        times,
        ["2026-12-01T17:00", "2026-12-01T18:00", "2026-12-01T19:00"]
    );
    let closed =
        json!({ "procedure_code": "D1110", "from_date": "2026-12-06", "to_date": "2026-12-06" });
    assert_eq!(
        rig.call(ANNA)
            .run("find_available_slots", closed)
            .await
            .status,
        ToolStatus::Declined
    );
}

#[tokio::test]
async fn the_same_booking_ten_times_at_once_is_one_booking_and_ten_equal_answers() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = call.slots().await.remove(0);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (call, order) = (call.clone(), booking(&slot));
        tasks.spawn(async move { call.run("book_appointment", order).await });
    }
    let mut answers = BTreeSet::new();
    for outcome in tasks.join_all().await {
        assert_eq!(
            outcome.status,
            ToolStatus::Done,
            "{}",
            outcome.content.expose()
        );
        assert_eq!(outcome.content.expose()["status"], "booked");
        answers.insert(outcome.content.expose().to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!((standing(&rig), mutations(&rig)), (1, 1));
}

#[tokio::test]
async fn two_callers_who_race_for_one_slot_do_not_both_get_it() {
    let rig = Rig::new().await;
    let (anna, bert) = (rig.call(ANNA), rig.call(BERT));
    // Both were offered the same time, each under an id of their own call.
    let (slot_a, slot_b) = (anna.slots().await.remove(0), bert.slots().await.remove(0));
    assert_ne!(slot_a, slot_b);
    let other =
        json!({ "slot_id": slot_b, "patient_name": "Bert Okafor", "date_of_birth": "1970-01-31" });
    let (a, b) = tokio::join!(
        anna.ask("book_appointment", booking(&slot_a)),
        bert.ask("book_appointment", other)
    );
    let (winner, loser, late) = if a["status"] == "booked" {
        (&a, &b, &bert)
    } else {
        (&b, &a, &anna)
    };
    assert_eq!(winner["status"], "booked");
    assert_eq!(loser["status"], "slot_taken");
    assert_eq!(standing(&rig), 1);
    let alternative = loser["alternatives"][0]["slot_id"]
        .as_str()
        .expect("an alternative");
    let second = json!({ "slot_id": alternative, "patient_name": "Carla Diaz", "date_of_birth": "1991-07-01" });
    assert_eq!(
        late.ask("book_appointment", second).await["status"],
        "booked"
    );
}

#[tokio::test]
async fn book_cancel_and_book_again_are_three_mutations_and_repeats_are_none() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = call.slots().await.remove(0);
    let first = call.ask("book_appointment", booking(&slot)).await;
    assert_eq!(call.ask("book_appointment", booking(&slot)).await, first);
    let id = json!({ "booking_id": first["booking_id"] });
    let cancelled = call.ask("cancel_appointment", id.clone()).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(call.ask("cancel_appointment", id).await, cancelled);
    assert_eq!((standing(&rig), mutations(&rig)), (0, 2));
    // Another pod has taken the call over.
    let call = TestCall::resumed(&rig, rig.dental.clone(), ANNA, call.id);
    let second = call.ask("book_appointment", booking(&slot)).await;
    assert_eq!(second["status"], "booked");
    assert_ne!(second["booking_id"], first["booking_id"]);
    assert_eq!(call.ask("book_appointment", booking(&slot)).await, second);
    assert_eq!((standing(&rig), mutations(&rig)), (1, 3));
}

#[tokio::test]
async fn a_patient_who_calls_again_for_the_time_they_have_is_told_so() {
    let rig = Rig::new().await;
    let monday = json!({ "procedure_code": "D1110", "provider": "Osei" });
    let (first, second) = (rig.call(ANNA), rig.call(BERT));
    let slot = |found: &Value| {
        found["slots"][0]["slot_id"]
            .as_str()
            .expect("slot")
            .to_owned()
    };
    // The second call was offered the slot before the first one booked it.
    let late = slot(&second.ask("find_available_slots", monday.clone()).await);
    let booked = first
        .ask(
            "book_appointment",
            booking(&slot(&first.ask("find_available_slots", monday).await)),
        )
        .await;
    let again = second.ask("book_appointment", booking(&late)).await;
    assert_eq!(again["status"], "already_booked");
    assert_eq!(again["booking_id"], booked["booking_id"]);
    // A name, a birth date and an hour do not show that it is the patient.
    assert!(!again.to_string().contains("code"), "{again}");
}

#[tokio::test]
async fn a_booking_is_moved_once_and_keeps_its_code() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slots = call.slots().await;
    let booked = call.ask("book_appointment", booking(&slots[0])).await;
    let order = json!({ "confirmation_code": booked["confirmation_code"], "slot_id": slots[1] });
    let moved = call.ask("reschedule_appointment", order.clone()).await;
    assert_eq!(moved["status"], "rescheduled");
    assert_eq!(moved["confirmation_code"], booked["confirmation_code"]);
    assert_ne!(moved["spoken_time"], booked["spoken_time"]);
    assert_eq!(call.ask("reschedule_appointment", order).await, moved);
    assert_eq!((standing(&rig), mutations(&rig)), (1, 2));
    let bert = rig.call(BERT);
    let theirs = bert.slots().await;
    let other = json!({ "slot_id": theirs[0], "patient_name": "Bert Okafor", "date_of_birth": "1970-01-31" });
    assert_eq!(
        bert.ask("book_appointment", other).await["status"],
        "booked",
        "the old time is free again"
    );
    let back = json!({ "booking_id": booked["booking_id"], "slot_id": slots[0] });
    assert_eq!(
        call.ask("reschedule_appointment", back).await["status"],
        "slot_taken"
    );
}

#[tokio::test]
async fn only_the_patient_may_cancel_and_others_learn_nothing() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = call.slots().await.remove(0);
    let booked = call.ask("book_appointment", booking(&slot)).await;
    let code = json!({ "confirmation_code": booked["confirmation_code"] });
    let stranger = rig.call(BERT);
    let refused = stranger.run("cancel_appointment", code.clone()).await;
    assert_eq!(refused.status, ToolStatus::Declined);
    let nonsense = stranger
        .ask("cancel_appointment", json!({ "confirmation_code": "ZZZZ" }))
        .await;
    assert_eq!(refused.content.expose(), &nonsense);
    assert_eq!(standing(&rig), 1);
    let known = json!({ "confirmation_code": booked["confirmation_code"], "patient_name": "anna KELLER", "date_of_birth": "1984-03-09" });
    assert_eq!(
        stranger.ask("cancel_appointment", known).await["status"],
        "cancelled",
        "by name and birth date"
    );
    let next = rig.call(ANNA);
    let again = json!({ "booking_id": booked["booking_id"], "patient_name": "Anna Keller", "date_of_birth": "1984-03-09" });
    assert_eq!(
        next.ask("cancel_appointment", again).await["status"],
        "already_cancelled"
    );
}

#[tokio::test]
async fn wrong_or_missing_arguments_come_back_as_a_tool_error() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = call.slots().await.remove(0);
    let other_calls = rig.call(BERT).slots().await.remove(0);
    let with = |slot: &str, name: &str, born: &str| {
        json!({ "slot_id": slot, "patient_name": name, "date_of_birth": born }).to_string()
    };
    let cases = [
        ("order_pizza", "{}".to_owned(), "unknown_tool"),
        (
            "find_available_slots",
            "not json".to_owned(),
            "invalid_arguments",
        ),
        ("find_available_slots", "[]".to_owned(), "invalid_arguments"),
        ("find_available_slots", String::new(), "invalid_arguments"),
        (
            "find_available_slots",
            r#"{"procedure_code":"D1110","surprise":1}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "find_available_slots",
            r#"{"procedure_code":"X"}"#.to_owned(),
            "unknown_procedure",
        ),
        (
            "find_available_slots",
            r#"{"procedure_code":"D1110","provider":"House"}"#.to_owned(),
            "unknown_provider",
        ),
        (
            "find_available_slots",
            r#"{"procedure_code":"D1110","from_date":"tomorrow"}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "find_available_slots",
            r#"{"procedure_code":"D1110","from_date":"2026-11-28"}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "find_available_slots",
            r#"{"procedure_code":"D1110","to_date":"2027-06-01"}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "find_available_slots",
            r#"{"procedure_code":"D1110","part_of_day":"night"}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "check_insurance_coverage",
            r#"{"payer":"Delta Dental","procedure_code":"D1110"}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "check_insurance_coverage",
            r#"{"payer":7,"plan":"PPO","procedure_code":"D1110"}"#.to_owned(),
            "invalid_arguments",
        ),
        (
            "book_appointment",
            with("tuesday at ten", "Anna Keller", "1984-03-09"),
            "unknown_slot",
        ),
        (
            "book_appointment",
            with(&other_calls, "Anna Keller", "1984-03-09"),
            "unknown_slot",
        ),
        (
            "book_appointment",
            with(&slot, "Anna 4", "1984-03-09"),
            "invalid_arguments",
        ),
        (
            "book_appointment",
            with(&slot, "Anna Keller", "09.03.1984"),
            "invalid_arguments",
        ),
        (
            "book_appointment",
            with(&slot, "Anna Keller", "2031-01-01"),
            "invalid_arguments",
        ),
        ("cancel_appointment", "{}".to_owned(), "invalid_arguments"),
        (
            "reschedule_appointment",
            r#"{"confirmation_code":"K7M2"}"#.to_owned(),
            "invalid_arguments",
        ),
        ("transfer_to_human", "{}".to_owned(), "invalid_arguments"),
        (
            "end_call",
            format!(r#"{{"reason":"{}"}}"#, "x".repeat(9000)),
            "invalid_arguments",
        ),
    ];
    for (tool, arguments, code) in cases {
        let outcome = call.run_raw(tool, &arguments).await;
        assert_eq!(outcome.status, ToolStatus::Invalid, "{tool} {arguments}");
        assert_eq!(
            outcome.content.expose()["error"]["code"],
            code,
            "{tool} {arguments}: {}",
            outcome.content.expose()
        );
    }
    assert_eq!(standing(&rig), 0);
}

#[tokio::test]
async fn transfer_and_end_are_effects_on_the_call() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let transfer = call
        .run(
            "transfer_to_human",
            json!({ "reason": "asks for a person" }),
        )
        .await;
    assert_eq!(
        (transfer.status, transfer.effect),
        (ToolStatus::Done, Some(CallEffect::TransferToHuman))
    );
    let end = call.run("end_call", json!({ "reason": "done" })).await;
    assert_eq!(
        (end.status, end.effect),
        (ToolStatus::Done, Some(CallEffect::EndCall))
    );
    let tools = &call.tools;
    assert!(
        !tools.is_mutating("transfer_to_human")
            && tools.is_mutating("book_appointment")
            && !tools.is_mutating("nonsense")
    );
}
