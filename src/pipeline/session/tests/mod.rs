//! The shell on a paused clock: what it moves where, and when.

mod claims;
mod stage;

use std::time::Duration;

use tokio::time::sleep;

use self::stage::{Beat::*, Script, Stage, WORD};
use super::*;
use crate::domain::conversation::Speaker;

const HALF: Duration = Duration::from_millis(500);

/// What was said and heard, in order.
fn transcript(report: &SessionReport) -> Vec<(Speaker, &str)> {
    let said = report.transcript.iter();
    said.map(|u| (u.speaker, u.text.expose().as_str()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_greeted_heard_answered_and_hangs_up() {
    let stage = Stage::ringing(Script::of(&[&[Say("We open at nine.")]])).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(stage.voice_after(CallTime::ZERO), None, "it still rings");
    stage.send(CallEvent::CallerActive).await;
    sleep(Duration::from_secs(2)).await;
    assert!(stage.voice_after(CallTime::ZERO).is_some(), "the greeting");
    let end = stage.asks("When do you open").await;
    sleep(Duration::from_secs(2)).await;
    let answered = stage.voice_after(end).expect("an answer").since(end);
    let endpointing = HALF..HALF + Duration::from_millis(50);
    assert!(endpointing.contains(&answered), "{answered:?}");
    let report = stage.hang_up().await;
    assert_eq!(report.ending, EndReason::CallerLeft);
    assert_eq!(
        transcript(&report),
        [
            (Speaker::Agent, "Hello, this is the clinic."),
            (Speaker::Caller, "When do you open"),
            (Speaker::Agent, "We open at nine.")
        ]
    );
    assert_eq!((report.barge_ins, report.unreplicated), (0, false));
}

#[tokio::test(start_paused = true)]
async fn the_agent_waits_for_the_write_of_the_turn_but_not_longer_than_the_budget() {
    type Save = fn(usize) -> (u64, Result<(), SaveError>);
    // The greeting is written first, then the caller's turn.
    let quick: Save = |nth| (if nth == 1 { 30 } else { 5 }, Ok(()));
    let stuck: Save = |nth| (if nth == 1 { 60_000 } else { 5 }, Ok(()));
    for (save, wait, lost) in [(quick, 30, false), (stuck, 50, true)] {
        let mut script = Script::of(&[&[Say("We open at nine.")]]);
        script.save = save;
        let stage = Stage::greeted(script).await;
        let end = stage.asks("When do you open").await;
        sleep(Duration::from_secs(2)).await;
        let answered = stage.voice_after(end).expect("an answer").since(end);
        let earliest = HALF + Duration::from_millis(wait);
        let due = earliest..earliest + Duration::from_millis(30);
        assert!(due.contains(&answered), "{answered:?}, not in {due:?}");
        assert_eq!(stage.hang_up().await.unreplicated, lost);
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_silences_the_agent_and_the_model_learns_what_was_heard() {
    let long = Say("We open at nine in the morning. On Fridays we close at noon already.");
    let stage = Stage::greeted(Script::of(&[&[long], &[Say("Sure.")]])).await;
    stage.asks("When do you open").await;
    // Into the second sentence.
    sleep(WORD * 9).await;
    let speaks = stage.clock.now();
    stage.asks("And on Monday").await;
    let clear = *stage.room.lock().clears.first().expect("silenced");
    assert!(
        clear.since(speaks) <= Duration::from_millis(220),
        "barge-in"
    );
    let asked = stage.last_asked();
    let heard = &asked[2];
    assert!(
        heard.starts_with("agent: We open at nine in the morning."),
        "{heard}"
    );
    assert!(!heard.contains("noon"), "{heard}");
    assert_eq!(asked[3], "user: And on Monday");
    sleep(Duration::from_secs(1)).await;
    let report = stage.hang_up().await;
    assert_eq!(report.barge_ins, 1);
    assert!(
        report.transcript[2].interrupted,
        "{:?}",
        transcript(&report)
    );
}

#[tokio::test(start_paused = true)]
async fn a_booking_survives_the_interruption_and_is_answered_once() {
    let mut script = Script::of(&[
        &[Say("I book it now."), Call("book")],
        &[Say("It is done.")],
    ]);
    script.tool = Duration::from_secs(4);
    let stage = Stage::greeted(script).await;
    stage.asks("Book it").await;
    sleep(HALF).await;
    stage.asks("No wait").await;
    // Nothing is said that could be wrong while it runs.
    assert_eq!(stage.asked.lock().len(), 1);
    sleep(Duration::from_secs(4)).await;
    let asked = stage.last_asked();
    let results = asked.iter().filter(|line| line.starts_with("tool:"));
    assert_eq!(results.collect::<Vec<_>>(), [r#"tool: {"done":"book"}"#]);
    assert_eq!(asked.last().map(String::as_str), Some("user: No wait"));
    let report = stage.hang_up().await;
    assert_eq!(report.tools.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_does_not_end_the_booking() {
    let mut script = Script::of(&[&[Call("book")]]);
    script.tool = Duration::from_secs(4);
    let stage = Stage::greeted(script).await;
    stage.asks("Book it").await;
    sleep(HALF).await;
    let hung_up = stage.clock.now();
    let clock = stage.clock;
    let report = stage.hang_up().await;
    assert!(clock.now().since(hung_up) > Duration::from_secs(3));
    assert_eq!(report.ending, EndReason::CallerLeft);
    assert_eq!(report.tools.len(), 1, "its result is in the trace");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_unheard_is_asked_for_again_and_leaves_no_trace() {
    let broken: &[_] = &[Say("We open"), Pause(900), Break];
    let stage = Stage::greeted(Script::of(&[
        broken,
        &[Say("We open at nine.")],
        &[Say("Goodbye.")],
    ]))
    .await;
    stage.asks("When do you open").await;
    sleep(Duration::from_secs(3)).await;
    stage.asks("Thank you").await;
    assert_eq!(
        stage.last_asked(),
        [
            "agent: Hello, this is the clinic.",
            "user: When do you open",
            "agent: We open at nine.",
            "user: Thank you"
        ]
    );
    let report = stage.hang_up().await;
    assert_eq!(report.transcript[2].text.expose(), "We open at nine.");
}

#[tokio::test(start_paused = true)]
async fn an_answer_said_again_stands_once_in_the_conversation() {
    let broken: &[_] = &[Say("We open at nine. And we"), Pause(2000), Break];
    let stage = Stage::greeted(Script::of(&[
        broken,
        &[Say("We open at nine. And we close at five.")],
        &[Say("Goodbye.")],
    ]))
    .await;
    stage.asks("When do you open").await;
    sleep(Duration::from_secs(12)).await;
    let again = stage.last_asked();
    assert_eq!(again[2..], ["agent: We open at nine.", "system"]);
    stage.asks("Thank you").await;
    assert_eq!(
        stage.last_asked()[1..],
        [
            "user: When do you open",
            "agent: Sorry, let me say that again.",
            "agent: We open at nine. And we close at five.",
            "user: Thank you"
        ]
    );
    // The record is of what was heard, and it was heard twice.
    let report = stage.hang_up().await;
    let heard = transcript(&report);
    assert_eq!(heard[2], (Speaker::Agent, "We open at nine."));
    assert_eq!(heard[3], (Speaker::Agent, "Sorry, let me say that again."));
}

#[tokio::test(start_paused = true)]
async fn a_newer_epoch_silences_this_one_before_its_next_word() {
    let mut script = Script::of(&[&[Say("We open at nine.")]]);
    script.save = |nth| {
        (
            10,
            if nth == 1 {
                Err(SaveError::Fenced)
            } else {
                Ok(())
            },
        )
    };
    let stage = Stage::greeted(script).await;
    let end = stage.asks("When do you open").await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.voice_after(end), None);
    let report = stage.over().await;
    assert_eq!(report.ending, EndReason::Fenced);
    assert_eq!(report.outcome(), None, "no artifact from here");
}
