//! What is kept of the part of a conversation that is too old to be sent: what tools answered, with the ids that may still be asked for. Pure.
//!
//! A call and its answer stay together, in the form in which they were, so the model goes on with the slots, bookings and coverage that it knows.

use std::collections::HashSet;

use serde_json::Value;

use super::context::{AgentEntry, CallSlot, Entry};
use crate::{domain::phi::Phi, providers::llm::Message};

/// Characters of calls and answers kept.
const MAX_CHARS: usize = 8_000;

/// Said before what is kept.
const NOTE: &str = "The earlier part of this call is left out. What the tools were asked and answered in it, as far as it still matters, follows.";

/// The calls of `left_out` that are not made again in `sent`, oldest first, behind a note; nothing if there is none.
pub(super) fn messages(left_out: &[Entry], sent: &[Entry]) -> Vec<Message> {
    let kept = kept(left_out, sent);
    if kept.is_empty() {
        return Vec::new();
    }
    let note = Message::System(Phi::new(NOTE.to_owned()));
    let entries = kept.into_iter().map(|calls| AgentEntry {
        text: Phi::default(),
        calls: calls.into_iter().cloned().collect(),
    });
    let told = entries.flat_map(|entry| entry.messages().collect::<Vec<_>>());
    std::iter::once(note).chain(told).collect()
}

/// By entry, as many as there is room for: first what was done, then what was found, each from the newest on.
fn kept<'a>(left_out: &'a [Entry], sent: &[Entry]) -> Vec<Vec<&'a CallSlot>> {
    let again = calls(sent).filter(|(_, call)| is_worth_keeping(call));
    let mut asked: HashSet<(&str, &str)> = again.map(|(_, call)| question(call)).collect();
    let newest = calls(left_out).collect::<Vec<_>>().into_iter().rev();
    let worth: Vec<(Place, &CallSlot)> = newest
        .filter(|(_, call)| is_worth_keeping(call))
        .filter(|(_, call)| asked.insert(question(call)))
        .collect();
    let (done, found): (Vec<_>, Vec<_>) = worth.into_iter().partition(|(_, call)| is_deed(call));
    let mut room = MAX_CHARS;
    let mut kept: Vec<(Place, &CallSlot)> = Vec::new();
    for (place, call) in done.into_iter().chain(found) {
        if let Some(rest) = room.checked_sub(call.chars()) {
            room = rest;
            kept.push((place, call));
        }
    }
    kept.sort_by_key(|(place, _)| *place);
    let by_entry = kept.chunk_by(|(a, _), (b, _)| a.0 == b.0);
    by_entry
        .map(|calls| calls.iter().map(|(_, call)| *call).collect())
        .collect()
}

/// The entry of a call, and its place there.
type Place = (usize, usize);

fn calls(entries: &[Entry]) -> impl Iterator<Item = (Place, &CallSlot)> {
    entries.iter().enumerate().flat_map(|(at, entry)| {
        let calls: &[CallSlot] = match entry {
            Entry::Agent(agent) => &agent.calls,
            Entry::Caller(_) => &[],
        };
        let numbered = calls.iter().enumerate();
        numbered.map(move |(nth, call)| ((at, nth), call))
    })
}

/// The same asked again has a newer answer.
fn question(call: &CallSlot) -> (&str, &str) {
    (&call.request.name, call.request.arguments.expose())
}

/// An answer that tells something: no error, and not that nothing was done.
fn is_worth_keeping(call: &CallSlot) -> bool {
    let answer = call.content.as_ref();
    let answer = answer.and_then(|c| serde_json::from_str::<Value>(c.expose()).ok());
    answer.is_some_and(|answer| {
        let is_failure = answer.get("error").is_some();
        let is_nothing = answer.get("status").and_then(Value::as_str) == Some("cancelled")
            && answer.get("reason").is_some();
        answer.is_object() && !is_failure && !is_nothing
    })
}

/// Whether it names an appointment: that is never found again by asking for free times.
fn is_deed(call: &CallSlot) -> bool {
    let told = call.content.as_ref().map_or("", |c| c.expose().as_str());
    [
        "booking_id",
        "confirmation_code",
        "\"booked\"",
        "\"cancelled\"",
        "\"moved\"",
        "\"rescheduled\"",
    ]
    .iter()
    .any(|mark| told.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conversation::{ToolCallId, ToolRequest};

    fn phi(text: &str) -> Phi<String> {
        Phi::new(text.to_owned())
    }

    fn call(id: &str, name: &str, arguments: &str, answer: Option<&str>) -> CallSlot {
        CallSlot {
            request: ToolRequest {
                id: ToolCallId(id.into()),
                name: name.into(),
                arguments: phi(arguments),
            },
            run: None,
            content: answer.map(phi),
        }
    }

    fn step(calls: Vec<CallSlot>) -> Entry {
        Entry::Agent(AgentEntry {
            text: phi("Let me look."),
            calls,
        })
    }

    fn shape(messages: &[Message]) -> Vec<String> {
        messages
            .iter()
            .map(|message| match message {
                Message::System(_) => "note".to_owned(),
                Message::User(text) => format!("user {}", text.expose()),
                Message::Assistant { text, tool_calls } => {
                    let ids: Vec<_> = tool_calls.iter().map(|c| c.id.0.as_str()).collect();
                    format!("agent {}{}", text.expose(), ids.join(" "))
                }
                Message::Tool { id, .. } => format!("tool {}", id.0),
            })
            .collect()
    }

    const SLOTS: &str = r#"{"slots":[{"slot_id":"s.1","spoken":"nine"}]}"#;
    const BOOKED: &str = r#"{"status":"booked","booking_id":"b1","confirmation_code":"K7P2"}"#;

    #[test]
    fn slots_and_bookings_stay_with_their_calls_and_words_go() {
        let old = [
            Entry::Caller(phi("hello")),
            step(vec![
                call("a", "find", "{\"day\":1}", Some(SLOTS)),
                call("b", "check", "{}", Some("{\"status\":\"covered\"}")),
            ]),
            Entry::Caller(phi("that one")),
            step(vec![call("c", "book", "{}", Some(BOOKED))]),
            step(vec![
                call(
                    "d",
                    "book",
                    "{\"x\":1}",
                    Some(r#"{"error":{"code":"invalid_arguments"}}"#),
                ),
                call("e", "find", "{\"day\":2}", None),
                call(
                    "f",
                    "find",
                    "{\"day\":3}",
                    Some(super::super::context::CANCELLED),
                ),
            ]),
        ];
        let kept = shape(&messages(&old, &[]));
        assert_eq!(
            kept,
            ["note", "agent a b", "tool a", "tool b", "agent c", "tool c"]
        );
        assert!(messages(&old[..1], &[]).is_empty());
    }

    #[test]
    fn what_was_asked_again_is_kept_once_and_new() {
        let find = |id: &str| step(vec![call(id, "find", "{}", Some(SLOTS))]);
        let kept = shape(&messages(&[find("a"), find("b")], &[]));
        assert_eq!(kept, ["note", "agent b", "tool b"]);
        assert!(messages(&[find("a")], &[find("b")]).is_empty());
    }

    #[test]
    fn a_booking_outlives_any_number_of_searches() {
        let mut old = vec![step(vec![call("booked", "book", "{}", Some(BOOKED))])];
        for n in 0..200 {
            let asked = format!("{{\"day\":{n}}}");
            old.push(step(vec![call(
                &format!("find{n}"),
                "find",
                &asked,
                Some(&SLOTS.replace("nine", &"x".repeat(500))),
            )]));
        }
        let told = messages(&old, &[]);
        let kept = shape(&told);
        assert_eq!(kept[1..3], ["agent booked", "tool booked"]);
        assert_eq!(kept.last().map(String::as_str), Some("tool find199"));
        assert!((10..40).contains(&kept.len()), "{}", kept.len());
    }
}
