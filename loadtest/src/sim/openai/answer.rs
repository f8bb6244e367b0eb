//! What the model answers, before it is cut into a stream.

use serde_json::{Value, json};

/// One completion.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) content: Option<String>,
    pub(super) calls: Vec<Call>,
    /// Stopped by a limit.
    pub(super) cut_short: bool,
}

/// A tool call; arguments as JSON text, not necessarily valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl Answer {
    pub(super) fn finish_reason(&self) -> &'static str {
        match (self.cut_short, self.calls.is_empty()) {
            (true, _) => "length",
            (false, false) => "tool_calls",
            (false, true) => "stop",
        }
    }

    pub(super) fn tokens(&self) -> usize {
        let calls: usize = self
            .calls
            .iter()
            .map(|c| c.name.len() + c.arguments.len())
            .sum();
        (self.content.as_deref().map_or(0, str::len) + calls).div_ceil(4)
    }

    /// The `message` of an answer that is not streamed.
    pub(super) fn message(&self) -> Value {
        let mut message = json!({"role": "assistant", "content": self.content, "refusal": null, "annotations": []});
        if !self.calls.is_empty() {
            let call = |c: &Call| json!({"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}});
            message["tool_calls"] = self.calls.iter().map(call).collect();
        }
        message
    }
}

/// JSON with everything beyond ASCII escaped, as the real service writes arguments now and then.
pub(super) fn ascii_json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_means_the_same() {
        let value = json!({"patient_name": "José Ñúñez 😀"});
        let text = ascii_json(&value);
        assert!(text.is_ascii() && text.contains("\\u00e9") && text.contains("\\ud83d\\ude00"));
        assert_eq!(serde_json::from_str::<Value>(&text).expect("valid"), value);
    }
}
