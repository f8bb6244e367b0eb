//! Chunks of a streamed reply joined into [`LlmEvent`]s. No I/O, no clock.
//!
//! What stands between us and a vendor speaks the vendor's dialect almost, so a chunk is read as plain JSON: what is missing, null or of another type
//! is taken for what it can only mean, and what means nothing to us is left alone.

use serde_json::Value;

use super::{calls::Calls, wire_error};
use crate::{
    domain::phi::Phi,
    providers::{
        Fault,
        llm::{Finish, LlmEvent},
    },
};

/// Tokens of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    pub(super) cached_tokens: u64,
    /// Spent on thinking.
    pub(super) reasoning_tokens: u64,
}

impl Usage {
    /// None, if it says nothing.
    fn read(usage: &Value) -> Option<Self> {
        let number = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
        let prompt_tokens = number("/prompt_tokens");
        let completion_tokens = number("/completion_tokens");
        prompt_tokens.or(completion_tokens)?;
        let detail = |pointer: &str| number(pointer).unwrap_or_default();
        Some(Self {
            prompt_tokens: prompt_tokens.unwrap_or_default(),
            completion_tokens: completion_tokens.unwrap_or_default(),
            cached_tokens: detail("/prompt_tokens_details/cached_tokens"),
            reasoning_tokens: detail("/completion_tokens_details/reasoning_tokens"),
        })
    }
}

/// The state of one reply.
#[derive(Default)]
pub(super) struct Assembler {
    calls: Calls,
    /// Why the reply ends, once the vendor has said it.
    reason: Option<Finish>,
    /// It said so beside text: then it may say so in every chunk.
    is_reason_cheap: bool,
    /// The last character of the text.
    last: Option<char>,
    /// The model has begun: a text or a tool call came.
    pub(super) begun: bool,
    /// [`LlmEvent::Done`] was given out.
    pub(super) done: bool,
    /// `[DONE]` came: nothing follows.
    pub(super) ended: bool,
    pub(super) usage: Option<Usage>,
}

impl Assembler {
    /// Takes the data of one server-sent event.
    ///
    /// # Errors
    /// The fault that the vendor reports in the stream, or `Protocol` if it cannot be read.
    pub(super) fn push(&mut self, data: &[u8], out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let data = data.trim_ascii();
        if data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" || data == b"\"[DONE]\"" {
            self.ended = true;
            return self.finish(out);
        }
        // The parser's error quotes the text, so it is not kept.
        let chunk: Value = serde_json::from_slice(data).map_err(|_| Fault::Protocol)?;
        if let Some(fault) = wire_error::in_event(&chunk) {
            return Err(fault);
        }
        self.usage = chunk.get("usage").and_then(Usage::read).or(self.usage);
        let choices = chunk.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            let index = choice.get("index").and_then(Value::as_u64);
            if index.unwrap_or_default() == 0 {
                self.choice(choice, out)?;
            }
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Value, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        // A server that does not stream sends the message whole.
        let delta = ["delta", "message"]
            .iter()
            .find_map(|name| choice.get(name).filter(|delta| delta.is_object()))
            .unwrap_or(&Value::Null);
        let texts = [
            delta.get("content"),
            delta.get("refusal"),
            choice.get("text"),
        ];
        let text: String = texts.into_iter().flatten().map(text_of).collect();
        let called = self.calls.take_from(delta)?;
        let brings = !text.is_empty() || called;
        if self.done {
            // A reply that was over goes on no more.
            return Ok(());
        }
        self.begun |= brings;
        if !text.is_empty() {
            self.last = text.trim_end().chars().next_back().or(self.last);
            out.push(LlmEvent::Text(Phi::new(text)));
        }
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        let Some(reason) = reason.filter(|reason| !reason.is_empty()) else {
            return Ok(());
        };
        self.reason = Some(finish_of(reason)?);
        self.is_reason_cheap |= brings;
        if self.begun && !self.is_reason_cheap {
            return self.finish(out);
        }
        Ok(())
    }

    /// The vendor has said why the reply ends, and it is not yet given out: more may come, but need not.
    pub(super) fn is_ending(&self) -> bool {
        self.reason.is_some() && !self.done
    }

    /// Nothing more comes. A reply whose end nobody announced is taken for whole if it reads so.
    pub(super) fn close(&mut self, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let reads_whole = if self.calls.is_empty() {
            self.last
                .is_some_and(|c| matches!(c, '.' | '!' | '?' | '…' | '"' | '”' | ')'))
        } else {
            self.calls.are_whole()
        };
        if self.done || self.reason.is_some() || reads_whole {
            return self.finish(out);
        }
        Err(Fault::Unavailable)
    }

    /// Gives out the tool calls and the end, once.
    pub(super) fn finish(&mut self, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(());
        }
        let finish = match self.reason {
            Some(cut @ (Finish::Length | Finish::Filtered)) => cut,
            // With some settings a reply that is all tool calls ends with `stop`.
            _ if !self.calls.is_empty() => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        let calls = std::mem::take(&mut self.calls);
        // What the filter stopped is not carried out.
        if finish != Finish::Filtered {
            out.extend(calls.complete()?.into_iter().map(LlmEvent::ToolCall));
        }
        out.push(LlmEvent::Done(finish));
        Ok(())
    }
}

/// # Errors
/// `Unavailable`, where a proxy reports a failure of its vendor as a reason.
fn finish_of(reason: &str) -> Result<Finish, Fault> {
    match reason.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "max_output_tokens" | "model_length" => Ok(Finish::Length),
        "content_filter" | "safety" | "recitation" | "refusal" | "blocklist"
        | "prohibited_content" => Ok(Finish::Filtered),
        "error" | "network_error" | "malformed_function_call" => Err(Fault::Unavailable),
        _ => Ok(Finish::Stop),
    }
}

/// The text of a `content`: a text, or a list of parts, of which those that are no text (thoughts, pictures) are left out.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect(),
        Value::Object(part) => {
            let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
            let is_text = matches!(kind, "text" | "output_text" | "refusal");
            let texts = ["text", "refusal"]
                .iter()
                .filter_map(|name| part.get(*name));
            if is_text {
                texts.map(text_of).collect()
            } else {
                String::new()
            }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(events: &[&str]) -> (Vec<String>, Result<(), Fault>, Assembler) {
        let mut assembler = Assembler::default();
        let mut out = Vec::new();
        let result = events
            .iter()
            .try_for_each(|data| assembler.push(data.as_bytes(), &mut out));
        (out.iter().map(show).collect(), result, assembler)
    }

    fn show(event: &LlmEvent) -> String {
        match event {
            LlmEvent::Text(text) => text.expose().clone(),
            LlmEvent::ToolCall(call) => {
                format!("{}:{}({})", call.id.0, call.name, call.arguments.expose())
            }
            LlmEvent::Done(finish) => format!("{finish:?}"),
            LlmEvent::Failed(error) => error.to_string(),
        }
    }

    fn delta(delta: &str) -> String {
        format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}],"usage":null,"obfuscation":"aX9"}}"#
        )
    }

    fn finish(reason: &str) -> String {
        format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#)
    }

    fn call(index: u32, head: Option<(&str, &str)>, arguments: &str) -> String {
        let arguments = serde_json::to_string(arguments).expect("json");
        let head = head.map_or(String::new(), |(id, name)| {
            format!(r#""id":"{id}","type":"function","name_hint":1,"extra":{{}},"function":{{"name":"{name}","arguments":{arguments}}}"#)
        });
        let rest = if head.is_empty() {
            format!(r#""function":{{"arguments":{arguments}}}"#)
        } else {
            head
        };
        delta(&format!(r#"{{"tool_calls":[{{"index":{index},{rest}}}]}}"#))
    }

    fn refs(events: &[String]) -> Vec<&str> {
        events.iter().map(String::as_str).collect()
    }

    #[test]
    fn text_ends_with_stop_and_the_usage_follows() {
        let events = [
            delta(r#"{"role":"assistant","content":""}"#),
            delta(r#"{"content":"Good "}"#),
            delta(r#"{"content":"morning."}"#),
            finish("stop"),
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":5}}}"#.into(),
            "[DONE]".into(),
        ];
        let (out, result, assembler) = run(&refs(&events));
        assert_eq!(result, Ok(()));
        assert_eq!(out, ["Good ", "morning.", "Stop"]);
        assert!(assembler.ended);
        let usage = assembler.usage.expect("usage");
        assert_eq!((usage.prompt_tokens, usage.cached_tokens), (9, 5));
    }

    #[test]
    fn interleaved_parallel_calls_are_joined_by_index() {
        let events = [
            delta(r#"{"content":"One moment."}"#),
            call(0, Some(("call_a", "check")), ""),
            call(1, Some(("call_b", "find")), ""),
            call(0, None, "{\"payer\":"),
            call(1, None, "{\"day\":\"m\\u00f6"),
            call(0, None, "\"X\"}"),
            call(1, None, "ntag\"}"),
            finish("tool_calls"),
        ];
        let (out, result, _) = run(&refs(&events));
        assert_eq!(result, Ok(()));
        assert_eq!(
            out,
            [
                "One moment.",
                r#"call_a:check({"payer":"X"})"#,
                r#"call_b:find({"day":"m\u00f6ntag"})"#,
                "ToolCalls"
            ]
        );
    }

    #[test]
    fn a_refusal_is_said_and_a_filter_stops_the_tools() {
        let events = [delta(r#"{"refusal":"I cannot."}"#), finish("stop")];
        assert_eq!(run(&refs(&events)).0, ["I cannot.", "Stop"]);
        let events = [call(0, Some(("a", "book")), "{}"), finish("content_filter")];
        assert_eq!(run(&refs(&events)).0, ["Filtered"]);
        let events = [call(0, Some(("a", "book")), "{\"x"), finish("length")];
        assert_eq!(run(&refs(&events)).0, ["a:book({\"x)", "Length"]);
    }

    #[test]
    fn calls_that_end_with_stop_are_still_calls() {
        let events = [call(0, Some(("a", "book")), "{}"), finish("stop")];
        assert_eq!(run(&refs(&events)).0, ["a:book({})", "ToolCalls"]);
    }

    #[test]
    fn azures_first_chunk_has_no_choices() {
        let (out, result, assembler) = run(&[r#"{"choices":[],"prompt_filter_results":[{}]}"#]);
        assert_eq!((out.len(), result, assembler.begun), (0, Ok(()), false));
    }

    #[test]
    fn errors_in_the_stream_and_nonsense() {
        let error =
            |code: &str| run(&[&format!(r#"{{"error":{{"message":"m","code":{code}}}}}"#)]).1;
        assert_eq!(error("\"server_error\""), Err(Fault::Unavailable));
        assert_eq!(error("\"insufficient_quota\""), Err(Fault::Refused));
        assert_eq!(error("null"), Err(Fault::Unavailable));
        assert_eq!(run(&["{\"choices\":["]).1, Err(Fault::Protocol));
        assert_eq!(error("\"content_filter\""), Err(Fault::Filtered));
        let nameless = [call(0, None, "{}"), finish("tool_calls")];
        assert_eq!(run(&refs(&nameless)).1, Err(Fault::Protocol));
        let many: Vec<_> = (0..17).map(|n| call(n, Some(("a", "b")), "")).collect();
        assert_eq!(run(&refs(&many)).1, Err(Fault::Protocol));
    }

    /// C19: what servers between us and the vendor make of its chunks.
    #[test]
    fn chunks_of_another_dialect_are_read() {
        let said = |events: &[&str]| {
            let (out, result, _) = run(events);
            assert_eq!(result, Ok(()), "{events:?}");
            out
        };
        let text = |reason: &str, text: &str| {
            format!(
                r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":{reason}}}]}}"#
            )
        };
        // A reason in every chunk, empty or not.
        for reason in ["\"\"", "\"stop\"", "null"] {
            let events = [
                text(reason, "Good "),
                text(reason, "morning."),
                finish("stop"),
                "[DONE]".into(),
            ];
            assert_eq!(
                said(&refs(&events)),
                ["Good ", "morning.", "Stop"],
                "{reason}"
            );
            let events = [
                text(reason, "Good "),
                text(reason, "morning."),
                " [DONE] ".into(),
            ];
            assert_eq!(
                said(&refs(&events)),
                ["Good ", "morning.", "Stop"],
                "{reason}"
            );
        }
        // Nulls, nothing, and other shapes of the same.
        for event in [
            "null",
            "",
            "{}",
            "[]",
            "{\"choices\":null}",
            "{\"choices\":[null]}",
            "{\"choices\":[{}]}",
            "{\"data\":null}",
            "{\"choices\":[{\"index\":null,\"delta\":null,\"finish_reason\":null}],\"error\":null}",
            "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"Other\"}}]}",
            "{\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":null,\"refusal\":null}}]}",
            "{\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\",\"reasoning\":\"Hm\"}}]}",
            "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm\"}]}]}}]}",
        ] {
            let events = [event, &delta(r#"{"content":"Hi."}"#), event, "[DONE]"];
            assert_eq!(said(&events), ["Hi.", "Stop"], "{event}");
        }
        for event in [
            r#"{"choices":[{"index":null,"delta":{"content":"Hi."}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"type":"text","text":"Hi"},{"text":"."}]}}]}"#,
            r#"{"choices":[{"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"text":"Hi.","finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"Hi."}}],"usage":{"prompt_tokens":null,"completion_tokens":null}}"#,
            r#"{"choices":[{"delta":{"content":"Hi."}}],"usage":{"prompt_tokens":1,"prompt_tokens_details":null}}"#,
            r#"{"choices":[{"delta":{"content":"Hi."}}],"usage":{}}"#,
        ] {
            assert_eq!(said(&[event, "[DONE]"]), ["Hi.", "Stop"], "{event}");
        }
        for reason in ["max_tokens", "MAX_TOKENS", "length"] {
            assert_eq!(
                said(&[&text(&format!("\"{reason}\""), "I"), "[DONE]"]),
                ["I", "Length"]
            );
        }
        assert_eq!(
            said(&[&text("\"SAFETY\"", "I"), "[DONE]"]),
            ["I", "Filtered"]
        );
    }

    #[test]
    fn a_reply_that_nobody_ends_is_whole_if_it_reads_so() {
        let close = |events: &[String]| {
            let mut out = Vec::new();
            let mut assembler = run(&refs(events)).2;
            assembler
                .close(&mut out)
                .map(|()| out.iter().map(show).collect::<Vec<_>>())
        };
        let said = |text: &str| delta(&format!(r#"{{"content":"{text}"}}"#));
        assert_eq!(
            close(&[said("Good "), said("morning.\\n")]),
            Ok(vec!["Stop".into()])
        );
        assert_eq!(close(&[said("We open at")]), Err(Fault::Unavailable));
        assert_eq!(close(&[]), Err(Fault::Unavailable));
        assert_eq!(
            close(&[call(0, Some(("a", "book")), "{\"x")]),
            Err(Fault::Unavailable)
        );
        let whole = [call(0, Some(("a", "book")), "{}")];
        assert_eq!(
            close(&whole),
            Ok(vec!["a:book({})".into(), "ToolCalls".into()])
        );
    }
}
