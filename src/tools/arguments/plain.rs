//! Values as a tool takes them, from values as models write them. What is plain is read; what is not is told once, all of it.

use serde_json::{Map, Value};

use super::{
    envelope::Node,
    nothing::is_nothing,
    shape::{Field, Kind, Shape},
};
use crate::domain::fold::fold;

/// The object that the tool's type is read from, or what is wrong with the fields.
pub(super) fn object(fields: Vec<(String, Node)>, shape: &Shape) -> Result<Value, Vec<String>> {
    let mut object = Map::new();
    let mut wrong = Vec::new();
    let mut seen: Vec<(String, Node)> = Vec::new();
    for (key, node) in fields {
        let Some(field) = shape.field(&key) else {
            if !node.is_blank() {
                wrong.push(format!("There is no field {}.", shown(&key)));
            }
            continue;
        };
        if let Some((name, other)) = seen.iter().find(|(name, _)| *name == field.name) {
            if *other != node {
                wrong.push(format!("{name} is given twice."));
            }
            continue;
        }
        seen.push((field.name.clone(), node.clone()));
        match value(node, field) {
            Ok(Some(value)) => {
                object.insert(field.name.clone(), value);
            }
            Ok(None) => {}
            Err(expected) => wrong.push(format!("{} must be {expected}.", field.name)),
        }
    }
    for name in shape.required().filter(|name| !object.contains_key(*name)) {
        if wrong.iter().all(|line| !line.starts_with(name)) {
            wrong.push(format!(
                "{name} is missing: if you do not know it, ask the caller."
            ));
        }
    }
    if wrong.is_empty() {
        Ok(Value::Object(object))
    } else {
        Err(wrong)
    }
}

/// A key as it is told to the model that wrote it.
fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// `None` where an optional field says nothing.
fn value(node: Node, field: &Field) -> Result<Option<Value>, &'static str> {
    let node = match node {
        Node::Array(mut items) if items.len() == 1 && field.kind != Kind::Other => items.remove(0),
        node => node,
    };
    if node == Node::Leaf(Value::Null) || node.is_blank() && !field.required {
        return Ok(None);
    }
    let Node::Leaf(leaf) = node else {
        return match field.kind {
            Kind::Other => Ok(Some(whole(node))),
            _ if node.is_blank() => Ok(None),
            _ => Err("a plain text, not a list or an object"),
        };
    };
    match &field.kind {
        Kind::Text => text(leaf, field.required),
        Kind::Choice(choices) => Ok(Some(choice(leaf, choices))),
        Kind::Whole => number(leaf)
            .filter(|value| !value.is_f64())
            .map(Some)
            .ok_or("a whole number"),
        Kind::Number => number(leaf).map(Some).ok_or("a number"),
        Kind::Truth => truth(&leaf)
            .map(|truth| Some(Value::Bool(truth)))
            .ok_or("true or false"),
        Kind::Other => Ok(Some(leaf)),
    }
}

fn text(leaf: Value, required: bool) -> Result<Option<Value>, &'static str> {
    match leaf {
        // Line breaks and tabs are spaces to somebody who listens.
        Value::String(text) => Ok(Some(text.replace(['\n', '\r', '\t'], " ").trim().into())),
        Value::Number(number) => Ok(Some(digits(&number).into())),
        Value::Bool(false) if !required => Ok(None),
        _ => Err("a text"),
    }
}

/// `4827` and `4827.0` are the same digits.
fn digits(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The choice that the text names, alone or among other words; else the text, which the type refuses with the choices there are.
fn choice(leaf: Value, choices: &[String]) -> Value {
    let Value::String(text) = leaf else {
        return leaf;
    };
    let folded = fold(&text);
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let said = |choice: &&String| {
        let wanted: Vec<&str> = choice.split('_').collect();
        words.windows(wanted.len()).any(|some| {
            some.iter()
                .zip(&wanted)
                .all(|(word, part)| word.strip_suffix('s').unwrap_or(word) == *part || word == part)
        })
    };
    let mut named = choices.iter().filter(said);
    match (named.next(), named.next()) {
        (Some(only), None) if !words.contains(&"not") => Value::String(only.clone()),
        _ => Value::String(text),
    }
}

fn number(leaf: Value) -> Option<Value> {
    match leaf {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                digits(&number).parse::<i64>().ok().map(Value::from)
            }
            _ => Some(Value::Number(number)),
        },
        Value::String(text) => serde_json::from_str::<serde_json::Number>(text.trim())
            .ok()
            .and_then(|read| number(Value::Number(read))),
        _ => None,
    }
}

fn truth(leaf: &Value) -> Option<bool> {
    match leaf {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match fold(text).trim_matches(|c: char| !c.is_alphanumeric()) {
            "true" | "yes" | "y" | "1" | "on" | "yeah" | "correct" => Some(true),
            "false" | "no" | "n" | "0" | "off" => Some(false),
            text if is_nothing(text) => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// JSON again.
fn whole(node: Node) -> Value {
    match node {
        Node::Leaf(value) => value,
        Node::Array(items) => items.into_iter().map(whole).collect(),
        Node::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, node)| (key, whole(node)))
                .collect(),
        ),
    }
}
