//! The stream's form: OpenAI's, or one of those that proxies and other servers make of it.

use bytes::Bytes;
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

use super::{arguments::Call, improvise::Answer};

/// How a stream is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialect {
    nulls: bool,
    repeats_names: bool,
    no_index: bool,
    object_arguments: bool,
    no_done: bool,
    no_finish: bool,
    comments: bool,
    carriage_returns: bool,
    usage_with_text: bool,
    calls_first: bool,
    odd_ids: bool,
    nonsense: bool,
    /// Breaks off after so many pieces.
    pub(super) cut_after: Option<usize>,
    /// Waits so long in its middle, milliseconds.
    pub(super) pause_ms: u64,
    /// Writes at most so many bytes at once.
    pub(super) most_bytes: usize,
}

impl Dialect {
    pub(super) fn plain() -> Self {
        Self {
            most_bytes: usize::MAX,
            ..Self::default()
        }
    }

    pub(super) fn any(rng: &mut StdRng) -> Self {
        let mut some = |share: f64| rng.random_bool(share);
        let mut dialect = Self {
            nulls: some(0.3),
            repeats_names: some(0.3),
            no_index: some(0.3),
            object_arguments: some(0.2),
            no_done: some(0.3),
            no_finish: some(0.3),
            comments: some(0.3),
            carriage_returns: some(0.3),
            usage_with_text: some(0.3),
            calls_first: some(0.3),
            odd_ids: some(0.3),
            nonsense: some(0.05),
            most_bytes: usize::MAX,
            ..Self::default()
        };
        dialect.cut_after = rng.random_bool(0.15).then(|| rng.random_range(0..12));
        dialect.pause_ms = if rng.random_bool(0.2) {
            rng.random_range(50..900)
        } else {
            0
        };
        if rng.random_bool(0.5) {
            dialect.most_bytes = rng.random_range(16..200);
        }
        dialect
    }

    /// The stream, an event a piece.
    pub(super) fn events(&self, answer: &Answer, rng: &mut StdRng) -> Vec<Bytes> {
        let mut chunks =
            vec![self.chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
        let text = pieces(&answer.text, rng)
            .into_iter()
            .map(|piece| self.chunk(json!({ "content": piece }), Value::Null));
        let mut calls = Vec::new();
        for (index, call) in answer.calls.iter().enumerate() {
            calls.extend(self.call(index, call, rng));
        }
        if self.calls_first {
            chunks.extend(calls);
            chunks.extend(text);
        } else {
            chunks.extend(text);
            chunks.extend(calls);
        }
        let usual = if answer.calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        if !self.no_finish {
            let finish = answer.finish.unwrap_or(usual);
            chunks.push(self.chunk(json!({}), json!(finish)));
        }
        self.written(chunks)
    }

    fn chunk(&self, delta: Value, finish: Value) -> Value {
        let mut chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        });
        if self.usage_with_text {
            chunk["usage"] =
                json!({ "prompt_tokens": null, "completion_tokens": null, "total_tokens": null });
        }
        if self.nulls {
            chunk["choices"][0]["delta"]["refusal"] = Value::Null;
            chunk["system_fingerprint"] = Value::Null;
            if chunk["choices"][0]["delta"].get("content").is_none() {
                chunk["choices"][0]["delta"]["content"] = Value::Null;
            }
        }
        chunk
    }

    fn call(&self, index: usize, call: &Call, rng: &mut StdRng) -> Vec<Value> {
        let id = if self.odd_ids {
            ["", "call:1", &"i".repeat(72), "call_1"][rng.random_range(0..4)].to_owned()
        } else {
            format!("call_{index}_{}", rng.random::<u32>())
        };
        let part = |fields: Value, named: bool| {
            let mut part = json!({ "function": fields });
            if !self.no_index {
                part["index"] = json!(index);
            }
            if named {
                part["id"] = json!(id);
                part["type"] = json!("function");
            }
            self.chunk(json!({ "tool_calls": [part] }), Value::Null)
        };
        if self.object_arguments
            && let Ok(arguments) = serde_json::from_str::<Value>(&call.arguments)
        {
            return vec![part(
                json!({ "name": call.name, "arguments": arguments }),
                true,
            )];
        }
        let mut parts = vec![part(json!({ "name": call.name, "arguments": "" }), true)];
        for piece in pieces(&call.arguments, rng) {
            let mut fields = json!({ "arguments": piece });
            if self.repeats_names {
                fields["name"] = json!(call.name);
            }
            parts.push(part(fields, self.repeats_names));
        }
        parts
    }

    fn written(&self, chunks: Vec<Value>) -> Vec<Bytes> {
        let end = if self.carriage_returns {
            "\r\n\r\n"
        } else {
            "\n\n"
        };
        let mut events = Vec::new();
        for (place, chunk) in chunks.iter().enumerate() {
            if self.comments && place % 3 == 0 {
                events.push(format!(": keep-alive{end}"));
            }
            if self.nulls && place % 4 == 1 {
                events.push(format!("data: {{\"choices\":null}}{end}"));
            }
            if self.nonsense && place == 2 {
                events.push(format!("data: <html>502</html>{end}"));
            }
            events.push(format!("data: {chunk}{end}"));
        }
        events.push(format!("data: {{\"choices\":[],\"usage\":null}}{end}"));
        if !self.no_done {
            events.push(format!("data: [DONE]{end}"));
        }
        events.into_iter().map(Bytes::from).collect()
    }
}

/// A text in pieces of any length.
fn pieces(text: &str, rng: &mut StdRng) -> Vec<String> {
    let longest = [1, 4, 20, 400][rng.random_range(0..4)];
    let mut found = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while !rest.is_empty() {
        let take = rng
            .random_range(1..=longest.max(text.len() / 60))
            .min(rest.len());
        found.push(rest.drain(..take).collect());
    }
    found
}
