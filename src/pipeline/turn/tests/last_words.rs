//! The end of a call, and second thoughts of the caller.

use super::*;

const REPLY: UtteranceId = UtteranceId(2);

/// The agent says goodbye, from 4000 ms on.
fn goodbye() -> Driver {
    let mut call = Driver::answered("You are all set. Goodbye.");
    call.feed(4200, Input::Closing(EndReason::Goodbye));
    call
}

#[test]
fn c17_one_more_question_into_the_goodbye_reopens_the_conversation() {
    for text in [
        "Wait, one more question.",
        "Actually, can I move it?",
        "Is that at ten?",
        "Oh, and my son needs a cleaning, too.",
    ] {
        let mut call = goodbye();
        let mut seen = call.speak(5000, 6000, text);
        assert!(seen.contains(&"stop".to_owned()), "{text}: {seen:?}");
        seen = call.until(7000);
        assert!(seen.contains(&format!("commit {text:?}")), "{seen:?}");
        assert!(!call.turn.is_closing() && !call.turn.is_ended());
    }
}

#[test]
fn c17_a_plea_stops_the_goodbye_at_its_first_word() {
    let mut call = goodbye();
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    let wait = Input::Transcript(heard("wait", 5300, false));
    assert_eq!(call.feed(5400, wait), ["stop", "cancel 2"]);
}

#[test]
fn c17_thanks_and_a_goodbye_do_not_keep_the_call() {
    for text in [
        "Okay, thank you, bye.",
        "Thanks so much, you too.",
        "Mm-hmm.",
        "Bye-bye.",
        "No, that's all, thanks.",
    ] {
        let mut call = goodbye();
        assert_eq!(call.speak(5000, 6000, text), ["finalize"], "{text}");
        assert_eq!(
            call.feed(7000, Input::PlayoutFinished(REPLY)),
            ["end goodbye"]
        );
    }
}

#[test]
fn c17_the_call_does_not_end_in_the_callers_words() {
    let mut call = goodbye();
    call.feed(6560, Input::SpeechStarted { at: at(6500) });
    assert!(call.feed(7000, Input::PlayoutFinished(REPLY)).is_empty());
    call.feed(7700, Input::SpeechEnded { at: at(7500) });
    let words = heard("One more question.", 7500, true);
    call.feed(7800, Input::Transcript(words));
    assert_eq!(
        call.until(8000),
        ["commit \"One more question.\"", "release 3"]
    );
}

#[test]
fn c17_a_noise_or_a_late_bye_ends_it_soon() {
    let mut call = goodbye();
    call.feed(6560, Input::SpeechStarted { at: at(6500) });
    call.feed(7000, Input::PlayoutFinished(REPLY));
    assert!(call.until(9499).is_empty());
    assert_eq!(call.until(9500), ["end goodbye"]);

    let mut call = goodbye();
    call.feed(6560, Input::SpeechStarted { at: at(6500) });
    call.feed(7000, Input::PlayoutFinished(REPLY));
    call.feed(7500, Input::SpeechEnded { at: at(7300) });
    let bye = Input::Transcript(heard("Bye.", 7300, true));
    assert_eq!(call.feed(7600, bye), ["end goodbye"]);
}

#[test]
fn c17_a_caller_who_is_back_while_the_agent_gives_up_on_them_is_heard() {
    let mut call = Driver::greeted();
    for (id, ms) in [(2, 13_000), (3, 26_000)] {
        call.until(ms);
        call.feed(ms + 100, Input::PlayoutStarted(UtteranceId(id)));
        call.feed(ms + 1000, Input::PlayoutFinished(UtteranceId(id)));
    }
    assert_eq!(call.until(39_000), ["say AwayGoodbye 4"]);
    call.feed(39_100, Input::PlayoutStarted(UtteranceId(4)));
    let seen = call.speak(40_000, 40_600, "I'm here, I'm here.");
    assert!(seen.contains(&"stop".to_owned()), "{seen:?}");
    assert_eq!(call.commits(42_000)[0].1, "I'm here, I'm here.");
}

#[test]
fn c17_a_hand_over_is_not_taken_back() {
    let mut call = Driver::answered("One moment, I will connect you.");
    call.feed(4200, Input::Closing(EndReason::Transfer));
    call.speak(5000, 6000, "Wait, one more question.");
    assert_eq!(
        call.feed(7000, Input::PlayoutFinished(REPLY)),
        ["end transfer"]
    );
}
