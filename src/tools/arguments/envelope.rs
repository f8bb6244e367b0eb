//! The object in what a model wrote: in a text, in a list of one, in a wrapper, with words around it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use super::shape::Shape;

/// Layers that are taken off.
const LAYERS: u32 = 5;

/// Keys under which models put the arguments themselves.
const WRAPPERS: [&str; 13] = [
    "arguments",
    "argument",
    "parameters",
    "params",
    "args",
    "kwargs",
    "input",
    "inputs",
    "toolinput",
    "payload",
    "function",
    "functioncall",
    "properties",
];

/// JSON with its fields in order, and with those that were written twice.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    Leaf(Value),
}

impl Node {
    /// Whether nothing is said.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Object(fields) => fields.is_empty(),
            Self::Array(items) => items.iter().all(Self::is_blank),
            Self::Leaf(value) => {
                value.is_null() || value.as_str().is_some_and(super::nothing::is_nothing)
            }
        }
    }
}

/// The fields of the arguments; `None` if there is no object, or more than one.
pub(super) fn fields(text: &str, shape: &Shape) -> Option<Vec<(String, Node)>> {
    // Models send nothing at all where no argument is required.
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut node = node_in(text)?;
    for _ in 0..LAYERS {
        node = match node {
            Node::Leaf(Value::Null) => return Some(Vec::new()),
            Node::Leaf(Value::String(text)) if text.trim().is_empty() => return Some(Vec::new()),
            Node::Leaf(Value::String(text)) => node_in(&text)?,
            Node::Array(mut items) if items.len() == 1 => items.remove(0),
            Node::Object(fields) => match wrapped(&fields, shape) {
                Some(inner) => inner,
                None => return Some(fields),
            },
            Node::Leaf(_) | Node::Array(_) => return None,
        };
    }
    None
}

/// What a wrapper holds. An object with a field of the tool's is none.
fn wrapped(fields: &[(String, Node)], shape: &Shape) -> Option<Node> {
    if fields.iter().any(|(key, _)| shape.field(key).is_some()) {
        return None;
    }
    let is_wrapper = |key: &str| WRAPPERS.contains(&super::shape::fold_key(key).as_str());
    let holds_object = |node: &Node| {
        matches!(
            node,
            Node::Object(_) | Node::Leaf(Value::String(_) | Value::Null)
        )
    };
    let named = fields
        .iter()
        .find(|(key, node)| is_wrapper(key) && holds_object(node));
    // `{"end_call": {"reason": ..}}`
    let only = || match fields {
        [(_, Node::Object(inner))] if inner.iter().any(|(key, _)| shape.field(key).is_some()) => {
            fields.first()
        }
        _ => None,
    };
    named.or_else(only).map(|(_, node)| node.clone())
}

/// The one JSON value in a text. Words before and after an object do not matter; a second, other object does.
fn node_in(text: &str) -> Option<Node> {
    let text = text.trim();
    if let Ok(node) = serde_json::from_str(text) {
        return Some(node);
    }
    let first = text.find('{')?;
    let mut nodes = serde_json::Deserializer::from_str(&text[first..]).into_iter::<Node>();
    let node = nodes.next()?.ok()?;
    let rest = text.get(first + nodes.byte_offset()..)?;
    let is_alone = match rest.find('{') {
        None => true,
        Some(next) => {
            let mut others = serde_json::Deserializer::from_str(&rest[next..]).into_iter::<Node>();
            others
                .next()
                .is_some_and(|other| other.is_ok_and(|other| other == node))
        }
    };
    is_alone.then_some(node)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Object(fields))
    }
}
