//! What to say about what tools answered.

use serde_json::{Map, Value, json};

use super::{
    Reply,
    lines::{self, text},
    policy::args,
    view::{Slot, ToolResult, View, slots},
};

/// Slots that are read out at once.
const READ_OUT: usize = 3;

/// The answer once all tools have answered.
pub(super) fn reply(view: &View<'_>) -> Reply {
    let fresh = view.fresh_results();
    let Some(last) = fresh.last() else {
        return Reply::say(lines::NOT_CAUGHT);
    };
    // Only the results of the last round; earlier ones were dealt with.
    let round: Vec<&ToolResult> = fresh
        .iter()
        .rev()
        .enumerate()
        .take_while(|(n, r)| r.at + n == last.at)
        .map(|(_, r)| r)
        .collect();
    let mut sentences = Vec::new();
    let mut calls = Vec::new();
    for result in round.into_iter().rev() {
        let reply = one(view, result, fresh);
        sentences.extend(reply.say);
        calls.extend(reply.calls);
    }
    let mut say = sentences.join(" ");
    // One question at a time: with slots on offer, nobody is asked whether they want to book.
    if say.contains(lines::ASK_WHICH_SLOT) {
        say = say.replace(" Would you like me to book an appointment?", "");
    }
    Reply {
        say: (calls.is_empty() || !say.is_empty()).then_some(say),
        calls,
    }
}

fn one(view: &View<'_>, result: &ToolResult, fresh: &[ToolResult]) -> Reply {
    if let Some(error) = result.value.get("error") {
        return failed(view, result, error, fresh);
    }
    match result.name.as_str() {
        "check_insurance_coverage" => Reply::say(coverage(view, result)),
        "find_available_slots" => found(result, fresh),
        "book_appointment" | "reschedule_appointment" => booked(&result.value),
        "cancel_appointment" => Reply::say(format!(
            "Your appointment is cancelled. {}",
            lines::ANYTHING_ELSE
        )),
        "transfer_to_human" => Reply::say(transferred(&result.value)),
        "end_call" => Reply::say("Goodbye."),
        _ => Reply::say(lines::ANYTHING_ELSE),
    }
}

fn transferred(value: &Value) -> String {
    match (text(value, "status"), text(value, "opens")) {
        ("transferring" | "transferred", _) => lines::CONNECTING.to_owned(),
        ("closed", opens) if !opens.is_empty() => {
            format!(
                "{} They are back {opens}. {}",
                lines::NOBODY_THERE,
                lines::ANYTHING_ELSE
            )
        }
        _ => format!("{} {}", lines::NOBODY_THERE, lines::ANYTHING_ELSE),
    }
}

fn coverage(view: &View<'_>, result: &ToolResult) -> String {
    let asked = Value::Object(result.arguments.clone());
    let word = |key| {
        if text(&result.value, key).is_empty() {
            text(&asked, key)
        } else {
            text(&result.value, key)
        }
    };
    let plan = format!("{} {}", word("payer"), word("plan"));
    let what = view.procedure_name(text(&asked, "procedure_code"));
    match text(&result.value, "status") {
        "covered" => {
            let copay = match result.value.get("copay_cents").and_then(Value::as_i64) {
                None => String::new(),
                Some(0) => ", with no copay".to_owned(),
                Some(cents) => format!(", and your copay is {}", lines::money(cents)),
            };
            format!("Yes, {plan} covers {what}{copay}. Would you like me to book an appointment?")
        }
        "not_covered" => format!(
            "I am sorry, {plan} does not cover {what}. Would you like me to book an appointment anyway?"
        ),
        "cannot_tell" => format!(
            "I cannot tell whether {plan} covers {what}: our staff will check it. Would you like me to book an appointment?"
        ),
        _ => format!(
            "I am sorry, I could not find {plan} among the plans we know. Do you have another insurance plan?"
        ),
    }
}

fn found(result: &ToolResult, fresh: &[ToolResult]) -> Reply {
    let slots = slots(&result.value).unwrap_or_default();
    let searches = fresh
        .iter()
        .filter(|r| r.name == "find_available_slots")
        .count();
    if !slots.is_empty() {
        let apology = if searches > 1 {
            "I have nothing at that time, but there is something else. "
        } else {
            ""
        };
        return Reply::say(format!("{apology}{}", read_offer(&slots)));
    }
    match widened(&result.arguments).filter(|_| searches == 1) {
        Some(arguments) => Reply::call("find_available_slots", arguments),
        None => Reply::say(lines::NOTHING_FREE),
    }
}

/// The same search without its narrowest conditions; `None` if there are none.
fn widened(arguments: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut wide = arguments.clone();
    wide.retain(|key, _| key == "procedure_code" || key == "from_date");
    (wide.len() < arguments.len()).then_some(wide)
}

/// Reads slots out and asks.
pub(super) fn read_offer(slots: &[Slot]) -> String {
    let read: Vec<String> = slots
        .iter()
        .take(READ_OUT)
        .map(|s| format!("{} with {}", s.spoken, s.provider))
        .collect();
    format!("I have {}. {}", lines::any_of(&read), lines::ASK_WHICH_SLOT)
}

fn booked(value: &Value) -> Reply {
    let when = text(value, "spoken_time");
    let when = if when.is_empty() {
        String::new()
    } else {
        format!(" for {when}")
    };
    let code = lines::spelt(text(value, "confirmation_code"));
    let code = if code.is_empty() {
        String::new()
    } else {
        format!(" Your confirmation code is {code}.")
    };
    match text(value, "status") {
        "slot_taken" | "not_available" => {
            let others = slots(value).unwrap_or_default();
            if others.is_empty() {
                return Reply::say(format!(
                    "I am sorry, that time was just taken. {}",
                    lines::ASK_OTHER_DAY
                ));
            }
            Reply::say(format!(
                "I am sorry, that time was just taken. {}",
                read_offer(&others)
            ))
        }
        "already_booked" => Reply::say(format!(
            "You are already booked{when}.{code} {}",
            lines::ANYTHING_ELSE
        )),
        "rescheduled" => Reply::say(format!(
            "Your appointment is moved, you are booked{when}.{code} {}",
            lines::ANYTHING_ELSE
        )),
        "booked" => Reply::say(format!(
            "You are booked{when}.{code} {}",
            lines::ANYTHING_ELSE
        )),
        _ => Reply::say(lines::TROUBLE),
    }
}

/// A tool error: correct oneself once, ask, or give up politely.
fn failed(view: &View<'_>, result: &ToolResult, error: &Value, fresh: &[ToolResult]) -> Reply {
    let code = text(error, "code");
    let message = text(error, "message").to_lowercase();
    let attempts = fresh
        .iter()
        .filter(|r| r.name == result.name && r.value.get("error").is_some())
        .count();
    if !["invalid_arguments", "not_found", "unknown_procedure"].contains(&code) || attempts > 1 {
        return Reply::say(lines::TROUBLE);
    }
    match result.name.as_str() {
        "find_available_slots" => match widened(&result.arguments) {
            Some(_) => {
                let code = result
                    .arguments
                    .get("procedure_code")
                    .cloned()
                    .unwrap_or(Value::Null);
                Reply::call(
                    "find_available_slots",
                    args(json!({"procedure_code": code})),
                )
            }
            None => Reply::say(lines::ASK_PROCEDURE),
        },
        "book_appointment" if message.contains("birth") => {
            Reply::say("I am sorry, could you repeat your date of birth?")
        }
        "book_appointment" if message.contains("name") => {
            Reply::say("I am sorry, could you repeat your full name?")
        }
        "book_appointment" if message.contains("phone") => Reply::say(lines::ASK_PHONE),
        "book_appointment" | "reschedule_appointment" => match view.last_search() {
            Some(search) => Reply::call("find_available_slots", search.clone()),
            None => Reply::say(lines::ASK_DAY),
        },
        "check_insurance_coverage" if message.contains("plan") => Reply::say(lines::ASK_PLAN),
        "check_insurance_coverage" => Reply::say(lines::ASK_PAYER),
        "cancel_appointment" => Reply::say(
            "I am sorry, I could not find that appointment. Shall I connect you with the front desk?",
        ),
        _ => Reply::say(lines::TROUBLE),
    }
}
