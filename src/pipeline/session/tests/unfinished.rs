//! Answers that are none: without words, cut, filtered, said twice.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    stage::{
        Beat::{self, *},
        Script, Stage,
    },
    transcript,
};
use crate::{domain::conversation::Speaker, pipeline::turn::EndReason};

/// What the agent says when the caller has asked something, and what the model was asked for it.
async fn answered(answers: &[&[Beat]]) -> (Vec<String>, Vec<Vec<String>>) {
    let stage = Stage::greeted(Script::of(answers)).await;
    stage.asks("When do you open").await;
    sleep(Duration::from_secs(8)).await;
    let asked = stage.asked.lock().clone();
    let report = stage.hang_up().await;
    let said = transcript(&report).into_iter().skip(2);
    let said = said.filter(|(speaker, _)| *speaker == Speaker::Agent);
    (said.map(|(_, text)| text.to_owned()).collect(), asked)
}

/// The same, where the call ends without the caller's doing.
async fn handed_over(answers: &[&[Beat]]) -> (Vec<String>, usize) {
    let stage = Stage::greeted(Script::of(answers)).await;
    stage.asks("When do you open").await;
    let asked = std::sync::Arc::clone(&stage.asked);
    let report = stage.over().await;
    assert_eq!(report.ending, EndReason::Failed);
    let said = transcript(&report).into_iter().skip(2);
    let asked = asked.lock().len();
    (said.map(|(_, text)| text.to_owned()).collect(), asked)
}

/// C44
#[tokio::test(start_paused = true)]
async fn an_answer_without_words_is_asked_for_again_and_again() {
    let good: &[_] = &[Say("We open at nine.")];
    for nothing in ["...", "\n", "\"", "[]", "😀", ""] {
        let empty: &[_] = &[Say(nothing)];
        let (said, asked) = answered(&[empty, empty, good]).await;
        assert_eq!(said, ["We open at nine."], "{nothing:?}");
        // The model is told why, and the caller's words stay.
        assert_eq!(asked[1][1..], ["user: When do you open", "system"]);
    }
}

/// C18
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_before_its_first_word_is_asked_for_again() {
    let (said, _) = answered(&[&[Cut], &[Say("..."), Cut], &[Say("We open at nine.")]]).await;
    assert_eq!(said, ["We open at nine."]);
}

/// C18, C16
#[tokio::test(start_paused = true)]
async fn half_a_sentence_is_finished_and_never_followed_by_silence() {
    for end in [Cut, Filter] {
        for (half, again, whole) in [
            (
                "We open at nine and we",
                "close at five.",
                "We open at nine and we close at five.",
            ),
            ("We open at", "We open at nine.", "We open at nine."),
            (
                "We open at nine. And we",
                "And we close at five.",
                "We open at nine. And we close at five.",
            ),
        ] {
            let (said, asked) = answered(&[&[Say(half), end], &[Say(again)]]).await;
            assert_eq!(said, [whole], "{half}");
            assert_eq!(asked.len(), 2);
        }
    }
    // Cut at the end of a sentence it may be whole; a filter always stopped something.
    let whole = Say("We open at nine.");
    assert_eq!(answered(&[&[whole, Cut]]).await.0, ["We open at nine."]);
    let (said, _) = answered(&[&[Say("One moment."), Filter], &[whole]]).await;
    assert_eq!(said, ["One moment. We open at nine."]);
}

/// C16, C18
#[tokio::test(start_paused = true)]
async fn half_a_sentence_that_finds_no_end_is_not_said_and_a_person_takes_over() {
    let half: &[_] = &[Say("We open at"), Filter];
    let (said, asked) = handed_over(&[half; 12]).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("Let me connect you"), "{said:?}");
    // Three times each: on speculation, for the turn, and once more for the turn.
    assert_eq!(asked, 9);
}

/// C16
#[tokio::test(start_paused = true)]
async fn a_sentence_that_the_filter_refuses_is_left_out_and_the_call_goes_on() {
    let sorry = "Sorry, could you say that in other words?";
    let stage = Stage::greeted(Script::of(&[
        &[Refuse],
        &[Say(sorry)],
        &[Say("We open at nine.")],
    ]))
    .await;
    stage.asks("I am worried").await;
    sleep(Duration::from_secs(6)).await;
    let withheld = "user: [The caller's words here were withheld by a content filter.]";
    assert_eq!(stage.last_asked()[1..], [withheld, "system"]);
    stage.asks("When do you open").await;
    sleep(Duration::from_secs(3)).await;
    // Nor is it sent again later.
    let later = stage.last_asked();
    assert_eq!(
        later[1..],
        [
            withheld.to_owned(),
            format!("agent: {sorry}"),
            "user: When do you open".into()
        ]
    );
    let report = stage.hang_up().await;
    let said = transcript(&report);
    assert_eq!(
        said[1..],
        [
            (Speaker::Caller, "I am worried"),
            (Speaker::Agent, sorry),
            (Speaker::Caller, "When do you open"),
            (Speaker::Agent, "We open at nine."),
        ]
    );
    assert_eq!(report.ending, EndReason::CallerLeft);
}

/// C57, and its neighbour: tools, and then nothing.
#[tokio::test(start_paused = true)]
async fn a_preamble_is_said_once_and_an_answer_follows_it() {
    let look: &[_] = &[Say("Let me look."), Call("look")];
    let expected = ["Let me look. We open at nine."];
    assert_eq!(
        answered(&[look, &[Say("Let me look. We open at nine.")]])
            .await
            .0,
        expected
    );
    assert_eq!(
        answered(&[look, &[], &[Say("We open at nine.")]]).await.0,
        expected
    );
    assert_eq!(
        answered(&[look, look, &[Say("We open at nine.")]]).await.0,
        expected
    );
}

/// C43
#[tokio::test(start_paused = true)]
async fn tools_without_end_are_asked_for_twice_six_times_and_then_a_person_takes_over() {
    let find: &[_] = &[Call("find")];
    let (said, asked) = handed_over(&[find; 20]).await;
    assert_eq!(asked, 12);
    assert!(
        said.last()
            .is_some_and(|line| line.contains("Let me connect you")),
        "{said:?}"
    );
}

/// C30
#[tokio::test(start_paused = true)]
async fn after_midnight_the_model_is_told_the_new_day() {
    let mut script = Script::of(&[&[Say("We open at nine.")], &[Say("Yes, tomorrow.")]]);
    script.started_at = "2026-12-01T23:59:50Z".parse().expect("time");
    let stage = Stage::greeted(script).await;
    stage.asks("When do you open").await;
    sleep(Duration::from_secs(12)).await;
    stage.asks("Tomorrow").await;
    sleep(Duration::from_secs(1)).await;
    let prompts = stage.prompts.lock().clone();
    assert!(
        prompts[0].contains("Today is Tuesday, 2026-12-01"),
        "{}",
        prompts[0]
    );
    assert!(
        prompts[1].contains("Today is Wednesday, 2026-12-02"),
        "{}",
        prompts[1]
    );
    stage.hang_up().await;
}
