//! `neurality debug say`, as the built command: no server, no configuration.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

fn executable() -> &'static str {
    env!("CARGO_BIN_EXE_neurality")
}

fn say(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(executable())
        .args(["debug", "say"])
        .args(args)
        .env_clear()
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start the command");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("write");
    drop(stdin);
    child.wait_with_output().expect("wait")
}

fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn arguments_are_said_a_line_per_sentence() {
    let output = say(
        &["Dial 911. Or call 212-555-0123.", "Take 1/2 tablet.", "***"],
        "",
    );
    let expected = [
        "Dial nine one one.",
        "Or call two one two, five five five, zero one two three.",
        "Take one half tablet.",
        "(nothing)",
    ];
    assert_eq!(lines(&output), expected);
}

#[test]
fn a_text_may_begin_with_a_dash() {
    let output = say(&["-$20", "- a point", "-5°F"], "");
    let expected = [
        "minus twenty dollars",
        "a point",
        "minus five degrees Fahrenheit",
    ];
    assert_eq!(lines(&output), expected);
}

#[test]
fn each_line_of_standard_input_is_a_text() {
    let output = say(&[], "It is $45.5.\n\nAt 10 a.m. on Dec. 3\n");
    let expected = [
        "It is forty-five dollars and fifty cents.",
        "(nothing)",
        "At ten A M on December third",
    ];
    assert_eq!(lines(&output), expected);
}

#[test]
fn as_json_a_text_is_one_line_with_both_forms() {
    let output = say(&["--json"], "See Dr. Lee at 9. **OK?**\n🎉\n");
    let found: Vec<serde_json::Value> = lines(&output)
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let expected = serde_json::json!([
        {
            "text": "See Dr. Lee at 9. **OK?**",
            "sentences": [
                {"written": "See Dr. Lee at 9.", "spoken": "See Doctor Lee at nine."},
                {"written": "OK?", "spoken": "OK?"},
            ],
        },
        {"text": "🎉", "sentences": []},
    ]);
    assert_eq!(serde_json::Value::from(found), expected);
}

#[test]
fn input_that_is_no_text_is_an_error_not_silence() {
    let mut child = Command::new(executable())
        .args(["debug", "say"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start the command");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&[0xFF, 0xFE, b'\n']).expect("write");
    drop(stdin);
    let output = child.wait_with_output().expect("wait");
    assert!(!output.status.success(), "{output:?}");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("read standard input"), "{complaint}");
}
