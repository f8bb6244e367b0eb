//! Calls that were written as text, in the forms that models have learnt.

use serde_json::{Map, Value};

use super::{TextCall, json, tags::token_length};
use crate::providers::llm::chat::names::ToolNames;

/// A call of the tool of this name with these arguments; several, if it wraps several; none, if it is not plain.
pub(super) fn under(name: &str, given: &str, names: &ToolNames) -> Vec<TextCall> {
    let given = given.trim();
    if let Some(name) = names.resolve(name) {
        let arguments = json::arguments(given);
        return arguments
            .map(|a| (name.to_owned(), a))
            .into_iter()
            .collect();
    }
    let wrapped = name
        .ends_with("parallel")
        .then(|| json::value(given))
        .flatten();
    wrapped
        .and_then(|value| names.calls_in(&value))
        .unwrap_or_default()
}

/// The calls in a block of machine text.
pub(super) fn in_body(body: &str, names: &ToolNames) -> Vec<TextCall> {
    let body = without_marks(body);
    let body = body.trim();
    in_values(body, names)
        .or_else(|| in_tags(body, names))
        .or_else(|| name_and_arguments(body, names))
        .unwrap_or_default()
}

/// JSON, one value or several.
fn in_values(body: &str, names: &ToolNames) -> Option<Vec<TextCall>> {
    let start = body.find(['{', '['])?;
    // `json`, `tool_call`: what the block says that it is.
    let is_label = |c: char| super::find::is_word(c) || c.is_whitespace();
    let label = &body[..start];
    if !label.chars().all(is_label) || names.resolve(label).is_some() {
        return None;
    }
    let mut calls = Vec::new();
    let mut rest = body[start..].trim();
    while rest.starts_with(['{', '[']) {
        let length = json::balanced(rest)?;
        calls.extend(names.calls_in(&json::value(&rest[..length])?)?);
        rest = rest[length..]
            .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    }
    Some(calls)
}

/// `<invoke name="book"><parameter name="day">Monday</parameter></invoke>` and its relatives.
fn in_tags(body: &str, names: &ToolNames) -> Option<Vec<TextCall>> {
    let mut calls = Vec::new();
    let mut rest = body;
    while let Some((head, inside, after)) = next_tag(rest) {
        rest = after;
        let named = attribute(head).and_then(|name| names.resolve(name));
        let tool = named.or_else(|| names.iter().find(|tool| *tool == head));
        let Some(tool) = tool else {
            // It names a tool that there is not; what stands in it is not another.
            if attribute(head).is_some() {
                continue;
            }
            if let Some(inner) = in_tags(inside, names) {
                calls.extend(inner);
            } else {
                calls.extend(
                    in_values(inside.trim(), names)
                        .or_else(|| name_and_arguments(inside.trim(), names))
                        .into_iter()
                        .flatten(),
                );
            }
            continue;
        };
        let arguments = match json::arguments(inside) {
            Some(arguments) => arguments,
            None => parameters(inside)?,
        };
        calls.push((tool.to_owned(), arguments));
    }
    (!calls.is_empty()).then_some(calls)
}

/// Each tag inside is a field.
fn parameters(inside: &str) -> Option<String> {
    let mut fields = Map::new();
    let mut rest = inside;
    let mut key = None;
    while let Some((head, text, after)) = next_tag(rest) {
        rest = after;
        let text = text.trim();
        match head {
            "arg_key" => key = Some(text.to_owned()),
            "arg_value" => drop(fields.insert(key.take()?, field(text))),
            _ => {
                let name = attribute(head).unwrap_or(head);
                fields.insert(name.to_owned(), field(text));
            }
        }
    }
    (!fields.is_empty()).then(|| Value::Object(fields).to_string())
}

/// Text stays text: a telephone number is not a number.
fn field(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Number(_)) | Err(_) => Value::String(text.to_owned()),
        Ok(value) => value,
    }
}

/// The next tag: what stands in its head, what in it, and what behind it.
fn next_tag(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('<')?;
    let end = start + text[start..].find('>')?;
    let head = text[start + 1..end].trim();
    if head.starts_with('/') {
        return next_tag(&text[end + 1..]);
    }
    let name = head.split(|c: char| c.is_whitespace() || c == '=').next()?;
    let close = format!("</{name}>");
    let inside = &text[end + 1..];
    match inside.find(&close) {
        Some(at) => Some((head, &inside[..at], &inside[at + close.len()..])),
        None => Some((head, inside, "")),
    }
}

/// The value of `name="…"`, or of `tag=…`.
fn attribute(head: &str) -> Option<&str> {
    let (_, value) = head.split_once('=')?;
    let value = value.trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then_some(value)
}

/// `book {…}`, `book\n{…}`, `book(…)`, `function book {…}`, `book<arg_key>…`.
fn name_and_arguments(body: &str, names: &ToolNames) -> Option<Vec<TextCall>> {
    let Some(start) = body.find(['{', '(', '<']) else {
        let name = names.resolve(body)?;
        return Some(vec![(name.to_owned(), "{}".to_owned())]);
    };
    let name = body[..start]
        .split_whitespace()
        .rfind(|w| names.resolve(w).is_some());
    let name = names.resolve(name?)?;
    let given = body[start..].trim();
    if given.starts_with('<') {
        return parameters(given).map(|arguments| vec![(name.to_owned(), arguments)]);
    }
    let given = &given[..json::balanced(given)?];
    let inside = given
        .strip_prefix('(')
        .and_then(|g| g.strip_suffix(')'))
        .unwrap_or(given);
    let calls = under(name, inside, names);
    (!calls.is_empty()).then_some(calls)
}

/// The text without `<|marks|>` and fences.
fn without_marks(text: &str) -> String {
    let text = text.replace("```", " ");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(['<']) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = token_length(rest);
        out.push_str(if length.is_some() { " " } else { "<" });
        rest = &rest[length.unwrap_or(1)..];
    }
    out.push_str(rest);
    out
}
