//! Chunks of a streamed reply joined into [`LlmEvent`]s. No I/O, no clock.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::failure::{self, WireError};
use crate::{
    domain::{
        conversation::{ToolCallId, ToolRequest},
        phi::Phi,
    },
    providers::{
        Fault,
        llm::{Finish, LlmEvent},
    },
};

/// More tools at once, or longer arguments, are a model gone wild.
const MAX_TOOL_CALLS: usize = 16;
const MAX_ARGUMENTS: usize = 64 * 1024;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<WireError>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<CallFragment>>,
}

#[derive(Deserialize)]
struct CallFragment {
    #[serde(default)]
    index: u32,
    id: Option<String>,
    function: Option<FunctionFragment>,
}

#[derive(Deserialize)]
struct FunctionFragment {
    name: Option<String>,
    arguments: Option<String>,
}

/// Tokens of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    pub(super) prompt_tokens: u32,
    pub(super) completion_tokens: u32,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: u32,
}

impl Usage {
    pub(super) fn cached_tokens(self) -> u32 {
        self.prompt_tokens_details.unwrap_or_default().cached_tokens
    }
}

/// A tool call of which parts have come.
#[derive(Default)]
struct Fragments {
    id: String,
    name: String,
    arguments: String,
}

/// The state of one reply.
#[derive(Default)]
pub(super) struct Assembler {
    calls: BTreeMap<u32, Fragments>,
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
        if data == b"[DONE]" {
            self.ended = true;
            return self.finish(None, out);
        }
        // The parser's error quotes the text, so it is not kept.
        let chunk: Chunk = serde_json::from_slice(data).map_err(|_| Fault::Protocol)?;
        if let Some(error) = chunk.error {
            return Err(failure::of_event(&error));
        }
        self.usage = chunk.usage.or(self.usage);
        for choice in chunk.choices {
            if choice.index == 0 {
                self.choice(choice, out)?;
            }
        }
        Ok(())
    }

    fn choice(&mut self, choice: Choice, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        if let Some(delta) = choice.delta {
            let texts = [delta.content, delta.refusal];
            for text in texts.into_iter().flatten().filter(|t| !t.is_empty()) {
                self.begun = true;
                out.push(LlmEvent::Text(Phi::new(text)));
            }
            for fragment in delta.tool_calls.into_iter().flatten() {
                self.fragment(fragment)?;
            }
        }
        match choice.finish_reason {
            Some(reason) => self.finish(Some(&reason), out),
            None => Ok(()),
        }
    }

    fn fragment(&mut self, fragment: CallFragment) -> Result<(), Fault> {
        self.begun = true;
        let call = self.calls.entry(fragment.index).or_default();
        if let Some(id) = fragment.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        if let Some(function) = fragment.function {
            call.name += function.name.as_deref().unwrap_or_default();
            call.arguments += function.arguments.as_deref().unwrap_or_default();
        }
        let tame = call.arguments.len() <= MAX_ARGUMENTS && self.calls.len() <= MAX_TOOL_CALLS;
        tame.then_some(()).ok_or(Fault::Protocol)
    }

    /// Gives out the tool calls and the end, once.
    fn finish(&mut self, reason: Option<&str>, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(());
        }
        let finish = match reason {
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::Filtered,
            // With some settings a reply that is all tool calls ends with `stop`.
            _ if !self.calls.is_empty() => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        let calls = std::mem::take(&mut self.calls);
        // What the filter stopped is not carried out.
        if finish != Finish::Filtered {
            for call in calls.into_values() {
                out.push(LlmEvent::ToolCall(call.complete()?));
            }
        }
        out.push(LlmEvent::Done(finish));
        Ok(())
    }
}

impl Fragments {
    fn complete(self) -> Result<ToolRequest, Fault> {
        if self.id.is_empty() || self.name.is_empty() {
            return Err(Fault::Protocol);
        }
        Ok(ToolRequest {
            id: ToolCallId(self.id),
            name: self.name,
            arguments: Phi::new(self.arguments),
        })
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
        assert_eq!((usage.prompt_tokens, usage.cached_tokens()), (9, 5));
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
        let nameless = [call(0, None, "{}"), finish("tool_calls")];
        assert_eq!(run(&refs(&nameless)).1, Err(Fault::Protocol));
        let many: Vec<_> = (0..17).map(|n| call(n, Some(("a", "b")), "")).collect();
        assert_eq!(run(&refs(&many)).1, Err(Fault::Protocol));
    }
}
