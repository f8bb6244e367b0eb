//! The conversation as a vendor is told it again: names, ids and arguments that a model once wrote, made valid. A vendor that checks them would
//! else refuse every later request of the call.

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::Serialize;
use serde_json::Value;

use super::names::ToolNames;
use crate::{domain::conversation::ToolRequest, providers::llm::Message};

/// The shortest limits that vendors set.
const LONGEST_ID: usize = 40;
const LONGEST_NAME: usize = 64;
/// What is kept of an id that is too long: with a hash behind it, it fits.
const ID_HEAD: usize = 23;

/// A message in the vendor's form.
#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: String,
    r#type: &'static str,
    function: Called<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: String,
    arguments: Cow<'a, str>,
}

/// The messages in the vendor's form.
pub(super) fn replay<'a>(messages: &'a [Message], names: &ToolNames) -> Vec<WireMessage<'a>> {
    let mut ids = Ids::default();
    messages
        .iter()
        .map(|message| wire(message, names, &mut ids))
        .collect()
}

fn wire<'a>(message: &'a Message, names: &ToolNames, ids: &mut Ids<'a>) -> WireMessage<'a> {
    let plain = |role, content| WireMessage {
        role,
        content: Some(content),
        tool_calls: Vec::new(),
        tool_call_id: None,
    };
    match message {
        Message::System(text) => plain("system", text.expose()),
        Message::User(text) => plain("user", text.expose()),
        Message::Tool { id, content } => WireMessage {
            tool_call_id: Some(ids.answered(&id.0)),
            ..plain("tool", content.expose())
        },
        Message::Assistant { text, tool_calls } => {
            ids.next_step();
            WireMessage {
                role: "assistant",
                content: (!text.expose().is_empty() || tool_calls.is_empty())
                    .then_some(text.expose().as_str()),
                tool_calls: tool_calls
                    .iter()
                    .map(|call| tool_call(call, names, ids))
                    .collect(),
                tool_call_id: None,
            }
        }
    }
}

fn tool_call<'a>(call: &'a ToolRequest, names: &ToolNames, ids: &mut Ids<'a>) -> ToolCall<'a> {
    let known = names.resolve(&call.name).map(str::to_owned);
    ToolCall {
        id: ids.called(&call.id.0),
        r#type: "function",
        function: Called {
            name: known.unwrap_or_else(|| valid_name(&call.name)),
            arguments: valid_arguments(call.arguments.expose()),
        },
    }
}

/// Ids that have gone out: each stands for one call of the conversation, and its answer bears it, too.
#[derive(Default)]
struct Ids<'a> {
    used: HashSet<String>,
    /// Of the last message with calls: as the model wrote them, and as they went out, those without an answer.
    open: Vec<(&'a str, String)>,
}

impl<'a> Ids<'a> {
    fn next_step(&mut self) {
        self.open.clear();
    }

    fn called(&mut self, written: &'a str) -> String {
        let mut id = valid_id(written);
        let mut again = 1;
        while !self.used.insert(id.clone()) {
            again += 1;
            id = valid_id(&format!("{written}_{again}"));
        }
        self.open.push((written, id.clone()));
        id
    }

    fn answered(&mut self, written: &str) -> String {
        let place = self.open.iter().position(|(open, _)| *open == written);
        place.map_or_else(|| valid_id(written), |place| self.open.remove(place).1)
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// An id of few plain characters; the same for the same.
fn valid_id(id: &str) -> String {
    if (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(is_plain) {
        return id.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let head: String = id.chars().filter(|c| is_plain(*c)).take(ID_HEAD).collect();
    format!("{head}_{:016x}", hasher.finish())
}

fn valid_name(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .take(LONGEST_NAME)
        .collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

/// A JSON object, as the model wrote it if it wrote one. What was wrong with it stands in the call's answer.
fn valid_arguments(written: &str) -> Cow<'_, str> {
    match serde_json::from_str::<Value>(written) {
        Ok(Value::Object(_)) => Cow::Borrowed(written),
        // Written as JSON twice.
        Ok(Value::String(inner)) if is_object(&inner) => Cow::Owned(inner),
        _ => Cow::Borrowed("{}"),
    }
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{conversation::ToolCallId, phi::Phi};

    fn call(id: &str, name: &str, arguments: &str) -> ToolRequest {
        ToolRequest {
            id: ToolCallId(id.into()),
            name: name.into(),
            arguments: Phi::new(arguments.into()),
        }
    }

    fn step(calls: Vec<ToolRequest>) -> Vec<Message> {
        let answers = calls.iter().map(|call| Message::Tool {
            id: call.id.clone(),
            content: Phi::new("{}".into()),
        });
        let answers: Vec<Message> = answers.collect();
        let said = Message::Assistant {
            text: Phi::default(),
            tool_calls: calls,
        };
        std::iter::once(said).chain(answers).collect()
    }

    fn replayed(messages: &[Message]) -> Value {
        let names = ToolNames::new(["book_appointment", "look"]);
        serde_json::to_value(replay(messages, &names)).expect("json")
    }

    /// C10
    #[test]
    fn an_id_that_no_vendor_takes_is_shortened_alike_for_call_and_answer() {
        let long = format!("call_{}", "x".repeat(67));
        for id in [long.as_str(), "", "chatcmpl-tool:1/ü", "call 1"] {
            let sent = replayed(&step(vec![call(id, "look", "{}")]));
            let (asked, answered) = (&sent[0]["tool_calls"][0]["id"], &sent[1]["tool_call_id"]);
            assert_eq!(asked, answered, "{id}");
            let sent_id = asked.as_str().expect("text");
            assert!(
                (1..=40).contains(&sent_id.len()) && sent_id.chars().all(is_plain),
                "{sent_id}"
            );
            assert_eq!(replayed(&step(vec![call(id, "look", "{}")])), sent, "{id}");
        }
        let other = format!("call_{}y", "x".repeat(66));
        assert_ne!(valid_id(&long), valid_id(&other));
        assert_eq!(valid_id("call_AbC-1"), "call_AbC-1");
    }

    /// C10: two calls of one id, in one step or in two, are two.
    #[test]
    fn each_call_has_its_own_id_and_each_answer_that_of_its_call() {
        let mut messages = step(vec![call("a", "look", "{}"), call("a", "look", "{}")]);
        messages.extend(step(vec![call("a", "look", "{}")]));
        let sent = replayed(&messages);
        let ids = [
            &sent[0]["tool_calls"][0]["id"],
            &sent[0]["tool_calls"][1]["id"],
            &sent[3]["tool_calls"][0]["id"],
        ];
        assert_eq!(ids, ["a", "a_2", "a_3"]);
        let answers = [
            &sent[1]["tool_call_id"],
            &sent[2]["tool_call_id"],
            &sent[4]["tool_call_id"],
        ];
        assert_eq!(answers, ids);
    }

    /// C10
    #[test]
    fn arguments_are_replayed_as_an_object() {
        for (written, sent) in [
            ("{\"a\": 1}", "{\"a\": 1}"),
            ("", "{}"),
            ("  ", "{}"),
            ("{\"a\":", "{}"),
            ("tuesday", "{}"),
            ("\"tuesday\"", "{}"),
            ("[1]", "{}"),
            ("null", "{}"),
            ("{\"a\":1} and more", "{}"),
            ("\"{\\\"a\\\":1}\"", "{\"a\":1}"),
        ] {
            let sent_now = replayed(&step(vec![call("a", "look", written)]));
            assert_eq!(
                sent_now[0]["tool_calls"][0]["function"]["arguments"], sent,
                "{written}"
            );
        }
    }

    /// C08
    #[test]
    fn names_are_replayed_as_the_tools_are_called_or_at_least_as_names() {
        let long = "x".repeat(80);
        for (written, sent) in [
            ("book_appointment", "book_appointment"),
            ("functions.book_appointment", "book_appointment"),
            ("multi_tool_use.parallel", "multi_tool_use_parallel"),
            ("do it!", "do_it_"),
            ("", "unknown"),
            (&long, &long[..64]),
        ] {
            let sent_now = replayed(&step(vec![call("a", written, "{}")]));
            assert_eq!(
                sent_now[0]["tool_calls"][0]["function"]["name"], sent,
                "{written}"
            );
        }
    }
}
