//! Times and days as callers ask for them and models write them.

use std::{collections::BTreeSet, time::Duration};

use neurality::tools::outcome::ToolStatus;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::{ANNA, anna, slot_at, standing};
use crate::support::{Rig, TestCall};

const DAY: &str = "2026-12-01";

async fn find(call: &TestCall, extra: Value) -> Value {
    let mut wish =
        json!({ "procedure_code": "D1110", "provider": "Osei", "from_date": DAY, "to_date": DAY });
    for (key, value) in extra.as_object().expect("an object") {
        wish[key] = value.clone();
    }
    call.ask("find_available_slots", wish).await
}

fn times(found: &Value) -> Vec<&str> {
    let slots = found["slots"]
        .as_array()
        .unwrap_or_else(|| panic!("{found}"));
    slots
        .iter()
        .map(|slot| &slot["starts_at_local"].as_str().expect("time")[11..])
        .collect()
}

/// B7.
#[tokio::test]
async fn who_asks_for_three_o_clock_gets_it_or_what_lies_around_it() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    for said in ["15:00", "3 pm", "around three o'clock", "3:00 P.M."] {
        let found = find(&call, json!({ "around_time": said })).await;
        assert_eq!(times(&found), ["14:30", "15:00", "15:30"], "{said}");
        assert_eq!(found["asked_time_is_free"], true);
        assert_eq!(
            (&found["has_earlier"], &found["has_later"]),
            (&json!(true), &json!(true))
        );
    }
    let slot = slot_at(&call, "D1110", "Osei", DAY, "15:00").await;
    call.ask("book_appointment", anna(&slot)).await;
    let found = find(&call, json!({ "around_time": "15:00" })).await;
    assert_eq!(times(&found), ["14:00", "14:30", "15:30"]);
    assert_eq!(found["asked_time_is_free"], false);
    let found = find(&call, json!({ "after_time": "16:00" })).await;
    assert_eq!(times(&found), ["16:00", "16:30", "17:00"]);
    let found = find(
        &call,
        json!({ "before_time": "noon", "after_time": "11:00" }),
    )
    .await;
    assert_eq!(times(&found), ["11:00", "11:30"]);
    let found = find(
        &call,
        json!({ "around_time": "10:00", "part_of_day": "evening" }),
    )
    .await;
    assert_eq!(times(&found), ["17:00"]);
}

/// B7: eight of twenty could be booked at all.
#[tokio::test]
async fn later_and_earlier_lead_to_every_time_of_a_day() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let mut heard = BTreeSet::new();
    let mut found = find(&call, json!({ "before_time": "10:01" })).await;
    loop {
        heard.extend(times(&found).into_iter().map(str::to_owned));
        let slots = found["slots"].as_array().expect("slots");
        let Some(last) = slots
            .last()
            .filter(|_| found["has_later"] == true || heard.len() == 1)
        else {
            break;
        };
        found = find(&call, json!({ "later_than": last["slot_id"] })).await;
    }
    let expected: Vec<&str> = vec![
        "10:00", "10:30", "11:00", "11:30", "12:00", "13:30", "14:00", "14:30", "15:00", "15:30",
        "16:00", "16:30", "17:00",
    ];
    assert_eq!(
        heard.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
    let three = slot_at(&call, "D1110", "Osei", DAY, "15:00").await;
    let found = find(&call, json!({ "earlier_than": three })).await;
    assert_eq!(times(&found), ["13:30", "14:00", "14:30"]);
    let found = find(&call, json!({ "later_than": "2026-12-01T16:30" })).await;
    assert_eq!(
        (times(&found), &found["has_later"]),
        (vec!["17:00"], &json!(false))
    );
    // On over the end of the day, where no last day is given.
    let five = slot_at(&call, "D1110", "Osei", DAY, "17:00").await;
    let wish = json!({ "procedure_code": "D1110", "provider": "Osei", "later_than": five });
    let found = call.ask("find_available_slots", wish).await;
    assert_eq!(found["slots"][0]["starts_at_local"], "2026-12-02T10:00");
}

/// B-date.
#[tokio::test]
async fn no_date_or_time_that_a_model_writes_panics() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = call.slots().await.remove(0);
    let absurd = [
        "+262142-12-25",
        "+262142-12-31",
        "-262143-01-01",
        "9999-12-31",
        "0000-01-01",
        "0001-01-01",
        "2026-12-32",
        "99999999999999999999-01-01",
        "2026-02-29",
        "-1",
        "25:61",
        "+262142-12-31T23:59",
        "-262143-01-01T00:00",
        "T",
        "::",
        "\u{0}",
        "0123456789abcdefghjkmnpq",
    ];
    for text in absurd {
        for field in [
            "from_date",
            "to_date",
            "around_time",
            "after_time",
            "before_time",
            "later_than",
            "earlier_than",
        ] {
            let mut wish = json!({ "procedure_code": "D1110" });
            wish[field] = json!(text);
            let outcome = call.run("find_available_slots", wish).await;
            // Without a letter or a digit it says nothing, so nothing is wished for.
            if !text.chars().any(char::is_alphanumeric) {
                assert_eq!(outcome.status, ToolStatus::Done, "{field} {text}");
                continue;
            }
            assert_eq!(outcome.status, ToolStatus::Invalid, "{field} {text}");
            let code = &outcome.content.expose()["error"]["code"];
            assert_eq!(code, "invalid_arguments", "{field} {text}");
        }
        let order =
            json!({ "slot_id": slot, "patient_name": "Anna Keller", "date_of_birth": text });
        let outcome = call.run("book_appointment", order).await;
        assert_eq!(outcome.status, ToolStatus::Invalid, "{text}");
        let claim = json!({ "confirmation_code": "K7M2R4T", "patient_name": "Anna Keller", "date_of_birth": text });
        for tool in ["cancel_appointment", "list_my_appointments"] {
            let outcome = call.run(tool, claim.clone()).await;
            assert_eq!(outcome.status, ToolStatus::Invalid, "{tool} {text}");
        }
    }
    assert_eq!(standing(&rig), 0);
}

/// C59.
#[tokio::test]
async fn a_copay_is_handed_out_in_words() {
    let rig = Rig::new().await;
    let ask = json!({ "payer": "Blue Cross", "plan": "PPO", "procedure_code": "D1110" });
    let answer = rig.call(ANNA).ask("check_insurance_coverage", ask).await;
    assert_eq!(answer["copay_spoken"], "twenty-five dollars");
}

/// Ends the connections that wait for the lock, as a failover would, and gives the lock back.
async fn cut_off_while_locked<T>(rig: &Rig, table: &str, work: impl Future<Output = T>) -> T {
    let mut owner = PgConnection::connect(rig.database.owner_url())
        .await
        .expect("the owner connects");
    let lock = sqlx::AssertSqlSafe(format!(
        "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"
    ));
    sqlx::raw_sql(lock).execute(&mut owner).await.expect("lock");
    let cut = async {
        let waiting = "FROM pg_stat_activity WHERE application_name = 'neurality' AND wait_event_type = 'Lock' AND datname = current_database()";
        let end = format!("SELECT count(pg_terminate_backend(pid)) {waiting}");
        for _ in 0..400 {
            if rig.as_superuser(&end).trim() != "0" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sqlx::raw_sql("ROLLBACK")
            .execute(&mut owner)
            .await
            .expect("unlock");
    };
    tokio::join!(work, cut).0
}

#[tokio::test]
async fn a_tool_that_only_reads_is_tried_once_more_when_its_connection_is_lost() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let search = call.run("find_available_slots", json!({ "procedure_code": "D1110" }));
    let outcome = cut_off_while_locked(&rig, "practitioners", search).await;
    assert_eq!(
        outcome.status,
        ToolStatus::Done,
        "{}",
        outcome.content.expose()
    );
}

#[tokio::test]
async fn a_booking_whose_connection_is_lost_is_made_once_on_another() {
    let rig = Rig::new().await;
    let call = rig.call(ANNA);
    let slot = call.slots().await.remove(0);
    let booking = call.run("book_appointment", anna(&slot));
    let outcome = cut_off_while_locked(&rig, "bookings", booking).await;
    assert_eq!(outcome.status, ToolStatus::Done);
    let made = outcome.content.into_exposed();
    assert_eq!((&made["status"], standing(&rig)), (&json!("booked"), 1));
    let again = call.ask("book_appointment", anna(&slot)).await;
    assert_eq!((again, standing(&rig)), (made, 1));
}
