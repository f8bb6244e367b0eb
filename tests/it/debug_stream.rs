//! `neurality debug stream` as it is run from a shell.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::world::program;

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program())
        .args(["debug", "stream"])
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

/// C08, C14, C19
#[test]
fn a_stream_is_shown_as_a_call_would_take_it() {
    let stream = concat!(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<|channel|>analysis<|message|>Hm<|end|>\"}}]}\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Goodbye. to=functions.end_call {\\\"reason\\\":\\\"done\\\"}\"}}]}\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n",
        "data: [DONE]\n",
    );
    let expected = [
        json!({"event": "text", "text": "Goodbye. "}),
        json!({"event": "tool_call", "id": "call_written_0", "name": "end_call", "arguments": {"reason": "done"}}),
        json!({"event": "end", "reason": "tool_calls"}),
    ];
    assert_eq!(lines(&run(&["-"], stream)), expected);

    let folder = tempfile::tempdir().expect("temp dir");
    let file = folder.path().join("answer.txt");
    std::fs::write(&file, stream).expect("write");
    let file = file.to_str().expect("utf-8");
    assert_eq!(lines(&run(&[file], "")), expected);
    // Of a tool that was not offered nothing is run, and nothing said.
    let shown = lines(&run(&[file, "--tool", "look"], ""));
    assert_eq!(
        shown,
        [
            expected[0].clone(),
            json!({"event": "end", "reason": "stop"})
        ]
    );
    assert!(!run(&["/nonexistent/answer.txt"], "").status.success());
}
