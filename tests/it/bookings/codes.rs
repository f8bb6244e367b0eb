//! Confirmation codes, from the booking to the caller who reads one out from paper.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ANNA, BERT, anna, bert, slot_at, standing};
use crate::support::{Rig, TestCall};

const DAY: &str = "2026-12-01";
const TIMES: [&str; 5] = ["10:00", "10:30", "11:00", "11:30", "12:00"];

/// C05, B1, C46.
#[tokio::test]
async fn a_code_is_spelled_for_the_caller_and_is_neither_word_nor_number() {
    let rig = Rig::new().await;
    let mut codes = BTreeSet::new();
    for round in 0..4 {
        let call = rig.call(&format!("+1415555020{round}"));
        for (place, time) in TIMES.into_iter().enumerate() {
            let day = format!("2026-12-0{}", round + 1);
            let slot = slot_at(&call, "D1110", "Osei", &day, time).await;
            let name = format!("Anna Kell{}", ["a", "e", "i", "o", "u"][place]);
            let born = format!("198{round}-03-09");
            let order = json!({ "slot_id": slot, "patient_name": name, "date_of_birth": born });
            let booked = call.ask("book_appointment", order).await;
            let code = booked["confirmation_code"].as_str().expect("a code");
            let kinds: String = code
                .chars()
                .map(|c| if c.is_ascii_digit() { '9' } else { 'A' })
                .collect();
            assert_eq!(kinds, "A9A9A9A", "{code}");
            assert!(code.chars().all(|c| "KLMRTWXY2345678".contains(c)));
            let spoken = booked["confirmation_code_spoken"].as_str().expect("spoken");
            let sounds: Vec<&str> = spoken.split(", ").collect();
            assert_eq!(sounds.len(), 7, "{spoken}");
            assert!(!spoken.contains(|c: char| c.is_ascii_digit()), "{spoken}");
            codes.insert(code.to_owned());
        }
    }
    assert_eq!(codes.len(), 20);
}

/// Anna's booking under this code.
async fn booked_as(rig: &Rig, code: &str) -> Value {
    let call = rig.call(ANNA);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:00").await;
    let booked = call.ask("book_appointment", anna(&slot)).await;
    let id = booked["booking_id"].as_str().expect("id");
    rig.as_superuser(&format!(
        "UPDATE bookings SET confirmation_code = '{code}' WHERE booking_id = '{id}'"
    ));
    booked
}

fn person(code: &str) -> Value {
    json!({ "confirmation_code": code, "patient_name": "Anna Keller", "date_of_birth": "1984-03-09" })
}

async fn cancel(call: &TestCall, claim: Value) -> String {
    let answer = call.ask("cancel_appointment", claim).await;
    answer["status"].as_str().unwrap_or("refused").to_owned()
}

#[tokio::test]
async fn a_code_that_the_line_blurred_is_known_beside_name_and_birth_date_only() {
    for heard in [
        "B7N2S9K",
        "P7M2F5A",
        "tee seven en two ess five jay",
        "V 7 M 2 X 5 H",
    ] {
        let rig = Rig::new().await;
        booked_as(&rig, "T7M2X5K").await;
        let by_number = cancel(&rig.call(ANNA), json!({ "confirmation_code": heard })).await;
        assert_eq!(by_number, "not_found", "{heard}: the number alone");
        let stranger = rig.call(BERT);
        let alone = cancel(&stranger, json!({ "confirmation_code": heard })).await;
        assert_eq!(alone, "not_found", "{heard}: the code alone");
        let other = json!({ "confirmation_code": heard, "patient_name": "Bert Okafor", "date_of_birth": "1970-01-31" });
        assert_eq!(cancel(&stranger, other).await, "not_found");
        assert_eq!(standing(&rig), 1);
        assert_eq!(cancel(&stranger, person(heard)).await, "cancelled");
    }
}

#[tokio::test]
async fn a_code_that_sounds_like_none_or_like_two_of_the_patients_is_not_guessed() {
    let rig = Rig::new().await;
    booked_as(&rig, "T7M2X5K").await;
    let call = rig.call(BERT);
    for wrong in ["T7M2X4K", "L7M2X5K", "T7M2X5", "MEND"] {
        let status = cancel(&call, person(wrong)).await;
        assert!(["not_found", "refused"].contains(&status.as_str()));
    }
    // Codes of before may sound alike.
    let old = rig.call(ANNA);
    let slot = slot_at(&old, "D0150", "Katz", DAY, "14:00").await;
    old.ask("book_appointment", anna(&slot)).await;
    rig.as_superuser(
        "UPDATE bookings SET confirmation_code = 'BDPT' WHERE procedure_code = 'D0150'",
    );
    rig.as_superuser(
        "UPDATE bookings SET confirmation_code = 'TPDB' WHERE procedure_code = 'D1110'",
    );
    assert_eq!(cancel(&call, person("VVVV")).await, "not_found");
    assert_eq!(cancel(&call, person("BDPT")).await, "cancelled", "exactly");
    assert_eq!(
        cancel(&call, person("VVVV")).await,
        "cancelled",
        "one is left"
    );
    assert_eq!(standing(&rig), 0);
}

#[tokio::test]
async fn codes_that_were_given_out_before_stay_valid() {
    let rig = Rig::new().await;
    booked_as(&rig, "KXQP").await;
    let call = rig.call(BERT);
    let slot = slot_at(&call, "D1110", "Osei", DAY, "10:30").await;
    call.ask("book_appointment", bert(&slot)).await;
    let status = cancel(&rig.call(ANNA), person("k x q p")).await;
    assert_eq!((status.as_str(), standing(&rig)), ("cancelled", 1));
}
