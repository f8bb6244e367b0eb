//! A tool's arguments as its schema has them: which fields there are, what stands in them, which must be there.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

/// The fields of a tool.
pub(super) struct Shape {
    fields: Vec<Field>,
}

/// A field.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) kind: Kind,
}

/// What stands in a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Choice(Vec<String>),
    Whole,
    Number,
    Truth,
    /// What is left as it came.
    Other,
}

impl Shape {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let schema = SchemaGenerator::default()
            .into_root_schema_for::<T>()
            .to_value();
        let required = |name: &str| {
            let names = schema.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties
            .into_iter()
            .flatten()
            .map(|(name, property)| Field {
                name: name.clone(),
                required: required(name),
                kind: kind_of(property, &schema),
            });
        Self {
            fields: fields.collect(),
        }
    }

    /// The field that a key means: case, hyphens and underscores do not matter.
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        let key = fold_key(key);
        self.fields
            .iter()
            .find(|field| fold_key(&field.name) == key)
    }

    /// Names of required fields.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(|field| field.required)
            .map(|field| field.name.as_str())
    }

    /// How to call the tool, for a model that did it wrong.
    pub(super) fn usage(&self) -> String {
        let names = |required: bool| {
            let fields = self
                .fields
                .iter()
                .filter(|field| field.required == required);
            fields
                .map(|field| field.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match (names(true), names(false)) {
            (needed, optional) if optional.is_empty() => {
                format!("Call the tool again with one JSON object of these fields: {needed}.")
            }
            (needed, optional) if needed.is_empty() => {
                format!(
                    "Call the tool again with one JSON object; it may have these fields: {optional}."
                )
            }
            (needed, optional) => format!(
                "Call the tool again with one JSON object of these fields: {needed}; and, if the caller told them, {optional}."
            ),
        }
    }
}

pub(super) fn fold_key(key: &str) -> String {
    key.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn kind_of(property: &Value, root: &Value) -> Kind {
    let property = resolved(property, root);
    let choices = choices_of(property, root);
    if !choices.is_empty() {
        return Kind::Choice(choices);
    }
    let types = types_of(property, root);
    match types
        .iter()
        .find(|name| *name != "null")
        .map(String::as_str)
    {
        Some("string") => Kind::Text,
        Some("integer") => Kind::Whole,
        Some("number") => Kind::Number,
        Some("boolean") => Kind::Truth,
        _ => Kind::Other,
    }
}

/// A definition that the schema names instead of repeating it.
fn resolved<'a>(property: &'a Value, root: &'a Value) -> &'a Value {
    property
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| root.pointer(path.strip_prefix('#')?))
        .unwrap_or(property)
}

fn alternatives(property: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| property.get(key).and_then(Value::as_array))
        .flatten()
}

fn choices_of(property: &Value, root: &Value) -> Vec<String> {
    let own = property
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .chain(property.get("const"));
    let mut choices: Vec<String> = own.filter_map(Value::as_str).map(str::to_owned).collect();
    for alternative in alternatives(property) {
        choices.extend(choices_of(resolved(alternative, root), root));
    }
    choices
}

fn types_of(property: &Value, root: &Value) -> Vec<String> {
    let mut types: Vec<String> = match property.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    for alternative in alternatives(property) {
        types.extend(types_of(resolved(alternative, root), root));
    }
    types
}
