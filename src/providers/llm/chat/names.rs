//! Names of tools as models write them, brought back to the names that they were given.

use std::sync::Arc;

use serde_json::Value;

use crate::domain::{
    conversation::{ToolCallId, ToolRequest},
    phi::Phi,
};

/// What OpenAI's models wrap calls in that they want to run at once.
const PARALLEL: &str = "parallel";

/// Words that stand before a tool's name for the place where models think it lives.
const PLACES: [&str; 9] = [
    "functions",
    "function",
    "tools",
    "tool",
    "default_api",
    "api",
    "multi_tool_use",
    "namespace",
    "assistant",
];

/// The names of the tools that a request offers.
#[derive(Clone, Debug, Default)]
pub(super) struct ToolNames(Arc<[String]>);

impl ToolNames {
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<String> = Vec::new();
        for name in names {
            if !known.iter().any(|other| other == name) {
                known.push(name.to_owned());
            }
        }
        Self(known.into())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The tool that is meant; none if it is none of these, or may be two of them.
    pub(super) fn resolve(&self, written: &str) -> Option<&str> {
        let bare = without_place(written.split(['<', '(']).next().unwrap_or(written));
        if let Some(exact) = self.iter().find(|name| *name == bare) {
            return Some(exact);
        }
        let mut meant = self.iter().filter(|name| key(name) == key(bare));
        meant.next().filter(|_| meant.next().is_none())
    }

    /// A call as it is to be run: under the tool's own name, and one for each that was wrapped into it.
    pub(super) fn normalise(&self, call: ToolRequest) -> Vec<ToolRequest> {
        if let Some(name) = self.resolve(&call.name) {
            let name = name.to_owned();
            return vec![ToolRequest { name, ..call }];
        }
        if without_place(&call.name) != PARALLEL {
            return vec![call];
        }
        let uses = serde_json::from_str(call.arguments.expose());
        let uses: Option<Vec<(String, String)>> =
            uses.ok().as_ref().and_then(|uses| self.calls_in(uses));
        let Some(uses) = uses else { return vec![call] };
        let numbered = uses.into_iter().enumerate();
        numbered
            .map(|(n, (name, arguments))| ToolRequest {
                id: ToolCallId(format!("{}_{n}", call.id.0)),
                name,
                arguments: Phi::new(arguments),
            })
            .collect()
    }

    /// The calls that a JSON value stands for, by name and arguments; none if it is anything else.
    pub(super) fn calls_in(&self, value: &Value) -> Option<Vec<(String, String)>> {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let calls: Option<Vec<_>> = items.iter().map(|item| self.calls_in(item)).collect();
                Some(calls?.into_iter().flatten().collect())
            }
            Value::Object(fields) => {
                for list in [
                    "tool_uses",
                    "tool_calls",
                    "function_calls",
                    "calls",
                    "tool_call",
                    "function_call",
                ] {
                    if let Some(inner) = fields.get(list).filter(|v| v.is_array() || v.is_object())
                    {
                        return self.calls_in(inner);
                    }
                }
                if let Some(inner) = fields.get("function").filter(|v| v.is_object()) {
                    return self.calls_in(inner);
                }
                self.call_in(fields).map(|call| vec![call])
            }
            _ => None,
        }
    }

    fn call_in(&self, fields: &serde_json::Map<String, Value>) -> Option<(String, String)> {
        const NAMES: [&str; 8] = [
            "name",
            "tool",
            "tool_name",
            "function",
            "function_name",
            "recipient_name",
            "recipient",
            "action",
        ];
        const ARGUMENTS: [&str; 8] = [
            "arguments",
            "parameters",
            "args",
            "input",
            "params",
            "action_input",
            "tool_input",
            "kwargs",
        ];
        let text = |field: &&str| fields.get(*field).and_then(Value::as_str);
        if let Some(written) = NAMES.iter().find_map(text) {
            let name = self.resolve(written)?.to_owned();
            let given = ARGUMENTS.iter().find_map(|field| fields.get(*field));
            return Some((name, arguments(given)?));
        }
        let mut only = fields.iter();
        let (written, given) = only.next().filter(|_| only.next().is_none())?;
        let name = self.resolve(written)?.to_owned();
        given.is_object().then(|| (name, given.to_string()))
    }
}

/// Arguments as JSON text: an object, or a text that holds one.
fn arguments(given: Option<&Value>) -> Option<String> {
    match given {
        None | Some(Value::Null) => Some("{}".to_owned()),
        Some(Value::String(text)) if text.trim().is_empty() => Some("{}".to_owned()),
        Some(Value::String(text)) => serde_json::from_str::<Value>(text)
            .is_ok_and(|value| value.is_object())
            .then(|| text.clone()),
        Some(value) => value.is_object().then(|| value.to_string()),
    }
}

/// `functions.book`, `functions/book`, `functions:book`, `book:0` without what is not the name.
fn without_place(written: &str) -> &str {
    let written = written.trim().trim_matches(['"', '\'', '`']);
    let unnumbered = match written.rsplit_once(':') {
        Some((name, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            name
        }
        _ => written,
    };
    unnumbered
        .rsplit(['.', ':', '/'])
        .next()
        .unwrap_or(unnumbered)
        .trim()
}

/// What is left of a name whichever way its words are joined, without the place.
fn key(name: &str) -> String {
    let joined: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let place = PLACES.iter().find_map(|place| {
        let rest = name.strip_prefix(place)?.strip_prefix(['_', '-'])?;
        (!rest.is_empty()).then(|| key(rest))
    });
    place.unwrap_or(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> ToolNames {
        ToolNames::new(["book_appointment", "find_available_slots", "look"])
    }

    fn normalised(name: &str, arguments: &str) -> Vec<String> {
        let call = ToolRequest {
            id: ToolCallId("c".into()),
            name: name.to_owned(),
            arguments: Phi::new(arguments.to_owned()),
        };
        let calls = names().normalise(call);
        let show = |c: &ToolRequest| format!("{}:{}({})", c.id.0, c.name, c.arguments.expose());
        calls.iter().map(show).collect()
    }

    /// C08
    #[test]
    fn a_name_is_known_however_its_words_are_joined() {
        for written in [
            "book_appointment",
            "functions.book_appointment",
            "functions/book_appointment",
            "functions.book_appointment:0",
            "default_api.book_appointment",
            "functions_book_appointment",
            "bookAppointment",
            "BookAppointment",
            "book-appointment",
            " book appointment ",
            "book_appointment<|channel|>commentary",
        ] {
            assert_eq!(
                names().resolve(written),
                Some("book_appointment"),
                "{written}"
            );
        }
        for unknown in [
            "",
            "book",
            "appointment",
            "functions.",
            "book_appointments_all",
        ] {
            assert_eq!(names().resolve(unknown), None, "{unknown}");
        }
        let twice = ToolNames::new(["look_up", "lookup"]);
        assert_eq!(twice.resolve("look-up"), None);
        assert_eq!(twice.resolve("lookup"), Some("lookup"));
    }

    /// C08
    #[test]
    fn calls_wrapped_into_one_are_unpacked() {
        let uses = r#"{"tool_uses":[{"recipient_name":"functions.look","parameters":{"day":1}},{"recipient_name":"functions.bookAppointment","parameters":{}}]}"#;
        for name in [
            "multi_tool_use.parallel",
            "parallel",
            "multi_tool_use/parallel",
        ] {
            assert_eq!(
                normalised(name, uses),
                [r#"c_0:look({"day":1})"#, "c_1:book_appointment({})"]
            );
        }
        let strange = r#"{"tool_uses":[{"recipient_name":"functions.other","parameters":{}}]}"#;
        for arguments in [strange, "{}", "", "{\"tool_uses\":["] {
            let kept = normalised("multi_tool_use.parallel", arguments);
            assert_eq!(kept, [format!("c:multi_tool_use.parallel({arguments})")]);
        }
    }

    #[test]
    fn json_is_a_call_only_if_it_names_a_tool() {
        let calls = |json: &str| names().calls_in(&serde_json::from_str(json).expect("json"));
        for json in [
            r#"{"name":"look","arguments":{"a":1}}"#,
            r#"{"name":"functions.look","arguments":"{\"a\":1}"}"#,
            r#"{"tool":"look","parameters":{"a":1}}"#,
            r#"{"type":"function","function":{"name":"look","arguments":{"a":1}}}"#,
            r#"{"type":"function","function":"look","args":{"a":1}}"#,
            r#"{"tool_calls":[{"name":"look","input":{"a":1}}]}"#,
            r#"[{"name":"look","arguments":{"a":1}}]"#,
            r#"{"look":{"a":1}}"#,
        ] {
            assert_eq!(
                calls(json),
                Some(vec![("look".into(), r#"{"a":1}"#.into())]),
                "{json}"
            );
        }
        for json in [
            r#"{"name":"Maria","arguments":{}}"#,
            r#"{"name":"look","arguments":"tuesday"}"#,
            r#"{"a":1}"#,
            "[]",
            "{}",
            "[1]",
            "\"look\"",
        ] {
            assert_eq!(calls(json), None, "{json}");
        }
    }
}
