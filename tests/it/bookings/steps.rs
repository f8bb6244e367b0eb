//! What the model calls at once.

use neurality::tools::outcome::{CallEffect, ToolStatus};
use serde_json::{Value, json};

use super::{ANNA, BERT, anna, bert, count, slot_at, standing, step, step_in_turn, stored};
use crate::support::{Rig, TestCall};

const DAY: &str = "2026-12-01";

fn cancel(booked: &Value) -> Value {
    json!({ "booking_id": booked["booking_id"] })
}

/// B10: both answers said yes, and no booking stood.
#[tokio::test]
async fn cancel_and_book_the_same_hour_in_one_step_leaves_a_booking_in_either_order() {
    for round in 0..12 {
        let rig = Rig::new().await;
        let call = rig.call(ANNA);
        let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
        let first = call.ask("book_appointment", anna(&slot)).await;
        let mut orders = [
            ("cancel_appointment", cancel(&first)),
            ("book_appointment", anna(&slot)),
        ];
        if round % 2 == 1 {
            orders.reverse();
        }
        let mut answers = step(&call, &orders).await;
        if round % 2 == 1 {
            answers.reverse();
        }
        assert_eq!(answers[0]["status"], "cancelled", "{answers:?}");
        assert_eq!(answers[1]["status"], "booked", "{answers:?}");
        assert_eq!(stored(&rig, &answers[0]).0, "cancelled");
        assert_eq!(stored(&rig, &answers[1]).0, "booked");
        assert_eq!(standing(&rig), 1);
    }
}

/// B10, for another patient: the hour that is given back can be taken.
#[tokio::test]
async fn the_hour_that_one_patient_gives_back_is_booked_for_another_in_the_same_step() {
    for round in 0..12 {
        let rig = Rig::new().await;
        let call = rig.call(ANNA);
        let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
        let first = call.ask("book_appointment", anna(&slot)).await;
        let mut orders = [
            ("book_appointment", bert(&slot)),
            ("cancel_appointment", cancel(&first)),
        ];
        if round % 2 == 1 {
            orders.reverse();
        }
        let answers = step(&call, &orders).await;
        let booked = answers.iter().find(|answer| answer["status"] == "booked");
        let booked = booked.unwrap_or_else(|| panic!("{answers:?}"));
        assert_eq!(stored(&rig, booked).0, "booked");
        assert_eq!(stored(&rig, &first).0, "cancelled");
        assert_eq!(standing(&rig), 1);
    }
}

/// B10: neither half is done if one cannot be.
#[tokio::test]
async fn a_move_to_a_time_that_is_taken_leaves_the_old_booking_and_says_so() {
    let rig = Rig::new().await;
    let (call, other) = (rig.call(ANNA), rig.call(BERT));
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let first = call.ask("book_appointment", anna(&slot)).await;
    let lost = slot_at(&call, "D1110", "Osei", DAY, "11:00").await;
    let theirs = slot_at(&other, "D1110", "Osei", DAY, "11:00").await;
    let taken = other.ask("book_appointment", bert(&theirs)).await;
    assert_eq!(taken["status"], "booked");
    for reversed in [false, true] {
        let mut orders = [
            ("cancel_appointment", cancel(&first)),
            ("book_appointment", anna(&lost)),
        ];
        if reversed {
            orders.reverse();
        }
        let mut answers = step(&call, &orders).await;
        if reversed {
            answers.reverse();
        }
        assert_eq!(answers[0]["status"], "not_done", "{answers:?}");
        assert_eq!(answers[1]["status"], "slot_taken", "{answers:?}");
        assert!(answers[1]["alternatives"][0]["slot_id"].is_string());
        assert_eq!(stored(&rig, &first).0, "booked");
        assert_eq!(standing(&rig), 2);
    }
    let unknown = json!({ "confirmation_code": "K7M2R4T" });
    let free = slot_at(&call, "D1110", "Osei", DAY, "12:00").await;
    let answers = step(
        &call,
        &[
            ("cancel_appointment", unknown),
            ("book_appointment", anna(&free)),
        ],
    )
    .await;
    assert_eq!(answers[0]["status"], "not_found");
    assert_eq!(answers[1]["status"], "not_done");
    assert_eq!((standing(&rig), count(&rig, "tool_executions")), (2, 2));
}

/// A lost answer, a second pod: the same step again is the same move.
#[tokio::test]
async fn a_move_that_is_repeated_on_another_pod_is_made_once() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let new = slot_at(&call, "D1110", "Osei", DAY, "11:00").await;
    let first = call.ask("book_appointment", anna(&slot)).await;
    let orders = [
        ("cancel_appointment", cancel(&first)),
        ("book_appointment", anna(&new)),
    ];
    let answers = step(&call, &orders).await;
    assert_eq!(answers[1]["status"], "booked");
    let heir = TestCall::resumed(&rig, rig.dental.clone(), ANNA, call.id);
    assert_eq!(step(&heir, &orders).await, answers);
    for (place, order) in orders.iter().enumerate() {
        let rest = step(&heir, std::slice::from_ref(order)).await;
        assert_eq!(rest[0], answers[place], "the half whose answer was lost");
    }
    assert_eq!((standing(&rig), count(&rig, "tool_executions")), (1, 3));
}

#[tokio::test]
async fn moves_of_two_callers_into_each_others_hours_do_not_end_in_a_double_booking() {
    for _ in 0..6 {
        let rig = Rig::new().await;
        let (one, two) = (rig.call(ANNA), rig.call(BERT));
        let early = slot_at(&one, "D1110", "Osei", DAY, "10:00").await;
        let late = slot_at(&two, "D1110", "Osei", DAY, "11:00").await;
        let wish_one = slot_at(&one, "D1110", "Osei", DAY, "11:00").await;
        let wish_two = slot_at(&two, "D1110", "Osei", DAY, "10:00").await;
        let annas = one.ask("book_appointment", anna(&early)).await;
        let berts = two.ask("book_appointment", bert(&late)).await;
        let first = [
            ("cancel_appointment", cancel(&annas)),
            ("book_appointment", anna(&wish_one)),
        ];
        let second = [
            ("cancel_appointment", cancel(&berts)),
            ("book_appointment", bert(&wish_two)),
        ];
        let (a, b) = tokio::join!(step(&one, &first), step(&two, &second));
        for (answers, old) in [(&a, &annas), (&b, &berts)] {
            let is_moved = answers[1]["status"] == "booked";
            let truth = stored(&rig, old).0;
            assert_eq!(truth, if is_moved { "cancelled" } else { "booked" });
            if is_moved {
                assert_eq!(stored(&rig, &answers[1]).0, "booked");
            }
        }
        assert_eq!(standing(&rig), 2, "{a:?} {b:?}");
    }
}

/// C11, and the rule of the step.
#[tokio::test]
async fn the_first_refusal_of_a_step_holds_back_what_comes_after_it() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let ten = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let noon = slot_at(&call, "D0150", "Osei", DAY, "12:00").await;
    let orders = [
        ("book_appointment", anna("tuesday at ten")),
        ("book_appointment", anna(&noon)),
        ("end_call", json!({ "reason": "done" })),
    ];
    let outcomes = step_in_turn(&call, 1, &orders).await;
    let statuses: Vec<ToolStatus> = outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(
        statuses,
        [
            ToolStatus::Invalid,
            ToolStatus::Declined,
            ToolStatus::Declined
        ]
    );
    assert_eq!(outcomes[1].content.expose()["status"], "not_done");
    assert_eq!(
        outcomes[2].effect, None,
        "nobody hangs up on an untold refusal"
    );
    assert_eq!(standing(&rig), 0);
    let orders = [
        ("end_call", json!({ "reason": "done" })),
        ("book_appointment", anna(&ten)),
        ("book_appointment", bert(&noon)),
    ];
    let outcomes = step_in_turn(&call, 1, &orders).await;
    assert_eq!(outcomes[0].effect, Some(CallEffect::EndCall));
    assert_eq!(standing(&rig), 2, "another patient's is another wish");
}
