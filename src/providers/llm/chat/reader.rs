//! The body of a vendor's answer in, the pieces of a reply out. No I/O, no clock.

use super::{
    assemble::{Assembler, Usage},
    machine_text::{MachineText, Piece},
    names::ToolNames,
    sse::{EventTooLong, SseParser},
};
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

/// A whole message is as long as the longest event.
const LARGEST_BODY: usize = 1 << 20;

/// How the body is written.
enum Body {
    /// Nothing came yet but white space.
    Unknown(Vec<u8>),
    /// Server-sent events.
    Events(SseParser),
    /// One JSON message, from a server that does not stream.
    Whole(Vec<u8>),
}

/// Reads one reply: server-sent events or a whole message, in the vendor's dialect or one near it. What is meant for machines does not come out as
/// text; a call that was written as text comes out as a call.
pub struct StreamReader {
    body: Body,
    assembler: Assembler,
    names: ToolNames,
    filter: MachineText,
    /// Calls that were found in the text: they are given out with the others.
    written: Vec<ToolRequest>,
}

impl StreamReader {
    /// A reader of a reply to a request with these tools.
    #[must_use]
    pub fn new<'a>(tools: impl IntoIterator<Item = &'a str>) -> Self {
        let names = ToolNames::new(tools);
        Self {
            body: Body::Unknown(Vec::new()),
            assembler: Assembler::default(),
            filter: MachineText::new(names.clone()),
            names,
            written: Vec::new(),
        }
    }

    /// Takes the next bytes of the body, cut anywhere.
    ///
    /// # Errors
    /// The fault that the vendor reports in the stream, or `Protocol` if it cannot be read. What was read before it is in `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let mut raw = Vec::new();
        let result = self.read(bytes, &mut raw);
        self.refine(raw, out);
        result
    }

    /// The body is over.
    ///
    /// # Errors
    /// `Unavailable`, if it broke off; else as [`Self::push`].
    pub fn close(&mut self, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let mut raw = Vec::new();
        let result = self
            .read_end(&mut raw)
            .and_then(|()| self.assembler.close(&mut raw));
        self.refine(raw, out);
        result
    }

    /// Nothing more came for a while after the vendor had said why the reply ends: then it was the end.
    pub(super) fn settle(&mut self, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let mut raw = Vec::new();
        let result = self.assembler.finish(&mut raw);
        self.refine(raw, out);
        result
    }

    /// A text or a tool call came.
    pub(super) fn has_begun(&self) -> bool {
        self.assembler.begun
    }

    /// The end may have come, and was not given out.
    pub(super) fn is_ending(&self) -> bool {
        self.assembler.is_ending()
    }

    /// The end was given out.
    pub(super) fn is_done(&self) -> bool {
        self.assembler.done
    }

    /// Nothing follows.
    pub(super) fn has_ended(&self) -> bool {
        self.assembler.ended
    }

    pub(super) fn usage(&self) -> Option<Usage> {
        self.assembler.usage
    }

    fn read(&mut self, bytes: &[u8], out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        match &mut self.body {
            Body::Unknown(held) => {
                held.extend_from_slice(bytes);
                let Some(first) = first_byte(held) else {
                    let is_endless = held.len() > LARGEST_BODY;
                    return if is_endless {
                        Err(Fault::Protocol)
                    } else {
                        Ok(())
                    };
                };
                let held = std::mem::take(held);
                self.body = if matches!(first, b'{' | b'[') {
                    Body::Whole(Vec::new())
                } else {
                    Body::Events(SseParser::default())
                };
                self.read(&held, out)
            }
            Body::Events(parser) => {
                let mut result = Ok(());
                let assembler = &mut self.assembler;
                let parsed = parser.push(bytes, |data| {
                    if result.is_ok() {
                        result = assembler.push(data, out);
                    }
                });
                result.and(parsed.map_err(|EventTooLong| Fault::Protocol))
            }
            Body::Whole(text) => {
                text.extend_from_slice(bytes);
                (text.len() <= LARGEST_BODY)
                    .then_some(())
                    .ok_or(Fault::Protocol)
            }
        }
    }

    fn read_end(&mut self, out: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let assembler = &mut self.assembler;
        match &mut self.body {
            Body::Unknown(_) => Ok(()),
            Body::Events(parser) => {
                let mut result = Ok(());
                parser.finish(|data| {
                    if result.is_ok() {
                        result = assembler.push(data, out);
                    }
                });
                // A last event that is cut is no event; the end of the reply is missing then, too.
                match result {
                    Err(Fault::Protocol) => Ok(()),
                    result => result,
                }
            }
            Body::Whole(text) => {
                let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
                let values = serde_json::Deserializer::from_slice(text).into_iter();
                for value in values {
                    let value: serde_json::Value = value.map_err(|_| Fault::Protocol)?;
                    // An error may come in a list of one.
                    let value = value.get(0).cloned().unwrap_or(value);
                    assembler.push(value.to_string().as_bytes(), out)?;
                }
                Ok(())
            }
        }
    }

    /// Takes out of the text what is meant for machines, and gives each call its tool's name.
    fn refine(&mut self, raw: Vec<LlmEvent>, out: &mut Vec<LlmEvent>) {
        let mut calls = Vec::new();
        for event in raw {
            match event {
                LlmEvent::Text(text) => {
                    let pieces = self.filter.push(text.expose());
                    self.give(pieces, out);
                }
                LlmEvent::ToolCall(call) => calls.extend(self.names.normalise(call)),
                LlmEvent::Done(finish) => {
                    let pieces = self.filter.finish();
                    self.give(pieces, out);
                    self.end(finish, std::mem::take(&mut calls), out);
                }
                LlmEvent::Failed(error) => out.push(LlmEvent::Failed(error)),
            }
        }
    }

    fn give(&mut self, pieces: Vec<Piece>, out: &mut Vec<LlmEvent>) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push(LlmEvent::Text(Phi::new(text))),
                Piece::Call((name, arguments)) => self.written.push(ToolRequest {
                    id: ToolCallId(format!("call_written_{}", self.written.len())),
                    name,
                    arguments: Phi::new(arguments),
                }),
            }
        }
    }

    /// The calls, each of them once, and the end.
    fn end(&mut self, finish: Finish, calls: Vec<ToolRequest>, out: &mut Vec<LlmEvent>) {
        let mut all = std::mem::take(&mut self.written);
        if finish == Finish::Filtered {
            all.clear();
        }
        all.retain(|written| !calls.iter().any(|call| is_same(written, call)));
        all.extend(calls);
        let finish = match finish {
            Finish::Stop if !all.is_empty() => Finish::ToolCalls,
            finish => finish,
        };
        out.extend(all.into_iter().map(LlmEvent::ToolCall));
        out.push(LlmEvent::Done(finish));
    }
}

/// Whether a model has written as text the call that it makes.
fn is_same(written: &ToolRequest, call: &ToolRequest) -> bool {
    let arguments = |call: &ToolRequest| {
        serde_json::from_str::<serde_json::Value>(call.arguments.expose()).ok()
    };
    written.name == call.name && arguments(written) == arguments(call)
}

/// The first byte that is neither white space nor a byte order mark; none while it has not come.
fn first_byte(held: &[u8]) -> Option<u8> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if MARK.starts_with(held) {
        return None;
    }
    let text = held.strip_prefix(MARK).unwrap_or(held);
    text.trim_ascii_start().first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(event: &LlmEvent) -> String {
        match event {
            LlmEvent::Text(text) => text.expose().clone(),
            LlmEvent::ToolCall(call) => format!("{}({})", call.name, call.arguments.expose()),
            LlmEvent::Done(finish) => format!("{finish:?}"),
            LlmEvent::Failed(error) => error.to_string(),
        }
    }

    /// The reply as it is read from bytes that come in pieces of this size; texts joined.
    fn read(body: &[u8], size: usize) -> Vec<String> {
        let mut reader = StreamReader::new(["look", "book_appointment"]);
        let mut events = Vec::new();
        let mut result = body
            .chunks(size.max(1))
            .try_for_each(|bytes| reader.push(bytes, &mut events));
        if result.is_ok() {
            result = reader.close(&mut events);
        }
        let mut shown: Vec<String> = Vec::new();
        let mut is_text = false;
        for event in &events {
            match (is_text, event) {
                (true, LlmEvent::Text(text)) => {
                    shown.last_mut().expect("a text").push_str(text.expose());
                }
                _ => shown.push(show(event)),
            }
            is_text = matches!(event, LlmEvent::Text(_));
        }
        shown.extend(result.err().map(|fault| fault.as_str().to_owned()));
        shown
    }

    fn in_every_size(body: &str, expected: &[&str]) {
        for size in [1, 2, 3, 5, 7, 64, body.len()] {
            assert_eq!(read(body.as_bytes(), size), expected, "{body:?} by {size}");
        }
    }

    fn text(text: &str) -> String {
        let delta = serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        format!("data: {delta}\n\n")
    }

    const END: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    /// C14, C19: the same whether the marks lie in one chunk or in many, and the bytes wherever.
    #[test]
    fn machine_text_over_chunks_is_not_said_and_its_call_is_run() {
        let said = "Let me look. <tool_call>{\"name\":\"look\",\"arguments\":{\"ü\":1}}</tool_call> <think>x</think>One moment.";
        let chars: Vec<char> = said.chars().collect();
        for size in [1, 2, 3, 4, 9, 200] {
            let pieces = chars
                .chunks(size)
                .map(|p| text(&p.iter().collect::<String>()));
            let body = pieces.collect::<String>() + END;
            in_every_size(
                &body,
                &["Let me look.  One moment.", "look({\"ü\":1})", "ToolCalls"],
            );
        }
    }

    #[test]
    fn a_call_that_is_made_and_written_is_one() {
        let made = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"functions.look\",\"arguments\":\"{ \\\"x\\\": 1 }\"}}]}}]}\n\n";
        let body = text("functions.look({\"x\":1})") + made + END;
        in_every_size(&body, &["look({ \"x\": 1 })", "ToolCalls"]);
    }

    #[test]
    fn what_the_filter_stopped_is_not_run() {
        let end = END.replace("stop", "content_filter");
        in_every_size(&(text("Sure. look({})") + &end), &["Sure. ", "Filtered"]);
    }

    /// C19
    #[test]
    fn bodies_of_near_dialects_are_read() {
        let hi = text("Hi.");
        for body in [
            format!("{hi}{END}"),
            format!("\u{feff}{hi}{END}"),
            format!("\n\n: busy\n\n{hi}: busy\n\n{END}"),
            format!("{hi}{END}").replace('\n', "\r\n"),
            format!("{hi}{END}").replace("\n\n", "\n"),
            format!("{hi}{END}").replace("data: ", "data:"),
            format!("event: message\n{hi}{END}"),
            format!("data: null\n\ndata:\n\n{hi}data: {{\"choices\":null}}\n\n{END}"),
            // The end is missing, or its last line.
            hi.clone(),
            format!("{hi}{}", END.replace("data: [DONE]\n\n", "")),
            format!("{hi}{}", END.trim_end()),
            hi.trim_end().to_owned(),
            // Not streamed at all.
            "{\"id\":\"x\",\n \"choices\": [{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}],\n \"usage\":{\"prompt_tokens\":1}}\n".to_owned(),
            "\u{feff} [{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"Hi.\"}]}}]}]".to_owned(),
        ] {
            in_every_size(&body, &["Hi.", "Stop"]);
        }
    }

    #[test]
    fn what_is_no_reply_is_a_fault() {
        in_every_size("", &["unavailable"]);
        in_every_size("<html>busy</html>", &["unavailable"]);
        in_every_size("{\"error\":{\"message\":\"m\"}}", &["unavailable"]);
        in_every_size("{\"choices\":[{\"mess", &["protocol"]);
        in_every_size("data: {\"error\":\"busy\"}\n\n", &["unavailable"]);
        in_every_size(
            "data: {\"error\":{\"code\":\"content_filter\"}}\n\n",
            &["filtered"],
        );
        in_every_size("data: {nonsense\n\n", &["protocol"]);
        in_every_size(&text("We open at"), &["We open at", "unavailable"]);
    }
}
