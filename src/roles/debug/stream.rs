//! `neurality debug stream`: a model's raw stream in, text, tool calls and end out.

use std::{
    fs::File,
    io::{self, Read, Write, stdin, stdout},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::{Value, json};

use crate::{
    providers::{
        Fault,
        llm::{Finish, LlmEvent, chat::StreamReader},
    },
    tools,
};

/// Arguments of `neurality debug stream`.
#[derive(Clone, Debug, clap::Args)]
pub struct StreamArgs {
    /// The body of a vendor's answer; `-` is standard input.
    pub file: PathBuf,
    /// A tool that the model was offered; may be given several times. None: the product's own.
    #[arg(long = "tool", value_name = "NAME")]
    pub tools: Vec<String>,
}

pub(super) fn run(args: &StreamArgs) -> anyhow::Result<()> {
    let tools: Vec<&str> = if args.tools.is_empty() {
        tools::names().collect()
    } else {
        args.tools.iter().map(String::as_str).collect()
    };
    let mut reader = StreamReader::new(tools);
    let mut input = open(&args.file)?;
    show(&mut input, &mut reader, &mut stdout().lock())
        .with_context(|| format!("show {}", args.file.display()))
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(stdin()));
    }
    let file = File::open(path).with_context(|| format!("read {}", path.display()))?;
    Ok(Box::new(file))
}

/// Reads to the end, as the product does, and writes a line for each event.
fn show(input: &mut dyn Read, reader: &mut StreamReader, out: &mut dyn Write) -> io::Result<()> {
    let mut chunk = [0; 8 * 1024];
    let mut events = Vec::new();
    let mut result = Ok(());
    while result.is_ok() {
        let length = input.read(&mut chunk)?;
        if length == 0 {
            result = reader.close(&mut events);
            break;
        }
        result = reader.push(&chunk[..length], &mut events);
    }
    let lines = events.iter().map(line);
    for line in lines.chain(result.err().map(failure)) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The file is the operator's own, and this command is for looking at it.
fn line(event: &LlmEvent) -> Value {
    match event {
        LlmEvent::Text(text) => json!({ "event": "text", "text": text.expose() }),
        LlmEvent::ToolCall(call) => {
            let written = call.arguments.expose();
            let arguments = serde_json::from_str(written).unwrap_or_else(|_| json!(written));
            json!({ "event": "tool_call", "id": call.id.0, "name": call.name, "arguments": arguments })
        }
        LlmEvent::Done(finish) => json!({ "event": "end", "reason": reason(*finish) }),
        LlmEvent::Failed(error) => failure(error.fault),
    }
}

fn failure(fault: Fault) -> Value {
    json!({ "event": "error", "fault": fault.as_str() })
}

const fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::ToolCalls => "tool_calls",
        Finish::Length => "length",
        Finish::Filtered => "filtered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> Vec<Value> {
        let mut out = Vec::new();
        let mut reader = StreamReader::new(tools::names());
        show(&mut body.as_bytes(), &mut reader, &mut out).expect("a buffer");
        let text = String::from_utf8(out).expect("utf-8");
        let lines = text.lines();
        lines
            .map(|l| serde_json::from_str(l).expect("a JSON line"))
            .collect()
    }

    /// C08, C14, C19: as it is heard and run in a call.
    #[test]
    fn text_calls_and_the_end_are_shown_a_line_each() {
        let body = concat!(
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<think>Hm.</think>Let me look.\"}}]}\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":null,\"id\":\"a\",\"function\":{\"name\":\"functions.find_available_slots\",\"arguments\":{\"procedure_code\":\"D1110\"}}}]}}]}\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n",
            "data: [DONE]\n"
        );
        assert_eq!(
            shown(body),
            [
                json!({"event": "text", "text": "Let me look."}),
                json!({"event": "tool_call", "id": "a", "name": "find_available_slots", "arguments": {"procedure_code": "D1110"}}),
                json!({"event": "end", "reason": "tool_calls"}),
            ]
        );
    }

    #[test]
    fn what_breaks_off_is_an_error_behind_what_came() {
        let cut = "data: {\"choices\":[{\"delta\":{\"content\":\"We open at\"}}]}\n\n";
        let expected = [
            json!({"event": "text", "text": "We open at"}),
            json!({"event": "error", "fault": "unavailable"}),
        ];
        assert_eq!(shown(cut), expected);
        assert_eq!(
            shown("data: {nonsense\n\n"),
            [json!({"event": "error", "fault": "protocol"})]
        );
        let broken = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"end_call\",\"arguments\":\"{oops\"}}]},\"finish_reason\":\"length\"}]}\n\n";
        assert_eq!(shown(broken)[0]["arguments"], json!("{oops"));
        assert_eq!(
            shown(broken)[1],
            json!({"event": "end", "reason": "length"})
        );
    }
}
