//! Cutting an answer into the chunks of a stream.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, Call};

/// What all chunks of one stream repeat.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: i64,
    pub(super) include_usage: bool,
    pub(super) obfuscation: bool,
    pub(super) azure: bool,
}

impl Frame {
    pub(super) fn chunk(
        &self,
        rng: &mut StdRng,
        delta: Value,
        finish_reason: Option<&str>,
    ) -> Value {
        let mut choice =
            json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        if self.azure {
            choice["content_filter_results"] = json!({});
        }
        self.envelope(rng, json!([choice]))
    }

    fn envelope(&self, rng: &mut StdRng, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "service_tier": "default", "system_fingerprint": "fp_simulated", "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        if self.obfuscation {
            chunk["obfuscation"] = json!(padding(rng));
        }
        chunk
    }

    pub(super) fn usage_chunk(&self, rng: &mut StdRng, prompt: usize, completion: usize) -> Value {
        let mut chunk = self.envelope(rng, json!([]));
        chunk["usage"] = usage(prompt, completion);
        chunk
    }

    /// Azure begins with the filter results of the prompt, in a chunk without id, model or choices.
    pub(super) fn azure_prelude() -> Value {
        let verdict = json!({"filtered": false, "severity": "safe"});
        json!({
            "choices": [], "created": 0, "id": "", "model": "", "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": verdict, "violence": verdict}}],
        })
    }
}

pub(super) fn usage(prompt: usize, completion: usize) -> Value {
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

/// The deltas of an answer: the role, content word by word, then the tool calls' arguments in small pieces, those of
/// different calls mixed.
pub(super) fn deltas(answer: &Answer, rng: &mut StdRng, max_fragment: usize) -> Vec<Value> {
    let first = if answer.content.is_some() {
        json!("")
    } else {
        Value::Null
    };
    let mut out = vec![json!({"role": "assistant", "content": first, "refusal": null})];
    if let Some(content) = &answer.content {
        out.extend(
            words(content)
                .into_iter()
                .map(|piece| json!({"content": piece})),
        );
    }
    let mut rest: Vec<(usize, &str)> = Vec::new();
    for (index, call) in answer.calls.iter().enumerate() {
        out.push(opening(index, call));
        rest.push((index, &call.arguments));
    }
    while let Some(&(index, text)) = rest.choose(rng) {
        let (piece, left) = cut(text, rng.random_range(1..=max_fragment.max(1)));
        if !piece.is_empty() {
            out.push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
        }
        rest.retain_mut(|(i, text)| {
            if *i == index {
                *text = left;
            }
            !text.is_empty()
        });
    }
    out
}

fn opening(index: usize, call: &Call) -> Value {
    json!({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}]})
}

/// Words with the space before them, as tokens mostly are.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices().skip(1) {
        if c == ' ' {
            out.push(&text[start..at]);
            start = at;
        }
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

/// At a byte if that is between two characters, else after the character.
fn cut(text: &str, at: usize) -> (&str, &str) {
    let at = (at.min(text.len())..=text.len())
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(text.len());
    text.split_at(at)
}

fn padding(rng: &mut StdRng) -> String {
    let len = rng.random_range(1..16);
    Uuid::from_u128(rng.random()).simple().to_string()[..len].to_owned()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn call(id: &str, arguments: &str) -> Call {
        Call {
            id: id.into(),
            name: format!("tool_{id}"),
            arguments: arguments.into(),
        }
    }

    #[test]
    fn the_pieces_join_to_the_whole_and_parallel_calls_are_mixed() {
        let arguments = [
            r#"{"name":"Jos\u00e9 with a long name"}"#,
            r#"{"procedure_code":"D1110","part":"morning"}"#,
        ];
        let answer = Answer {
            content: Some("One moment, please.".into()),
            calls: vec![call("a", arguments[0]), call("b", arguments[1])],
            cut_short: false,
        };
        let (mut content, mut joined, mut order) =
            (String::new(), [String::new(), String::new()], Vec::new());
        for delta in deltas(&answer, &mut StdRng::seed_from_u64(3), 5) {
            content.push_str(delta["content"].as_str().unwrap_or_default());
            for part in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = part["index"].as_u64().expect("index") as usize;
                assert_eq!(
                    part.get("id").is_some(),
                    part["function"].get("name").is_some()
                );
                joined[index].push_str(part["function"]["arguments"].as_str().expect("arguments"));
                order.push(index);
            }
        }
        assert_eq!(
            (content.as_str(), joined),
            ("One moment, please.", arguments.map(str::to_owned))
        );
        assert!(
            order.windows(2).filter(|w| w[0] > w[1]).count() > 1,
            "{order:?}"
        );
    }

    #[test]
    fn a_cut_may_fall_inside_an_escape_but_not_inside_a_character() {
        let answer = Answer {
            calls: vec![call("a", "\"\\u00e9é\"")],
            ..Answer::default()
        };
        let pieces: Vec<Value> = deltas(&answer, &mut StdRng::seed_from_u64(1), 1);
        let texts: Vec<&str> = pieces
            .iter()
            .filter_map(|d| d["tool_calls"][0]["function"]["arguments"].as_str())
            .collect();
        assert_eq!(texts, ["", "\"", "\\", "u", "0", "0", "e", "9", "é", "\""]);
    }
}
