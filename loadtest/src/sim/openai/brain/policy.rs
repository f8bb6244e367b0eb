//! What to answer to the caller's words.

use serde_json::{Map, Value, json};

use super::{
    Reply, dates, facts, lines,
    results::read_offer,
    view::{Offer, Slot, View},
};

const HUMAN: [&str; 9] = [
    "human",
    "real person",
    "representative",
    "operator",
    "front desk",
    "talk to someone",
    "speak to someone",
    "talk to a person",
    "speak with someone",
];
const GOODBYE: [&str; 8] = [
    "goodbye",
    "bye",
    "bye bye",
    "that is all",
    "thats all",
    "that was all",
    "nothing else",
    "that will be all",
];
const YES: [&str; 12] = [
    "yes",
    "yeah",
    "yep",
    "sure",
    "please",
    "okay",
    "ok",
    "correct",
    "that is right",
    "sounds good",
    "would be nice",
    "go ahead",
];
const BOOK: [&str; 13] = [
    "book",
    "appointment",
    "schedule",
    "come in",
    "opening",
    "openings",
    "available",
    "anything on",
    "anything in",
    "as soon as possible",
    "earliest",
    "any time",
    "anytime",
];
const COVERAGE: [&str; 9] = [
    "cover",
    "covers",
    "covered",
    "coverage",
    "insurance",
    "pay for",
    "copay",
    "accept",
    "insured",
];
const UNINSURED: [&str; 6] = [
    "no insurance",
    "not have insurance",
    "not have any insurance",
    "dont have insurance",
    "dont have any insurance",
    "uninsured",
];

/// The answer to what the caller just said.
pub(super) fn reply(view: &View<'_>) -> Reply {
    if view.now.is_empty() {
        return Reply::say(lines::NOT_CAUGHT);
    }
    small_talk(view)
        .or_else(|| changes(view))
        .or_else(|| from_offer(view))
        .or_else(|| leaving(view))
        .or_else(|| coverage(view))
        .or_else(|| booking(view))
        .unwrap_or_else(|| rest(view))
}

fn small_talk(view: &View<'_>) -> Option<Reply> {
    let words = &view.now;
    if words.has_any(&[
        "is this a real person",
        "are you a robot",
        "are you a machine",
        "are you human",
    ]) {
        return Some(Reply::say(lines::AUTOMATED));
    }
    if words.has_any(&HUMAN) {
        return Some(transfer(view, "The caller asked for a person."));
    }
    if view.last_line().contains("connect you") && words.has_any(&YES) && !words.has("no") {
        return Some(transfer(
            view,
            "The caller accepted the offer to be connected.",
        ));
    }
    if words.has_any(&["again", "repeat", "pardon"]) {
        let again = view.offer().map(|offer| read_offer(&offer.slots));
        return Some(Reply::say(again.unwrap_or_else(|| view.last_line())));
    }
    if words.has_any(&["changed my mind"]) {
        return Some(Reply::say(lines::NO_PROBLEM));
    }
    let waits = words.has_any(&[
        "hold on",
        "wait",
        "one moment",
        "just a second",
        "just a moment",
    ]);
    waits.then(|| Reply::say(lines::TAKE_YOUR_TIME))
}

/// Says nothing yet: somebody may be there or not.
fn transfer(view: &View<'_>, reason: &str) -> Reply {
    let mut arguments = args(json!({"reason": reason}));
    if view.tool_takes("transfer_to_human", "summary") {
        arguments.insert("summary".into(), json!(reason));
    }
    Reply::call("transfer_to_human", arguments)
}

/// Cancelling and moving an appointment.
fn changes(view: &View<'_>) -> Option<Reply> {
    let words = &view.now;
    let code = || {
        view.booking()
            .map(|b| b.code)
            .filter(|c| !c.is_empty())
            .or_else(|| facts::confirmation_code(&view.now_text))
    };
    let asked_for_code = view.last_line() == lines::ASK_CODE;
    let earlier = |phrase: &str| {
        view.user
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|(_, w)| w.has(phrase))
    };
    if words.has("cancel") || asked_for_code && earlier("cancel") {
        let arguments = match view.booking() {
            Some(booking)
                if !booking.id.is_empty()
                    && view.tool_takes("cancel_appointment", "booking_id") =>
            {
                json!({"booking_id": booking.id})
            }
            _ => match code() {
                Some(code) => json!({"confirmation_code": code}),
                None => return Some(Reply::say(lines::ASK_CODE)),
            },
        };
        return Some(Reply::call("cancel_appointment", args(arguments)));
    }
    if !wants_to_move(view) {
        return None;
    }
    if view.booking().is_none() && code().is_none() {
        return Some(Reply::say(lines::ASK_CODE));
    }
    if view.booking().is_none() && !takes_code(view) {
        return Some(transfer(
            view,
            "The caller wants to move an earlier appointment.",
        ));
    }
    Some(search(view).unwrap_or_else(|| Reply::say(lines::ASK_OTHER_DAY)))
}

fn wants_to_move(view: &View<'_>) -> bool {
    let asked_for_code = view.last_line() == lines::ASK_CODE;
    let moves = |w: &super::words::Words| {
        w.has("reschedule")
            || w.has_any(&["move", "change"])
                && w.has_any(&["appointment", "it", "booking", "instead"])
    };
    moves(&view.now)
        || asked_for_code && view.user.iter().rev().nth(1).is_some_and(|(_, w)| moves(w))
}

fn takes_code(view: &View<'_>) -> bool {
    view.has_tool("reschedule_appointment")
        && view.tool_takes("reschedule_appointment", "confirmation_code")
}

/// Slots are on the table: a choice, a refusal, or the caller's details.
fn from_offer(view: &View<'_>) -> Option<Reply> {
    let offer = view.offer()?;
    let words = &view.now;
    let refuses = words.has_any(&[
        "none",
        "neither",
        "do not work",
        "dont work",
        "something else",
        "another",
        "different",
    ]);
    let wants_other =
        refuses || wants_days(view) && super::view::choice(words, &offer.slots).is_none();
    if wants_other && dates::full_date(words).is_none() {
        return Some(search(view).unwrap_or_else(|| Reply::say(lines::ASK_OTHER_DAY)));
    }
    if words.has_any(&GOODBYE) || declines(view) {
        return None;
    }
    if let Some(slot) = view.chosen(&offer) {
        return Some(take_slot(view, &offer, &slot));
    }
    let question = words.has_any(&COVERAGE) || words.has("how much");
    (!question).then(|| Reply::say(lines::ASK_WHICH_SLOT))
}

/// Books the slot, or asks for what is missing.
fn take_slot(view: &View<'_>, offer: &Offer, slot: &Slot) -> Reply {
    if let Some(booking) = view.booking().filter(|b| b.at < offer.at) {
        let arguments = json!({"booking_id": booking.id, "confirmation_code": booking.code, "slot_id": slot.id});
        return Reply::call("reschedule_appointment", args(arguments));
    }
    let asked = [lines::ASK_IDENTITY, lines::ASK_NAME]
        .iter()
        .any(|line| view.last_line().contains(line));
    let latest = view.user.last().map(|(at, _)| *at);
    let name = view
        .user
        .iter()
        .rev()
        .find_map(|(at, words)| facts::name(words, asked && Some(*at) == latest));
    let birth = view.newest(dates::full_date);
    let phone = view.newest(facts::phone);
    let (name, birth) = match (name, birth) {
        (None, None) => return Reply::say(lines::ASK_IDENTITY),
        (None, Some(_)) => return Reply::say(lines::ASK_NAME),
        (Some(_), None) => return Reply::say(lines::ASK_BIRTH),
        (Some(name), Some(birth)) => (name, birth),
    };
    if phone.is_none() && view.tool_requires("book_appointment", "phone") {
        return Reply::say(lines::ASK_PHONE);
    }
    let mut arguments =
        args(json!({"slot_id": slot.id, "patient_name": name, "date_of_birth": birth.to_string()}));
    if let Some(phone) = phone {
        arguments.insert("phone".into(), json!(phone));
    }
    if let Some((procedure, _)) = view.procedure() {
        arguments.insert("reason".into(), json!(procedure));
    }
    Reply::call("book_appointment", arguments)
}

fn declines(view: &View<'_>) -> bool {
    view.now
        .has_any(&["no thank you", "no thanks", "not now", "not today"])
}

fn leaving(view: &View<'_>) -> Option<Reply> {
    let asked = view.last_line().contains("anything else");
    let no = view.now.get(0) == Some("no");
    if view.now.has_any(&GOODBYE) || asked && (no || declines(view)) {
        return Some(
            Reply::call("end_call", args(json!({"reason": "caller said goodbye"})))
                .saying(lines::GOODBYE),
        );
    }
    (no || declines(view)).then(|| Reply::say(format!("All right. {}", lines::ANYTHING_ELSE)))
}

fn coverage(view: &View<'_>) -> Option<Reply> {
    let words = &view.now;
    if words.has_any(&UNINSURED) {
        return None;
    }
    if words.has_any(&["how much", "copay"])
        && let Some(known) = view
            .results
            .iter()
            .rev()
            .find(|r| r.value.get("copay_cents").is_some_and(Value::is_i64))
    {
        let cents = known.value["copay_cents"].as_i64().unwrap_or_default();
        return Some(Reply::say(format!(
            "Your copay is {}. {}",
            lines::money(cents),
            lines::ANYTHING_ELSE
        )));
    }
    let answers = [lines::ASK_PAYER, lines::ASK_PLAN].contains(&view.last_line().as_str())
        || view.last_line().contains("another insurance plan");
    let named = view.names_payer_now() || facts::plan(words).is_some();
    if !(words.has_any(&COVERAGE)
        || words.has("how much")
        || named
        || answers && !words.has_any(&BOOK))
    {
        return None;
    }
    let Some(payer) = view.payer() else {
        return Some(Reply::say(lines::ASK_PAYER));
    };
    let Some(plan) = view.plan() else {
        return Some(Reply::say(lines::ASK_PLAN));
    };
    let Some((_, code)) = view.procedure() else {
        let unknown = facts::mentions_procedure(words);
        return Some(Reply::say(if unknown {
            lines::CANNOT
        } else {
            "I can check that. Which treatment is it about?"
        }));
    };
    let mut reply = Reply::call(
        "check_insurance_coverage",
        args(json!({"payer": payer, "plan": plan, "procedure_code": code})),
    );
    // Two wishes in one breath: both tools at once.
    if wants_days(view)
        && let Some(search) = search(view)
    {
        reply.calls.extend(search.calls);
    }
    Some(reply)
}

fn booking(view: &View<'_>) -> Option<Reply> {
    let words = &view.now;
    let offered = view.last_line().to_lowercase();
    let agrees = words.has_any(&YES) && !words.has("no");
    let asked_day = [lines::ASK_DAY, lines::ASK_OTHER_DAY]
        .iter()
        .any(|line| offered.contains(&line.to_lowercase()));
    let offered_to_book = offered.contains("book");
    let wants = words.has_any(&BOOK)
        || words.has_any(&UNINSURED)
        || wants_days(view)
        || agrees && offered_to_book;
    let names_procedure = facts::mentions_procedure(words);
    if !(wants || names_procedure || agrees && asked_day) {
        return None;
    }
    if view.procedure().is_none() {
        return Some(Reply::say(if names_procedure {
            lines::CANNOT
        } else {
            lines::ASK_PROCEDURE
        }));
    }
    Some(search(view).unwrap_or_else(|| Reply::say(lines::ASK_DAY)))
}

fn wants_days(view: &View<'_>) -> bool {
    let days = view
        .today
        .and_then(|today| dates::wanted_days(&view.now, today))
        .is_some();
    days || part_of_day(view).is_some()
        || view
            .now
            .has_any(&["as soon as possible", "any time", "anytime"])
}

fn part_of_day(view: &View<'_>) -> Option<&'static str> {
    ["morning", "afternoon", "evening"]
        .into_iter()
        .find(|part| view.now.has(part))
}

/// A search for what the caller asked, `None` if they named no day. A part of the day alone keeps the day of the search
/// before.
pub(super) fn search(view: &View<'_>) -> Option<Reply> {
    if !wants_days(view) {
        return None;
    }
    let code = match view.procedure() {
        Some((_, code)) => json!(code),
        None => view.last_search()?.get("procedure_code")?.clone(),
    };
    let mut arguments = args(json!({"procedure_code": code}));
    let days = view
        .today
        .and_then(|today| dates::wanted_days(&view.now, today));
    if let Some((from, to)) = days {
        arguments.insert("from_date".into(), json!(from.to_string()));
        arguments.insert("to_date".into(), json!(to.to_string()));
    }
    if let Some(part) = part_of_day(view) {
        arguments.insert("part_of_day".into(), json!(part));
        for key in ["from_date", "to_date"].iter().filter(|_| days.is_none()) {
            if let Some(date) = view.last_search().and_then(|s| s.get(*key)) {
                arguments.insert((*key).into(), date.clone());
            }
        }
    }
    let doctor = ["doctor", "dr"]
        .iter()
        .find_map(|title| view.now.get(view.now.find(title)? + 1));
    if let Some(name) = doctor {
        arguments.insert("provider".into(), json!(name));
    }
    Some(Reply::call("find_available_slots", arguments))
}

/// Nothing that asks for an action.
fn rest(view: &View<'_>) -> Reply {
    let words = &view.now;
    if words.has_any(&["thank you", "thanks"]) {
        return Reply::say(lines::WELCOME);
    }
    let murmur = words.has_any(&[
        "uh huh", "mm hmm", "mhm", "okay", "ok", "right", "hello", "hi",
    ]) || words.has_any(&YES);
    if !murmur {
        return Reply::say(lines::OUT_OF_SCOPE);
    }
    let last = view.last_line();
    let question = last
        .split_inclusive(['.', '?', '!'])
        .rfind(|s| s.contains('?'))
        .map(|s| s.trim().to_owned());
    Reply::say(question.unwrap_or_else(|| lines::HOW_CAN_I_HELP.to_owned()))
}

/// The fields of a JSON object.
pub(super) fn args(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
