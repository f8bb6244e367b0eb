//! Tool calls that come in fragments.

use serde_json::{Value, de::IoRead};

use crate::{
    domain::{
        conversation::{ToolCallId, ToolRequest},
        phi::Phi,
    },
    providers::Fault,
};

/// More tools at once, or longer arguments, are a model gone wild.
const MAX_TOOL_CALLS: usize = 16;
const MAX_ARGUMENTS: usize = 64 * 1024;

/// A tool call of which parts have come.
#[derive(Debug, Default)]
struct Call {
    /// Its place among the calls of the reply, where the vendor numbers them.
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// A part of a call.
#[derive(Debug)]
struct Fragment<'a> {
    index: Option<u64>,
    id: &'a str,
    name: &'a str,
    arguments: String,
}

/// The calls of one reply, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

impl Calls {
    /// Takes the calls out of a chunk's delta. Returns whether there were any.
    ///
    /// # Errors
    /// `Protocol`, if they are too many or too long.
    pub(super) fn take_from(&mut self, delta: &Value) -> Result<bool, Fault> {
        let list = delta.get("tool_calls");
        let many = list.and_then(Value::as_array).into_iter().flatten();
        let one = list.filter(|call| call.is_object());
        // The form from before there were several calls in one reply.
        let old = delta.get("function_call").filter(|call| call.is_object());
        let mut any = false;
        for call in many.chain(one) {
            any |= self.add(&Fragment::read(call, call.get("function").unwrap_or(call)))?;
        }
        if let Some(call) = old {
            any |= self.add(&Fragment::read(&Value::Null, call))?;
        }
        Ok(any)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each has a name and arguments that end.
    pub(super) fn are_whole(&self) -> bool {
        self.0
            .iter()
            .all(|call| !call.name.is_empty() && is_whole(&call.arguments))
    }

    /// # Errors
    /// `Protocol`, if one has no name.
    pub(super) fn complete(self) -> Result<Vec<ToolRequest>, Fault> {
        let numbered = self.0.into_iter().enumerate();
        numbered.map(|(n, call)| call.complete(n)).collect()
    }

    fn add(&mut self, fragment: &Fragment<'_>) -> Result<bool, Fault> {
        if fragment.is_empty() {
            return Ok(false);
        }
        let place = match self.place_of(fragment) {
            Some(place) => place,
            None => {
                self.0.push(Call {
                    index: fragment.index,
                    ..Call::default()
                });
                self.0.len() - 1
            }
        };
        let call = &mut self.0[place];
        call.add(fragment);
        let is_tame = call.arguments.len() <= MAX_ARGUMENTS && self.0.len() <= MAX_TOOL_CALLS;
        is_tame.then_some(true).ok_or(Fault::Protocol)
    }

    /// The call that a fragment goes on with; none if it begins one.
    fn place_of(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let last_of = |fits: &dyn Fn(&Call) -> bool| self.0.iter().rposition(fits);
        if !fragment.id.is_empty()
            && let Some(place) =
                last_of(&|call| call.id == fragment.id && call.index == fragment.index)
        {
            // An id that all calls of a reply share tells nothing.
            return Some(place).filter(|place| !self.0[*place].is_followed_by(fragment));
        }
        let place = match fragment.index {
            Some(_) => last_of(&|call| call.index == fragment.index)?,
            None => self.0.len().checked_sub(1)?,
        };
        (!self.0[place].is_followed_by(fragment)).then_some(place)
    }
}

impl Call {
    /// Whether the fragment begins another call: one under the same number, or under none.
    fn is_followed_by(&self, fragment: &Fragment<'_>) -> bool {
        let renames = !fragment.name.is_empty() && fragment.name != self.name;
        let is_begun = !self.arguments.is_empty();
        let is_whole = is_begun && is_whole(&self.arguments);
        let other_id = !fragment.id.is_empty() && !self.id.is_empty() && fragment.id != self.id;
        if other_id && !fragment.name.is_empty() {
            // A new id in each chunk of one call: its arguments are not over, and these go on with them.
            return renames
                || !is_begun
                || is_whole
                || fragment.arguments.trim_start().starts_with('{');
        }
        if other_id {
            return is_whole && !fragment.arguments.trim().is_empty();
        }
        let brings = !fragment.name.is_empty() && !fragment.arguments.trim().is_empty();
        renames && is_begun || brings && is_whole
    }

    fn add(&mut self, fragment: &Fragment<'_>) {
        if self.id.is_empty() {
            fragment.id.clone_into(&mut self.id);
        }
        let grows = fragment.name.len() > self.name.len() && fragment.name.starts_with(&self.name);
        if grows {
            // Some say the whole name again, with what is new of it.
            fragment.name.clone_into(&mut self.name);
        } else if fragment.name != self.name {
            self.name += fragment.name;
        }
        self.arguments += &fragment.arguments;
    }

    fn complete(self, n: usize) -> Result<ToolRequest, Fault> {
        if self.name.trim().is_empty() {
            return Err(Fault::Protocol);
        }
        let id = if self.id.is_empty() {
            format!("call_{n}")
        } else {
            self.id
        };
        Ok(ToolRequest {
            id: ToolCallId(id),
            name: self.name,
            arguments: Phi::new(self.arguments),
        })
    }
}

impl<'a> Fragment<'a> {
    fn read(call: &'a Value, function: &'a Value) -> Self {
        let text = |value: &'a Value, field: &str| {
            value.get(field).and_then(Value::as_str).unwrap_or_default()
        };
        let index = call.get("index");
        Self {
            index: index.and_then(|i| i.as_u64().or_else(|| i.as_str()?.parse().ok())),
            id: text(call, "id"),
            name: text(function, "name"),
            arguments: match function.get("arguments") {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                // Some write JSON where JSON in a text is due.
                Some(value) => value.to_string(),
            },
        }
    }

    fn is_empty(&self) -> bool {
        self.id.is_empty() && self.name.is_empty() && self.arguments.is_empty()
    }
}

/// Whether the text is one JSON value, with nothing missing.
fn is_whole(text: &str) -> bool {
    let mut values = serde_json::Deserializer::new(IoRead::new(text.as_bytes()))
        .into_iter::<serde::de::IgnoredAny>();
    matches!((values.next(), values.next()), (Some(Ok(_)), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(deltas: &[&str]) -> Vec<String> {
        let mut calls = Calls::default();
        for delta in deltas {
            let delta: Value = serde_json::from_str(delta).expect("json");
            calls.take_from(&delta).expect("tame");
        }
        let calls = calls.complete().expect("named");
        let show = |c: &ToolRequest| format!("{}:{}({})", c.id.0, c.name, c.arguments.expose());
        calls.iter().map(show).collect()
    }

    fn call(index: &str, id: &str, name: &str, arguments: &str) -> String {
        let arguments = serde_json::to_string(arguments).expect("json");
        format!(
            r#"{{"tool_calls":[{{"index":{index},"id":{id},"function":{{"name":{name},"arguments":{arguments}}}}}]}}"#
        )
    }

    fn of(fragments: &[(&str, &str, &str, &str)]) -> Vec<String> {
        let deltas: Vec<String> = fragments
            .iter()
            .map(|(i, id, name, a)| call(i, id, name, a))
            .collect();
        joined(&deltas.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// C19
    #[test]
    fn a_name_or_an_id_that_is_said_again_changes_nothing() {
        let one = ["a:book({\"x\":1})"];
        let (a, book) = ("\"a\"", "\"book\"");
        assert_eq!(
            of(&[
                ("0", a, book, ""),
                ("0", a, book, "{\"x\":"),
                ("0", a, book, "1}")
            ]),
            one
        );
        assert_eq!(
            of(&[
                ("0", a, book, ""),
                ("0", "null", "null", "{\"x\":"),
                ("0", "\"\"", "\"\"", "1}")
            ]),
            one
        );
        assert_eq!(of(&[("0", a, book, "{\"x\":1}"), ("0", a, book, "")]), one);
        assert_eq!(
            of(&[("null", a, book, "{\"x\":"), ("null", "null", "null", "1}")]),
            one
        );
        // The name grows, or comes in pieces.
        assert_eq!(
            of(&[("0", a, "\"bo\"", ""), ("0", a, book, "{\"x\":1}")]),
            one
        );
        assert_eq!(
            of(&[("0", a, "\"bo\"", ""), ("0", a, "\"ok\"", "{\"x\":1}")]),
            one
        );
        // A new id in each chunk.
        assert_eq!(
            of(&[("0", a, book, "{\"x\":"), ("0", "\"b\"", book, "1}")]),
            one
        );
        assert_eq!(
            of(&[("0", a, book, "{\"x\":"), ("0", "\"b\"", "null", "1}")]),
            one
        );
    }

    /// C19
    #[test]
    fn two_calls_without_a_number_or_under_the_same_are_two() {
        let two = ["a:look({})", "b:book({\"x\":1})"];
        let (a, b, look, book) = ("\"a\"", "\"b\"", "\"look\"", "\"book\"");
        for index in ["0", "null"] {
            assert_eq!(
                of(&[(index, a, look, "{}"), (index, b, book, "{\"x\":1}")]),
                two
            );
            assert_eq!(
                of(&[
                    (index, a, look, ""),
                    (index, a, "null", "{}"),
                    (index, b, book, ""),
                    (index, b, "null", "{\"x\":"),
                    (index, "null", "null", "1}")
                ]),
                two
            );
            assert_eq!(
                of(&[(index, a, look, "{}"), (index, b, look, "{}")]),
                ["a:look({})", "b:look({})"]
            );
            assert_eq!(
                of(&[(index, "null", look, "{}"), (index, "null", look, "{}")]),
                ["call_0:look({})", "call_1:look({})"]
            );
            assert_eq!(
                of(&[
                    (index, "null", look, "{}"),
                    (index, "null", book, "{\"x\":1}")
                ]),
                ["call_0:look({})", "call_1:book({\"x\":1})"]
            );
        }
        assert_eq!(
            of(&[("\"0\"", a, look, "{}"), ("\"1\"", b, book, "{\"x\":1}")]),
            two
        );
        let listed = r#"{"tool_calls":[{"id":"a","function":{"name":"look","arguments":"{}"}},{"id":"b","function":{"name":"book","arguments":{"x":1}}}]}"#;
        assert_eq!(joined(&[listed]), two);
    }

    /// C19
    #[test]
    fn other_shapes_of_a_call_are_read() {
        for delta in [
            r#"{"tool_calls":[{"index":0,"id":"call_0","function":{"name":"look","arguments":{"x":1}}}]}"#,
            r#"{"tool_calls":{"id":"call_0","function":{"name":"look","arguments":"{\"x\":1}"}}}"#,
            r#"{"function_call":{"name":"look","arguments":"{\"x\":1}"}}"#,
            r#"{"tool_calls":[{"name":"look","arguments":{"x":1}}]}"#,
        ] {
            assert_eq!(joined(&[delta]), ["call_0:look({\"x\":1})"], "{delta}");
        }
        assert_eq!(
            joined(&[
                r#"{"tool_calls":[{"index":0}]}"#,
                r#"{"tool_calls":[null]}"#
            ]),
            Vec::<String>::new()
        );
        assert_eq!(
            joined(&[r#"{"tool_calls":[{"id":"a","function":{"name":"look","arguments":null}}]}"#]),
            ["a:look()"]
        );
    }
}
