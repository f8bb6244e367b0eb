//! `neurality debug`, as the built program runs it: no configuration, no server.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

fn debug(args: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_neurality"))
        .arg("debug")
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = program.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("is read");
    drop(stdin);
    program.wait_with_output().expect("the program ends")
}

#[test]
fn debug_turn_prints_the_decisions_on_each_example_as_json_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/turns");
    let files: Vec<_> = std::fs::read_dir(folder)
        .expect("the examples")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let yaml = std::fs::read_to_string(&file).expect("an example");
        let named = debug(&["turn", file.to_str().expect("a path")], "");
        let piped = debug(&["turn", "-"], &yaml);
        assert!(named.status.success() && piped.status.success());
        assert_eq!(named.stdout, piped.stdout);
        let lines = String::from_utf8(named.stdout).expect("text");
        let events: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        let commits = events.iter().filter(|e| e["output"] == "commit_turn");
        assert!(commits.count() > 1, "{}: {lines}", file.display());
    }
}

#[test]
fn debug_turn_refuses_what_it_does_not_know_and_names_the_place() {
    let refused = debug(&["turn", "-"], "voice: [[1, 2]]\nvoices: [[3, 4]]\n");
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(said.contains("unknown field `voices`"), "{said}");
    assert!(said.contains("line 2"), "{said}");
}
