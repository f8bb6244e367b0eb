//! The shell on a paused clock: what it moves where, and when.

mod claims;
mod stage;
mod unfinished;

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

/// B10: changes of one step ran at once, each by itself.
#[tokio::test(start_paused = true)]
async fn what_a_step_changes_runs_as_one_and_each_call_has_its_answer() {
    let stage = Stage::greeted(Script::of(&[
        &[Call("book"), Call("find"), Call("cancel"), Call("end_call")],
        &[Say("All is done.")],
    ]))
    .await;
    stage.asks("Move it please").await;
    sleep(Duration::from_secs(1)).await;
    let asked = stage.last_asked();
    let results: Vec<&String> = asked.iter().filter(|l| l.starts_with("tool:")).collect();
    assert_eq!(
        results,
        [
            r#"tool: {"done":"book","together":3}"#,
            r#"tool: {"done":"find"}"#,
            r#"tool: {"done":"cancel","together":3}"#,
            r#"tool: {"done":"end_call","together":3}"#,
        ]
    );
    let report = stage.hang_up().await;
    assert_eq!(report.tools.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_ends_the_call_runs_alone_where_nothing_is_changed() {
    let stage = Stage::greeted(Script::of(&[&[Call("end_call")], &[Say("Goodbye.")]])).await;
    stage.asks("That is all").await;
    sleep(Duration::from_secs(1)).await;
    let asked = stage.last_asked();
    let results: Vec<&String> = asked.iter().filter(|l| l.starts_with("tool:")).collect();
    assert_eq!(results, [r#"tool: {"done":"end_call"}"#]);
    stage.over().await;
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

/// Item 11 d of the field's list: LiveKit plays a ring tone in place of the agent while the network refers the caller.
#[tokio::test(start_paused = true)]
async fn words_before_a_ring_tone_are_heard_and_none_are_said_under_it() {
    let mut script = Script::of(&[
        &[Say("I connect you with the desk."), Call("book")],
        &[Say("Nobody is there.")],
    ]);
    script.tool = Duration::from_secs(12);
    let stage = Stage::greeted(script).await;
    let asked = stage.asks("A person please").await;
    sleep(Duration::from_millis(100)).await;
    let covered = stage.cover.begin(Duration::from_secs(8)).await;
    let ring = stage.clock.now();
    let said = ring.since(stage.voice_after(asked).expect("words"));
    assert!(said >= WORD * 6, "they are heard to their end: {said:?}");
    assert!(
        said <= WORD * 6 + HALF,
        "and not waited for longer: {said:?}"
    );
    // Long enough for three fillers, and the tool ends.
    sleep(Duration::from_secs(12)).await;
    assert_eq!(
        stage.voice_after(ring),
        None,
        "the caller hears the ring tone"
    );
    drop(covered);
    sleep(Duration::from_secs(3)).await;
    assert!(stage.voice_after(ring).is_some(), "nobody took the call");
    let report = stage.hang_up().await;
    let words = "I connect you with the desk. Nobody is there.";
    assert_eq!(transcript(&report)[2], (Speaker::Agent, words));
}

#[tokio::test(start_paused = true)]
async fn words_that_a_ring_tone_covers_are_not_in_the_transcript() {
    let mut script = Script::of(&[&[Call("book")], &[Say("You are connected.")]]);
    script.tool = Duration::from_secs(2);
    let stage = Stage::greeted(script).await;
    stage.asks("A person please").await;
    let covered = stage.cover.begin(Duration::from_secs(8)).await;
    sleep(Duration::from_secs(4)).await;
    covered.for_good();
    sleep(Duration::from_secs(2)).await;
    let report = stage.hang_up().await;
    let said: Vec<_> = transcript(&report);
    assert!(
        said.iter().all(|(_, words)| !words.contains("connected")),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn c01_the_rest_of_a_number_that_the_agent_asked_for_is_waited_for() {
    let stage = Stage::greeted(Script::of(&[
        &[Say("What is your phone number?")],
        &[Say("Thank you.")],
    ]))
    .await;
    stage.asks("I need a cleaning").await;
    sleep(Duration::from_secs(3)).await;
    stage.says("212.").await;
    sleep(Duration::from_millis(1700)).await;
    stage.asks("555 0123.").await;
    sleep(HALF).await;
    let asked = stage.last_asked();
    let last = asked.last().map(String::as_str);
    assert_eq!(last, Some("user: 212. 555 0123."));
    stage.hang_up().await;
}

#[tokio::test(start_paused = true)]
async fn c27_a_listeners_sound_at_the_end_of_the_question_reaches_the_model() {
    let stage = Stage::greeted(Script::of(&[
        &[Say("Shall I book Tuesday at ten?")],
        &[Say("Tuesday at ten, then.")],
    ]))
    .await;
    stage.asks("Do you have anything on Tuesday").await;
    sleep(WORD * 5).await;
    stage.asks("Mm-hmm").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        stage.last_asked()[2..],
        ["agent: Shall I book Tuesday at ten?", "user: Mm-hmm"]
    );
    assert_eq!(stage.hang_up().await.barge_ins, 0);
}

#[tokio::test(start_paused = true)]
async fn c17_one_more_question_into_the_goodbye_is_answered() {
    let goodbye: &[_] = &[
        Say("You are all set. Thank you for calling and see you on Tuesday. Goodbye."),
        Call("end_call"),
    ];
    let stage = Stage::greeted(Script::of(&[goodbye, &[Say("Sure, what is it?")]])).await;
    stage.asks("That is all").await;
    sleep(WORD * 3).await;
    let end = stage.asks("Wait one more question").await;
    sleep(Duration::from_secs(2)).await;
    let asked = stage.last_asked();
    let last = asked.last().map(String::as_str);
    assert_eq!(last, Some("user: Wait one more question"));
    assert!(stage.voice_after(end).is_some(), "it is answered");
    let report = stage.hang_up().await;
    assert_eq!(report.ending, EndReason::CallerLeft);
}
