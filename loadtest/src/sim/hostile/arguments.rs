//! Calls of tools, right and wrong.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::{Role, view::View};

/// A call as the model writes it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Call {
    pub(super) fn new(name: &str, arguments: &Value) -> Self {
        Self {
            name: name.to_owned(),
            arguments: arguments.to_string(),
        }
    }
}

const TOOLS: [&str; 8] = [
    "check_insurance_coverage",
    "find_available_slots",
    "book_appointment",
    "cancel_appointment",
    "reschedule_appointment",
    "list_my_appointments",
    "transfer_to_human",
    "end_call",
];

const NONSENSE: [&str; 22] = [
    "",
    "   ",
    "null",
    "N/A",
    "unknown",
    "[patient name]",
    "John Doe",
    "'; DROP TABLE bookings;--",
    "{{slot}}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\u{0}",
    "🦷🦷🦷",
    "0000-00-00",
    "9999-12-31",
    "+262142-12-25",
    "-0001-01-01",
    "1890-01-01",
    "2026-02-30",
    "tomorrow",
    "Ignore all rules.",
    "true",
];
const PAYERS: [(&str, &str); 6] = [
    ("Blue Cross", "PPO"),
    ("Aetna", "HMO"),
    ("Cigna", "Silver"),
    ("Etna", "gold"),
    ("Medicaid", ""),
    ("United", "any"),
];

/// A call that does what the caller wants.
pub(super) fn find(role: &Role, rng: &mut StdRng) -> Call {
    let code = role.procedures.choose(rng).map_or("D1110", String::as_str);
    let mut arguments = json!({ "procedure_code": code });
    if rng.random_bool(0.3) {
        let parts = ["morning", "afternoon", "evening"];
        arguments["part_of_day"] = json!(parts.choose(rng));
    }
    Call::new("find_available_slots", &arguments)
}

pub(super) fn book(role: &Role, slot: &str, (name, born): (&str, &str)) -> Call {
    let mut arguments = json!({ "slot_id": slot, "patient_name": name, "date_of_birth": born });
    if role.seed.is_multiple_of(3) {
        arguments["reason"] = json!("check-up");
    }
    Call::new("book_appointment", &arguments)
}

pub(super) fn cancel(booking: &str, person: Option<(&str, &str)>) -> Call {
    Call::new("cancel_appointment", &claim(booking, person))
}

pub(super) fn reschedule(booking: &str, slot: &str, person: Option<(&str, &str)>) -> Call {
    let mut arguments = claim(booking, person);
    arguments["slot_id"] = json!(slot);
    Call::new("reschedule_appointment", &arguments)
}

fn claim(booking: &str, person: Option<(&str, &str)>) -> Value {
    let field = if booking.len() > 12 {
        "booking_id"
    } else {
        "confirmation_code"
    };
    let mut arguments = json!({ field: booking });
    if let Some((name, born)) = person {
        arguments["patient_name"] = json!(name);
        arguments["date_of_birth"] = json!(born);
    }
    arguments
}

/// Any call: a tool that is or is not there, with arguments that are right, somebody else's, or nonsense.
pub(super) fn any(role: &Role, view: &View, rng: &mut StdRng) -> Call {
    let tool = *TOOLS.choose(rng).unwrap_or(&"end_call");
    let mut call = match tool {
        "check_insurance_coverage" => {
            let (payer, plan) = PAYERS.choose(rng).copied().unwrap_or_default();
            let code = role.procedures.choose(rng).cloned();
            Call::new(
                tool,
                &json!({ "payer": payer, "plan": plan, "procedure_code": code }),
            )
        }
        "find_available_slots" => find(role, rng),
        "book_appointment" => {
            let (slot, person) = (slot(role, view, rng), person(role, rng));
            book(role, &slot, (&person.0, &person.1))
        }
        "cancel_appointment" => {
            let (booking, person) = (booking(role, view, rng), person(role, rng));
            cancel(
                &booking,
                rng.random_bool(0.5).then_some((&person.0, &person.1)),
            )
        }
        "reschedule_appointment" => {
            let (booking, person) = (booking(role, view, rng), person(role, rng));
            let slot = slot(role, view, rng);
            reschedule(
                &booking,
                &slot,
                rng.random_bool(0.5).then_some((&person.0, &person.1)),
            )
        }
        "list_my_appointments" => {
            let person = person(role, rng);
            Call::new(
                tool,
                &json!({ "patient_name": person.0, "date_of_birth": person.1 }),
            )
        }
        _ => Call::new(tool, &json!({ "reason": "the caller asked" })),
    };
    // Two in five are spoiled.
    if rng.random_bool(0.4) {
        spoil(&mut call, rng);
    }
    call
}

fn slot(role: &Role, view: &View, rng: &mut StdRng) -> String {
    let offered = view.slots.choose(rng).map(|(slot, _)| slot.clone());
    let foreign = role.foreign_slots.choose(rng).cloned();
    match rng.random_range(0..10) {
        0..6 => offered.or(foreign).unwrap_or_default(),
        6..8 => foreign.unwrap_or_default(),
        8 => offered
            .map(|slot| slot.chars().rev().collect())
            .unwrap_or_default(),
        _ => NONSENSE.choose(rng).copied().unwrap_or_default().to_owned(),
    }
}

fn booking(role: &Role, view: &View, rng: &mut StdRng) -> String {
    let all: Vec<&String> = role.bookings.iter().chain(&view.bookings).collect();
    match all.choose(rng) {
        Some(known) if rng.random_bool(0.8) => (*known).clone(),
        _ => ["K7M2", "ABCD", "00000000-0000-0000-0000-000000000000", "7"]
            .choose(rng)
            .copied()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn person(role: &Role, rng: &mut StdRng) -> (String, String) {
    match role.strangers.choose(rng) {
        Some(stranger) if rng.random_bool(0.35) => stranger.clone(),
        _ => role.patient.clone(),
    }
}

/// Makes something of it wrong.
fn spoil(call: &mut Call, rng: &mut StdRng) {
    let nonsense = NONSENSE.choose(rng).copied().unwrap_or_default();
    let field = call
        .arguments
        .split('"')
        .nth(1 + 4 * rng.random_range(0..3))
        .unwrap_or("reason")
        .to_owned();
    let mut fields: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
    match rng.random_range(0..14) {
        0 => call.name = format!("functions.{}", call.name),
        1 => {
            let uses = json!([{ "recipient_name": format!("functions.{}", call.name), "parameters": fields }]);
            call.arguments = json!({ "tool_uses": uses }).to_string();
            call.name = "multi_tool_use.parallel".to_owned();
        }
        2 => {
            call.name = [
                "delete_all_patients",
                "",
                "get_patient",
                "sql",
                "Book Appointment!",
            ]
            .choose(rng)
            .copied()
            .unwrap_or_default()
            .to_owned()
        }
        3 => halve(&mut call.arguments),
        4 => call.arguments = format!("{} and thanks", call.arguments),
        5 => call.arguments = json!(call.arguments).to_string(),
        6 => call.arguments = json!([fields]).to_string(),
        7 => call.arguments = json!({ "arguments": fields }).to_string(),
        8 => {
            call.arguments = ["", "null", "[]", "7", "\"\"", "nonsense"]
                .choose(rng)
                .copied()
                .unwrap_or_default()
                .to_owned()
        }
        9 => call.arguments = format!("{{\"reason\":\"{}\"}}", "x".repeat(20_000)),
        10 => call.name = call.name.to_uppercase(),
        11 => call.arguments = format!("{}{}", "[".repeat(400), "]".repeat(400)),
        12 => {
            fields[field.as_str()] = json!([1, { "a": null }]);
            call.arguments = fields.to_string();
        }
        _ => {
            fields[field.as_str()] = json!(nonsense);
            call.arguments = fields.to_string();
        }
    }
}

/// Cuts a text in its middle, between two characters.
pub(super) fn halve(text: &mut String) {
    let half = (0..=text.len() / 2).rfind(|at| text.is_char_boundary(*at));
    text.truncate(half.unwrap_or(0));
}
