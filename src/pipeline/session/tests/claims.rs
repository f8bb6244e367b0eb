//! What the model claims is said only if a tool bears it out.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    super::*,
    stage::{Beat::*, Script, Stage},
    transcript,
};
use crate::domain::conversation::Speaker;

const NOTE: &str = "system";

/// What the agent was heard to say after its greeting.
fn answers(report: &SessionReport) -> Vec<&str> {
    let said = transcript(report).into_iter();
    said.filter(|(who, _)| *who == Speaker::Agent)
        .skip(1)
        .map(|(_, text)| text)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_no_tool_made_is_not_said_and_the_model_is_told_so() {
    let lie: &[_] = &[Say("Sure. You are booked for Tuesday. See you then.")];
    let honest: &[_] = &[Say("May I have your name?")];
    let stage = Stage::greeted(Script::of(&[lie, honest])).await;
    stage.asks("Please book me for Tuesday").await;
    sleep(Duration::from_secs(8)).await;
    let asked = stage.last_asked();
    assert_eq!(asked.last().map(String::as_str), Some(NOTE), "{asked:?}");
    assert!(
        !asked.iter().any(|line| line.contains("booked")),
        "{asked:?}"
    );
    let report = stage.hang_up().await;
    assert_eq!(
        answers(&report),
        ["Sure. Let me check that. May I have your name?"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_stands_before_its_own_tool_call_waits_for_the_tool() {
    let early: &[_] = &[Say("You are booked for Tuesday."), Call("book")];
    let after: &[_] = &[Say("It's done.")];
    let stage = Stage::greeted(Script::of(&[early, after])).await;
    stage.asks("Please book me for Tuesday").await;
    sleep(Duration::from_secs(6)).await;
    let asked = stage.last_asked();
    assert!(!asked.iter().any(|line| line == NOTE), "{asked:?}");
    let report = stage.hang_up().await;
    assert_eq!(answers(&report), ["It's done."]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_goes_on_claiming_what_is_not_so_hands_over() {
    let lie: &[_] = &[Say("I have cancelled your appointment.")];
    let stage = Stage::greeted(Script::of(&[lie, lie, lie, lie])).await;
    stage.asks("Please cancel it").await;
    sleep(Duration::from_secs(4)).await;
    let asked = stage.asked.lock().len();
    let report = stage.over().await;
    assert_eq!((asked, report.ending), (3, EndReason::Failed));
    let said = answers(&report).join(" ");
    assert!(!said.contains("cancelled"), "{said}");
    assert!(said.contains("connect you with someone"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_speculative_reply_is_read_when_it_is_released() {
    let lie: &[_] = &[Say("Your plan covers it.")];
    let honest: &[_] = &[Say("I cannot tell.")];
    let stage = Stage::greeted(Script::of(&[lie, honest])).await;
    stage.asks("Does my plan cover it").await;
    sleep(Duration::from_secs(6)).await;
    let report = stage.hang_up().await;
    assert_eq!(answers(&report), ["Let me check that. I cannot tell."]);
}
