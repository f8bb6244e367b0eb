//! What a vendor says is wrong. Its message is looked at and never kept: it may echo what the caller said.

use serde_json::Value;

use crate::providers::Fault;

/// Codes of a vendor's filter for what is sent to it, or comes from its model.
pub(super) const FILTERED: [&str; 4] = [
    "content_filter",
    "content_policy_violation",
    "ResponsibleAIPolicyViolation",
    "moderation_blocked",
];

/// A vendor's error object.
pub(super) struct WireError(Value);

impl WireError {
    /// The error in a body or an event, if there is one in it.
    pub(super) fn find(value: Value) -> Option<Self> {
        let is_error = |value: &Value| match value {
            Value::Null | Value::Bool(_) => false,
            Value::String(text) => !text.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            _ => true,
        };
        if let Some(error) = value.get("error").filter(|e| is_error(e)) {
            return Some(Self(error.clone()));
        }
        let is_bare = ["object", "type"]
            .iter()
            .any(|field| value.get(field).and_then(Value::as_str) == Some("error"));
        (is_bare || value.get("detail").is_some()).then_some(Self(value))
    }

    /// The error in the body of a refusal; the body itself, if it is written in no known way.
    pub(super) fn of_body(body: Value) -> Self {
        Self::find(body.clone()).unwrap_or(Self(body))
    }

    pub(super) fn is(&self, name: &str) -> bool {
        let places = ["/code", "/type", "/innererror/code", "/metadata/error_type"];
        places
            .iter()
            .any(|place| self.0.pointer(place).and_then(Value::as_str) == Some(name))
    }

    pub(super) fn is_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// The request's field that it names.
    pub(super) fn param(&self) -> Option<&str> {
        self.0.get("param").and_then(Value::as_str)
    }

    /// The error as it was written, to be searched for the name of a field.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }
}

/// The fault that an event in the middle of a stream reports, if it does.
pub(super) fn in_event(event: &Value) -> Option<Fault> {
    // An event with a reply in it is none, whatever else a server puts beside.
    if event
        .get("choices")
        .is_some_and(|c| c.as_array().is_some_and(|c| !c.is_empty()))
        && event.get("error").is_none_or(Value::is_null)
    {
        return None;
    }
    let error = WireError::find(event.clone())?;
    let bad = ["invalid_request_error", "context_length_exceeded"];
    Some(if error.is("insufficient_quota") {
        Fault::Refused
    } else if error.is("rate_limit_exceeded") {
        Fault::RateLimited(None)
    } else if error.is_any(&FILTERED) {
        Fault::Filtered
    } else if error.is_any(&bad) {
        Fault::BadRequest
    } else {
        Fault::Unavailable
    })
}
