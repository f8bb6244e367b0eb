//! JSON in the middle of text, and what looks like it.

use serde_json::{Map, Value};

use super::find::{Look, Place};

/// A JSON object. A brace that no name in quotes follows is speech.
pub(super) fn object(place: Place<'_>) -> Option<Look> {
    let inside = place.text[1..].trim_start();
    match inside.chars().next() {
        None => place.wait_or(None),
        Some('}') => Some(Look::Cut(place.text.len() - inside.len() + 1)),
        Some(quote @ ('"' | '\'')) => match inside[1..].split_once(quote) {
            // A name that is not over.
            None => place.wait_or(Some(Look::Cut(place.text.len()))),
            Some((_, after)) => match after.trim_start().chars().next() {
                None => place.wait_or(Some(Look::Cut(place.text.len()))),
                Some(':') => Some(whole(place)),
                Some(_) => None,
            },
        },
        Some(_) => None,
    }
}

/// The object or list of objects that begins here, as the calls that it is, or as nothing to be said.
pub(super) fn whole(place: Place<'_>) -> Look {
    let Some(length) = balanced(place.text) else {
        let cut = Some(Look::Cut(place.text.len()));
        return place.wait_or(cut).unwrap_or(Look::Wait);
    };
    let calls = value(&place.text[..length]).and_then(|value| place.names.calls_in(&value));
    match calls {
        Some(calls) => Look::Calls(length, calls),
        None => Look::Cut(length),
    }
}

/// How long the bracketed text at the beginning is; none if it does not end.
pub(super) fn balanced(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut quote: Option<char> = None;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match (quote, c) {
            (Some(_), '\\') => is_escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"') => quote = Some('"'),
            // An apostrophe inside a word is none of these.
            (None, '\'') if begins_value(&text[..at]) => quote = Some('\''),
            (None, '{' | '[' | '(') => open.push(c),
            (None, '}' | ']' | ')') => {
                open.pop();
                if open.is_empty() {
                    return Some(at + c.len_utf8());
                }
            }
            _ => {}
        }
    }
    None
}

fn begins_value(before: &str) -> bool {
    let last = before.trim_end().chars().next_back();
    last.is_none_or(|c| matches!(c, '{' | '[' | '(' | ',' | ':' | '='))
}

/// JSON, or the same as a Python program prints it.
pub(super) fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text)
        .ok()
        .or_else(|| serde_json::from_str(&from_python(text)).ok())
}

fn from_python(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote: Option<char> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match quote {
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                out.push('"');
            }
            Some(q) if c == q => {
                quote = None;
                out.push('"');
            }
            Some(_) if c == '\\' && rest[1..].starts_with('\'') => {
                out.push('\'');
                taken += 1;
            }
            Some(_) if c == '\\' => {
                let escaped = rest[1..].chars().next();
                out.extend([Some('\\'), escaped].into_iter().flatten());
                taken += escaped.map_or(0, char::len_utf8);
            }
            Some(_) if c == '"' => out.push_str("\\\""),
            Some(_) => out.push(c),
            None => {
                let words = [("True", "true"), ("False", "false"), ("None", "null")];
                match words.iter().find(|(python, _)| rest.starts_with(python)) {
                    Some((python, json)) => {
                        out.push_str(json);
                        taken = python.len();
                    }
                    None => out.push(c),
                }
            }
        }
        rest = &rest[taken..];
    }
    out
}

/// What stands between the brackets of a call, as JSON text: nothing, an object, or names with their values.
pub(super) fn arguments(inside: &str) -> Option<String> {
    let inside = inside.trim();
    if inside.is_empty() {
        return Some("{}".to_owned());
    }
    if inside.starts_with('{') {
        return value(inside)
            .filter(Value::is_object)
            .map(|v| v.to_string());
    }
    let mut fields = Map::new();
    for part in parts(inside) {
        let (name, given) = part.split_once('=')?;
        let name = name.trim();
        let is_name = !name.is_empty() && name.chars().all(super::find::is_word);
        fields.insert(name.to_owned(), value(given.trim()).filter(|_| is_name)?);
    }
    Some(Value::Object(fields).to_string())
}

/// Parts between commas that stand in no brackets and no quotes.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_i32);
    let mut quote: Option<char> = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[' | '(') => depth += 1,
            (None, '}' | ']' | ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}
