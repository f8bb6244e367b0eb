//! Whole calls: a patient on the phone, the product's processes, real servers, simulated vendors.

mod booking;
mod cancel;
mod clinics;
mod clock;
mod endings;
mod faults;
mod pod;
mod projects;
mod race;
mod succession;
mod transfers;
mod trunk;

use std::{ops::Range, time::Duration};

use loadtest::caller::{
    CallReport,
    measure::{VOICE_DBFS, voiced},
    recording::RATE,
};
use serde_json::Value;

const MAPLE: &str = "0193a000-0000-7000-8000-000000000001";
const MAPLE_GREETING: &str = "Maple Dental, how can I help you?";
const MAPLE_FALLBACK: &str = "+12125550190";
const HARBOR: &str = "0193a000-0000-7000-8000-000000000002";

/// A patient of Maple Dental asks whether a cleaning is covered, and says goodbye.
fn a_question(from: &str) -> String {
    format!(
        r#"
name: a question from {from}
from: "{from}"
to: "+12125550100"
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: {{ end: agent_hung_up, answered_turns: 2 }}
"#
    )
}

/// A patient of Harbor Family Clinic asks for a person, who takes the call.
fn a_person_please(from: &str) -> String {
    format!(
        r#"
name: a person for {from}
from: "{from}"
to: "+13105550100"
steps:
  - say: "Let me talk to a real person, please."
  - wait_hang_up
expect: {{ end: person_dialled, dialled: "+13105550191" }}
"#
    )
}

/// What one side said, in order.
fn lines<'a>(artifact: &'a Value, speaker: &str) -> Vec<&'a str> {
    let transcript = artifact["transcript"].as_array().expect("a transcript");
    transcript
        .iter()
        .filter(|line| line["speaker"] == speaker)
        .map(|line| line["text"].as_str().expect("text"))
        .collect()
}

/// Whether the agent said something with these words.
fn agent_said(artifact: &Value, words: &str) -> bool {
    lines(artifact, "agent")
        .iter()
        .any(|line| line.contains(words))
}

/// Name and status of each tool call, in order.
fn tools(artifact: &Value) -> Vec<(&str, &str)> {
    let tools = artifact["tools"].as_array().expect("tools");
    tools
        .iter()
        .map(|tool| {
            (
                tool["name"].as_str().expect("name"),
                tool["status"].as_str().expect("status"),
            )
        })
        .collect()
}

/// The longest time in which the caller heard nothing and said nothing, from the agent's first word to the end of the leg.
fn longest_silence(report: &CallReport) -> Duration {
    let heard = voiced(&report.recording.heard, VOICE_DBFS);
    let mut sound: Vec<Range<usize>> = voiced(&report.recording.sent, VOICE_DBFS);
    let first = heard.first().expect("the agent spoke").start;
    sound.extend(heard);
    sound.sort_by_key(|run| run.start);
    let end = report
        .recording
        .sent
        .len()
        .max(report.recording.heard.len());
    let (mut last, mut longest) = (first, 0);
    for run in sound.iter().filter(|run| run.start >= first) {
        longest = longest.max(run.start.saturating_sub(last));
        last = last.max(run.end);
    }
    longest = longest.max(end.saturating_sub(last));
    Duration::from_secs_f64(longest as f64 / f64::from(RATE))
}
