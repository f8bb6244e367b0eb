//! Bookings as patients need them, on a real Postgres: steps of several calls, the patient's own rules, limits, codes, time off.

mod codes;
mod migration;
mod patient;
mod steps;
mod time_off;
mod times;

use chrono::{DateTime, Utc};
use neurality::{
    domain::{
        call_time::CallTime,
        conversation::{ToolCallId, ToolRequest},
        phi::Phi,
    },
    tools::outcome::ToolOutcome,
};
use serde_json::{Value, json};

use crate::support::{Rig, TestCall};

pub(super) const ANNA: &str = "+14155550101";
pub(super) const BERT: &str = "+14155550102";

/// Anna's wish for a slot.
fn anna(slot: &str) -> Value {
    json!({ "slot_id": slot, "patient_name": "Anna Keller", "date_of_birth": "1984-03-09" })
}

fn bert(slot: &str) -> Value {
    json!({ "slot_id": slot, "patient_name": "Bert Okafor", "date_of_birth": "1970-01-31" })
}

/// A tool and its arguments, as one of a step's calls.
type Order<'a> = (&'a str, Value);

/// The model calls these at once; what it reads in answer.
async fn step(call: &TestCall, orders: &[Order<'_>]) -> Vec<Value> {
    let outcomes = step_in_turn(call, 1, orders).await;
    outcomes
        .into_iter()
        .map(|outcome| outcome.content.into_exposed())
        .collect()
}

async fn step_in_turn(call: &TestCall, turn: u32, orders: &[Order<'_>]) -> Vec<ToolOutcome> {
    let request = |(place, (tool, arguments)): (usize, &Order<'_>)| ToolRequest {
        id: ToolCallId(format!("call_{place}")),
        name: (*tool).to_owned(),
        arguments: Phi::new(arguments.to_string()),
    };
    let requests: Vec<ToolRequest> = orders.iter().enumerate().map(request).collect();
    let asked: Vec<ToolCallId> = requests.iter().map(|request| request.id.clone()).collect();
    let outcomes = call.tools.run_step(requests, turn, CallTime::ZERO).await;
    let answered: Vec<ToolCallId> = outcomes.iter().map(|outcome| outcome.id.clone()).collect();
    assert_eq!(answered, asked, "each call has its answer");
    outcomes
}

/// Slots of a practitioner on a day, around a time of day.
async fn slots_around(
    call: &TestCall,
    procedure: &str,
    provider: &str,
    day: &str,
    time: &str,
) -> Vec<String> {
    let wish = json!({
        "procedure_code": procedure, "provider": provider, "from_date": day, "to_date": day, "around_time": time,
    });
    let found = call.ask("find_available_slots", wish).await;
    let slots = found["slots"]
        .as_array()
        .unwrap_or_else(|| panic!("{found}"));
    let id = |slot: &Value| slot["slot_id"].as_str().expect("slot id").to_owned();
    slots.iter().map(id).collect()
}

/// The slot of a practitioner that begins at this local time.
async fn slot_at(
    call: &TestCall,
    procedure: &str,
    provider: &str,
    day: &str,
    time: &str,
) -> String {
    let wish = json!({
        "procedure_code": procedure, "provider": provider, "from_date": day, "to_date": day, "around_time": time,
    });
    let found = call.ask("find_available_slots", wish).await;
    let wanted = format!("{day}T{time}");
    let slots = found["slots"].as_array().expect("slots");
    let slot = slots.iter().find(|slot| slot["starts_at_local"] == wanted);
    let slot = slot.unwrap_or_else(|| panic!("{wanted} is not in {found}"));
    slot["slot_id"].as_str().expect("slot id").to_owned()
}

/// Bookings that stand, as `patient's bookings` many.
fn standing(rig: &Rig) -> usize {
    count(rig, "bookings WHERE status = 'booked'")
}

fn count(rig: &Rig, what: &str) -> usize {
    let sql = format!("SELECT count(*) FROM {what}");
    rig.as_superuser(&sql).trim().parse().expect("count")
}

/// Whether a booking of an answer stands, and at what time.
fn stored(rig: &Rig, answer: &Value) -> (String, DateTime<Utc>) {
    let id = answer["booking_id"].as_str().expect("booking id");
    let sql = format!(
        "SELECT status || ' ' || to_char(starts_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM bookings WHERE booking_id = '{id}'"
    );
    let row = rig.as_superuser(&sql);
    let (status, start) = row.trim().split_once(' ').expect("a row");
    (status.to_owned(), start.parse().expect("time"))
}
