//! What one patient may have, and how much one caller may book.

use serde_json::{Value, json};

use super::{
    ANNA, BERT, anna, bert, count, slot_at, slots_around, standing, step, step_in_turn, stored,
};
use crate::support::{Rig, TestCall, dental_file, now};

const DAY: &str = "2026-12-01";

fn confirmed(slot: &str, answer: &Value) -> Value {
    let mut order = anna(slot);
    order["additional_confirmation"] = answer["additional_confirmation"].clone();
    order
}

/// C11: two slots in one step were two bookings.
#[tokio::test]
async fn two_slots_for_one_wish_are_one_booking_until_the_caller_confirms_the_second() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slots = slots_around(&call, "D1110", "Osei", DAY, "10:30").await;
    let orders = [
        ("book_appointment", anna(&slots[0])),
        ("book_appointment", anna(&slots[1])),
    ];
    let answers = step(&call, &orders).await;
    assert_eq!(answers[0]["status"], "booked");
    assert_eq!(answers[1]["status"], "has_appointment", "{}", answers[1]);
    assert_eq!(
        answers[1]["appointment"]["booking_id"],
        answers[0]["booking_id"]
    );
    assert_eq!(standing(&rig), 1);
    let order = [("book_appointment", confirmed(&slots[1], &answers[1]))];
    // The caller cannot have answered in the turn in which they were to be asked.
    let early = step_in_turn(&call, 1, &order).await;
    assert_eq!(early[0].content.expose()["status"], "has_appointment");
    let later = step_in_turn(&call, 2, &order).await;
    assert_eq!(later[0].content.expose()["status"], "booked");
    let again = step_in_turn(&call, 2, &order).await;
    assert_eq!(again[0].content.expose(), later[0].content.expose());
    assert_eq!(standing(&rig), 2);
}

/// C11 with another procedure: who wished for one appointment does not leave with two.
#[tokio::test]
async fn another_procedure_in_the_same_call_is_asked_about_too() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let cleaning = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let exam = slot_at(&call, "D0150", "Katz", DAY, "14:00").await;
    call.ask("book_appointment", anna(&cleaning)).await;
    let refused = call.ask("book_appointment", anna(&exam)).await;
    assert_eq!(
        (&refused["status"], standing(&rig)),
        (&json!("has_appointment"), 1)
    );
    let order = [("book_appointment", confirmed(&exam, &refused))];
    let later = step_in_turn(&call, 2, &order).await;
    assert_eq!(later[0].content.expose()["status"], "booked");
    // In a call of its own there is nothing to ask.
    let (other, day) = (rig.call(ANNA), "2026-12-02");
    let filling = slot_at(&other, "D2391", "Katz", day, "10:00").await;
    let booked = other.ask("book_appointment", anna(&filling)).await;
    assert_eq!((&booked["status"], standing(&rig)), (&json!("booked"), 3));
}

#[tokio::test]
async fn a_procedure_that_repeats_is_booked_in_a_series_without_a_question() {
    let rig = Rig::new().await;
    let mut file = dental_file();
    let cleaning = file.procedures.iter_mut().find(|line| line.code == "D1110");
    cleaning.expect("a cleaning").repeats = true;
    rig.admin.apply(&file, now()).await.expect("apply");
    let call = rig.call(ANNA);
    let slots = slots_around(&call, "D1110", "Osei", DAY, "10:30").await;
    for slot in &slots {
        let answer = call.ask("book_appointment", anna(slot)).await;
        assert_eq!(answer["status"], "booked", "{answer}");
    }
    assert_eq!(standing(&rig), 3);
}

#[tokio::test]
async fn a_confirmation_counts_for_its_call_patient_and_procedure_only() {
    let rig = Rig::new().await;
    let (call, other) = (rig.call(ANNA), rig.call(BERT));
    let slots = slots_around(&call, "D1110", "Osei", DAY, "10:30").await;
    call.ask("book_appointment", anna(&slots[0])).await;
    let refused = call.ask("book_appointment", anna(&slots[1])).await;
    let elsewhere = slot_at(&other, "D1110", "Katz", "2026-12-02", "09:00").await;
    let order = [("book_appointment", confirmed(&elsewhere, &refused))];
    let answer = step_in_turn(&other, 9, &order).await;
    let content = answer[0].content.expose();
    assert_eq!(content["status"], "has_appointment");
    assert!(
        content.get("appointment").is_none(),
        "name and birth date alone show nothing: {content}"
    );
    for invented in ["true", "yes", "0000000000000000", "zzzzzzzzzzzzzzzz"] {
        let mut order = anna(&slots[1]);
        order["additional_confirmation"] = json!(invented);
        let answer = step_in_turn(&call, 9, &[("book_appointment", order)]).await;
        assert_eq!(answer[0].content.expose()["status"], "has_appointment");
    }
    assert_eq!(standing(&rig), 1);
}

#[tokio::test]
async fn a_patient_is_not_booked_into_two_chairs_at_once_nor_moved_there() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let cleaning = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let booked = call.ask("book_appointment", anna(&cleaning)).await;
    // An hour from half past nine on, with somebody else.
    let filling = slot_at(&call, "D2391", "Katz", DAY, "09:30").await;
    let answer = call.ask("book_appointment", anna(&filling)).await;
    assert_eq!(answer["status"], "patient_busy");
    assert_eq!(answer["appointment"]["booking_id"], booked["booking_id"]);
    let others = call.ask("book_appointment", bert(&filling)).await;
    assert_eq!(others["status"], "booked", "another patient may have it");
    let second = rig.call(ANNA);
    let late = slot_at(&second, "D0150", "Katz", DAY, "14:00").await;
    let exam = second.ask("book_appointment", anna(&late)).await;
    assert_eq!(exam["status"], "booked");
    let onto = slot_at(&second, "D0150", "Osei", DAY, "10:30").await;
    let aside = json!({ "booking_id": exam["booking_id"], "slot_id": onto });
    let moved = second.ask("reschedule_appointment", aside).await;
    assert_eq!(moved["status"], "rescheduled", "beside is not at once");
    let clash = slot_at(&call, "D1110", "Castellanos", DAY, "10:30").await;
    let order = json!({ "booking_id": booked["booking_id"], "slot_id": clash });
    let answer = call.ask("reschedule_appointment", order).await;
    assert_eq!(answer["status"], "patient_busy");
    assert_eq!(stored(&rig, &booked).0, "booked");
}

/// C11, from two calls at once, for both rules.
#[tokio::test]
async fn two_calls_that_book_one_patient_at_once_do_not_both_get_it() {
    for round in 0..12 {
        let rig = Rig::new().await;
        let (one, two) = (rig.call(ANNA), rig.call(BERT));
        let is_same_hour = round % 2 == 0;
        let (procedure, time) = if is_same_hour {
            ("D0150", "10:00")
        } else {
            ("D1110", "14:00")
        };
        let first = slot_at(&one, "D1110", "Osei", DAY, "10:00").await;
        let second = slot_at(&two, procedure, "Katz", DAY, time).await;
        let (a, b) = tokio::join!(
            one.ask("book_appointment", anna(&first)),
            two.ask("book_appointment", anna(&second))
        );
        let refusal = if is_same_hour {
            "patient_busy"
        } else {
            "has_appointment"
        };
        let mut statuses = [&a["status"], &b["status"]].map(|s| s.as_str().expect("a status"));
        statuses.sort_by_key(|status| *status != "booked");
        assert_eq!(statuses, ["booked", refusal], "{a} {b}");
        assert_eq!(standing(&rig), 1);
    }
}

/// The constraints hold for whoever does not ask first.
#[tokio::test]
async fn postgres_itself_refuses_a_patient_two_hours_at_once_and_two_from_one_wish() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    call.ask("book_appointment", anna(&slot)).await;
    let copy = |shift: &str, procedure: &str| {
        let sql = format!(
            "INSERT INTO bookings (tenant_id, booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, confirmation_code, call_id,
                                   idempotency_key, created_at)
             SELECT tenant_id, gen_random_uuid(), (SELECT provider_id FROM practitioners WHERE name = 'Dr. Ben Katz'), patient_id, '{procedure}',
                    starts_at + interval '{shift}', ends_at + interval '{shift}', 'W2W2W2W', gen_random_uuid(), sha256('x'), created_at
             FROM bookings"
        );
        let name = rig.database.name();
        let done = loadtest::stack::shared::postgres().psql(name, &sql);
        done.err().map(|error| format!("{error:#}"))
    };
    let overlap = copy("15 minutes", "D0150").expect("refused");
    assert!(overlap.contains("bookings_patient_no_overlap"), "{overlap}");
    let same = copy("3 hours", "D1110").expect("refused");
    assert!(same.contains("bookings_one_per_wish"), "{same}");
    assert_eq!(copy("3 hours", "D0150"), None);
}

#[tokio::test]
async fn bookings_of_a_call_a_number_and_a_patient_are_limited_as_the_clinic_says() {
    let rig = Rig::new().await;
    let mut file = dental_file();
    let limit = |n: u8| n.try_into().expect("not zero");
    file.booking_limits.per_call = limit(2);
    file.booking_limits.per_caller = limit(3);
    file.booking_limits.per_patient = limit(1);
    rig.admin.apply(&file, now()).await.expect("apply");
    let book = async |call: &TestCall, name: &str, time: &str, procedure: &str| {
        let slot = slot_at(call, procedure, "Katz", DAY, time).await;
        let order = json!({ "slot_id": slot, "patient_name": name, "date_of_birth": "1984-03-09" });
        call.ask("book_appointment", order).await
    };
    let call = rig.call(ANNA);
    let first = book(&call, "Anna Keller", "09:00", "D1110").await;
    assert_eq!(first["status"], "booked");
    let patient = book(&rig.call(ANNA), "Anna Keller", "11:00", "D0150").await;
    assert_eq!(
        (&patient["status"], &patient["limit"]),
        (&json!("too_many_bookings"), &json!("per_patient"))
    );
    assert_eq!(
        book(&call, "Ben Keller", "09:30", "D1110").await["status"],
        "booked"
    );
    let third = book(&call, "Cleo Keller", "10:00", "D1110").await;
    assert_eq!(third["limit"], "per_call", "{third}");
    // Somebody who calls from another number has limits of their own, and giving one back makes room.
    let next = rig.call(ANNA);
    assert_eq!(
        book(&next, "Cleo Keller", "10:00", "D1110").await["status"],
        "booked"
    );
    let number = book(&next, "Dora Keller", "10:30", "D1110").await;
    assert_eq!(number["limit"], "per_caller", "{number}");
    assert_eq!(
        book(&rig.call(BERT), "Dora Keller", "10:30", "D1110").await["status"],
        "booked"
    );
    let id = json!({ "booking_id": first["booking_id"] });
    assert_eq!(
        call.ask("cancel_appointment", id).await["status"],
        "cancelled"
    );
    assert_eq!(
        book(&next, "Ella Keller", "11:00", "D1110").await["status"],
        "booked"
    );
    assert_eq!(
        count(&rig, "patients"),
        5,
        "who was refused leaves nothing behind"
    );
}

#[tokio::test]
async fn limits_hold_when_many_bookings_of_a_call_are_on_their_way_at_once() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let mut tasks = tokio::task::JoinSet::new();
    let times = [
        "09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00", "12:30",
    ];
    for (place, time) in times.into_iter().enumerate() {
        let slot = slot_at(&call, "D1110", "Katz", DAY, time).await;
        let name = format!(
            "Anna Kell{}",
            ["a", "e", "i", "o", "u", "y", "an", "en"][place]
        );
        let order = json!({ "slot_id": slot, "patient_name": name, "date_of_birth": "1984-03-09" });
        let call = call.clone();
        tasks.spawn(async move { call.ask("book_appointment", order).await });
    }
    let answers = tasks.join_all().await;
    let booked = answers.iter().filter(|a| a["status"] == "booked").count();
    assert_eq!((booked, standing(&rig)), (5, 5), "{answers:?}");
}

#[tokio::test]
async fn appointments_are_listed_for_who_proves_to_be_the_patient_and_for_nobody_else() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let booked = call.ask("book_appointment", anna(&slot)).await;
    let other = rig.call(ANNA);
    let exam = slot_at(&other, "D0150", "Katz", DAY, "14:00").await;
    other.ask("book_appointment", anna(&exam)).await;
    let person = json!({ "patient_name": "Anna Keller", "date_of_birth": "1984-03-09" });
    // C62: the same number without the network's word for it is anybody's.
    let spoofed = rig.call(ANNA);
    let answer = spoofed.ask("list_my_appointments", person.clone()).await;
    assert_eq!(answer, json!({ "status": "not_found" }));
    let again = TestCall::verified(&rig, ANNA);
    let list = again.ask("list_my_appointments", person.clone()).await;
    let told = list["appointments"].as_array().expect("a list");
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["booking_id"], booked["booking_id"]);
    assert_eq!(told[0]["procedure"], "Dental cleaning");
    assert_eq!(told[0]["provider"], "Dr. Amara Osei");
    assert_eq!(told[0]["spoken_time"], booked["spoken_time"]);
    let fields = told[0].as_object().expect("an object").len();
    assert_eq!(fields, 4, "no more than is needed: {list}");

    let stranger = TestCall::verified(&rig, BERT);
    for claim in [
        person.clone(),
        json!({ "confirmation_code": booked["confirmation_code"] }),
        json!({ "booking_id": booked["booking_id"] }),
        json!({}),
    ] {
        let answer = stranger.ask("list_my_appointments", claim).await;
        assert_eq!(answer, json!({ "status": "not_found" }));
    }
    let mut proven = person;
    proven["confirmation_code"] = booked["confirmation_code"].clone();
    let list = stranger.ask("list_my_appointments", proven).await;
    assert_eq!(list["appointments"].as_array().map(Vec::len), Some(2));
}

/// Who books in somebody's name learns no more than that.
#[tokio::test]
async fn a_booking_made_in_a_patients_name_does_not_open_their_other_appointments() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    call.ask("book_appointment", anna(&slot)).await;
    let stranger = rig.call(BERT);
    let exam = slot_at(&stranger, "D0150", "Katz", DAY, "14:00").await;
    let own = stranger.ask("book_appointment", anna(&exam)).await;
    let again = TestCall::verified(&rig, BERT);
    for (caller, claim) in [
        (&stranger, json!({ "booking_id": own["booking_id"] })),
        (
            &again,
            json!({ "patient_name": "Anna Keller", "date_of_birth": "1984-03-09" }),
        ),
    ] {
        let list = caller.ask("list_my_appointments", claim).await;
        let told = list["appointments"].as_array().expect("a list");
        assert_eq!(told.len(), 1, "{list}");
        assert_eq!(told[0]["booking_id"], own["booking_id"]);
    }
}
