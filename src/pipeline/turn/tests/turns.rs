//! When the caller's turn ends.

use super::*;

#[test]
fn a_turn_ends_after_the_minimum_silence_with_its_final_transcript() {
    let mut call = Driver::greeted();
    assert_eq!(
        call.speak(2000, 3000, "Book a cleaning."),
        ["finalize", "speculate 2"]
    );
    assert!(call.until(3499).is_empty());
    assert_eq!(
        call.until(3500),
        ["commit \"Book a cleaning.\"", "release 2"]
    );
}

#[test]
fn a_late_final_ends_the_turn_when_it_comes() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(3200, Input::SpeechEnded { at: at(3000) });
    assert!(call.until(3900).is_empty());
    let done = call.feed(3900, Input::Transcript(heard("Yes please.", 3000, true)));
    assert_eq!(done, ["speculate 2", "commit \"Yes please.\"", "release 2"]);
}

#[test]
fn without_a_final_the_interim_words_are_taken_at_the_maximum() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(2700, Input::Transcript(heard("book a", 2600, false)));
    call.feed(3200, Input::SpeechEnded { at: at(3000) });
    assert!(call.until(5999).is_empty());
    assert_eq!(call.until(6000), ["commit \"book a\"", "reply 2"]);
}

#[test]
fn the_final_of_words_already_taken_is_not_a_new_turn() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(
        2700,
        Input::Transcript(heard("book a cleaning", 2600, false)),
    );
    call.feed(2900, Input::SpeechEnded { at: at(2600) });
    call.until(6000);
    assert!(
        call.feed(
            6100,
            Input::Transcript(heard("book a cleaning", 2600, true))
        )
        .is_empty()
    );
}

#[test]
fn an_unfinished_sentence_gets_more_time() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "I need a cleaning and");
    assert!(call.until(4700).is_empty());
    assert_eq!(
        call.until(4750),
        ["commit \"I need a cleaning and\"", "release 2"]
    );
}

#[test]
fn speech_that_goes_on_drops_the_speculation_and_joins_the_turn() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    assert_eq!(
        call.speak(3400, 4000, "On Tuesday."),
        ["cancel 2", "finalize", "speculate 3"]
    );
    assert_eq!(
        call.until(4500),
        ["commit \"Book a cleaning. On Tuesday.\"", "release 3"]
    );
}

#[test]
fn a_click_does_not_drop_the_speculation() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    assert!(
        call.feed(3400, Input::SpeechStarted { at: at(3360) })
            .is_empty()
    );
    assert_eq!(
        call.feed(3560, Input::SpeechEnded { at: at(3420) }),
        ["finalize"]
    );
    assert!(call.until(3919).is_empty());
    assert_eq!(
        call.until(3920),
        ["commit \"Book a cleaning.\"", "release 2"]
    );
}

#[test]
fn words_after_the_turn_supersede_an_answer_that_is_not_heard_yet() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    call.until(3500);
    assert_eq!(
        call.feed(3560, Input::SpeechStarted { at: at(3510) }),
        ["pause"]
    );
    let words = Input::Transcript(heard("no wait", 3800, false));
    assert_eq!(call.feed(3900, words), ["hush", "cancel 2"]);
    call.feed(4000, Input::SpeechEnded { at: at(3800) });
    call.feed(
        4100,
        Input::Transcript(heard("No, wait, two cleanings.", 3800, true)),
    );
    assert_eq!(
        call.until(4300),
        ["commit \"No, wait, two cleanings.\"", "release 3"]
    );
}

#[test]
fn speech_without_words_is_answered_and_a_cough_is_not() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    assert_eq!(
        call.feed(3200, Input::SpeechEnded { at: at(3000) }),
        ["finalize"]
    );
    assert_eq!(call.until(6000), ["say DidNotCatch(0) 2"]);
    call.feed(6100, Input::PlayoutStarted(UtteranceId(2)));
    call.feed(7000, Input::PlayoutFinished(UtteranceId(2)));
    call.feed(8000, Input::SpeechStarted { at: at(8000) });
    call.feed(8400, Input::SpeechEnded { at: at(8200) });
    assert!(call.until(12_000).is_empty());
}

#[test]
fn an_unanswered_finalize_settles_by_itself() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    let mut periodic = heard("Book a cleaning.", 2900, true);
    periodic.from_finalize = false;
    call.feed(2950, Input::Transcript(periodic));
    assert_eq!(
        call.feed(3200, Input::SpeechEnded { at: at(3000) }),
        ["finalize"]
    );
    assert_eq!(
        call.until(3900),
        ["speculate 2", "commit \"Book a cleaning.\"", "release 2"]
    );
}

#[test]
fn keys_are_a_turn_after_a_pause_or_the_hash_key() {
    let mut call = Driver::greeted();
    call.feed(2000, Input::Dtmf('1'));
    call.feed(2500, Input::Dtmf('2'));
    let seen = call.until(5200);
    assert!(
        seen.contains(&"commit \"I pressed 1 2 on my keypad.\"".to_owned()),
        "{seen:?}"
    );

    let mut call = Driver::greeted();
    call.feed(2000, Input::Dtmf('0'));
    call.feed(2100, Input::Dtmf('#'));
    assert!(call.until(2700).iter().any(|o| o.starts_with("commit")));
}

/// Item 11 h: a phone that presses keys for ever.
#[test]
fn keys_without_end_are_a_turn_of_bounded_length() {
    let mut call = Driver::greeted();
    let mut seen = Vec::new();
    for n in 0..400 {
        let now = 2000 + n * 100;
        seen.extend(call.until(now));
        seen.extend(call.feed(now, Input::Dtmf('7')));
    }
    let turns: Vec<&String> = seen.iter().filter(|o| o.starts_with("commit")).collect();
    assert!(!turns.is_empty(), "{seen:?}");
    for turn in turns {
        let keys = turn.matches('7').count();
        assert!(keys <= super::super::keys::MOST_KEYS, "{turn}");
    }
}

#[test]
fn a_broken_recogniser_is_apologised_for_before_the_answer() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(2500, Input::SttLost);
    call.feed(3200, Input::SpeechEnded { at: at(3000) });
    assert_eq!(call.feed(3700, Input::SttRestored), ["finalize"]);
    call.feed(
        3900,
        Input::Transcript(heard("Book a cleaning.", 3000, true)),
    );
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(2500, Input::SttLost);
    call.feed(2600, Input::SttRestored);
    let seen = call.speak(2700, 3000, "Book a cleaning.");
    assert!(seen.contains(&"speculate 2".to_owned()));
    assert_eq!(
        call.until(3500),
        [
            "commit \"Book a cleaning.\"",
            "say LineBroke 3",
            "release 2"
        ]
    );
}

#[test]
fn words_understood_at_hang_up_are_recorded() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Never mind.");
    assert_eq!(
        call.feed(3350, Input::CallerLeft),
        ["commit \"Never mind.\"", "cancel 2", "end caller_left"]
    );
}

#[test]
fn a_caller_who_is_back_hears_so_and_an_answer_to_what_was_understood() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "Book a cleaning.");
    assert_eq!(
        call.feed(3350, Input::CallerBack),
        [
            "hush",
            "cancel 2",
            "commit \"Book a cleaning.\"",
            "say Resumed 3",
            "reply 4"
        ]
    );
}

#[test]
fn a_caller_who_vanished_in_mid_word_is_not_waited_for_to_end_it() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    let seen = call.feed(5000, Input::CallerBack);
    assert_eq!(seen, ["say Resumed 2", "reply 3"]);
    assert_eq!(call.until(6500), [""; 0], "nothing silences the agent");
}

#[test]
fn a_caller_who_is_back_in_the_last_words_hears_their_end() {
    let mut call = Driver::greeted();
    call.feed(2000, Input::Stop);
    assert_eq!(call.feed(2500, Input::CallerBack), [""; 0]);
}
