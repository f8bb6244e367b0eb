//! "Hello?" before and over the greeting.

use super::*;

const GREETING: UtteranceId = UtteranceId(1);

fn answered_phone() -> Driver {
    let mut call = Driver::ringing();
    assert_eq!(call.feed(0, Input::CallerActive), ["say Greeting 1"]);
    call
}

#[test]
fn c63_a_hello_before_the_greeting_waits_for_it_and_is_answered_by_it() {
    for text in ["Hello?", "Hi, is anybody there?", "Hello, hello?"] {
        let mut call = answered_phone();
        let seen = call.speak(200, 1000, text);
        assert_eq!(seen, ["pause", "finalize"], "{text}");
        let seen = call.until(2000);
        assert_eq!(seen, ["resume"], "the greeting is said");
        call.feed(2000, Input::PlayoutStarted(GREETING));
        call.feed(6000, Input::PlayoutFinished(GREETING));
        assert!(call.commits(10_000).is_empty(), "it was answered");
        call.speak(10_000, 11_000, "I need a cleaning.");
        let whole = format!("{text} I need a cleaning.");
        assert_eq!(call.commits(12_000), [(11_500, whole)]);
    }
}

#[test]
fn c63_words_over_the_greeting_pause_it_and_are_answered_after_its_end() {
    let wishes = ["Hello?", "I need a cleaning.", "Representative!"];
    for text in wishes {
        let mut call = answered_phone();
        call.feed(400, Input::PlayoutStarted(GREETING));
        let seen = call.speak(1000, 2000, text);
        assert_eq!(seen, ["pause", "finalize"], "{text}");
        assert_eq!(call.until(5900), ["resume"], "{text}");
        call.feed(6000, Input::PlayoutFinished(GREETING));
        let seen = call.commits(8000);
        if text == "Hello?" {
            assert!(seen.is_empty(), "{seen:?}");
        }
    }
}

#[test]
fn c63_a_wish_over_the_greeting_is_answered_as_soon_as_it_is_over() {
    let mut call = answered_phone();
    call.feed(400, Input::PlayoutStarted(GREETING));
    call.speak(1000, 2000, "Hello, I need a cleaning.");
    call.until(5900);
    let seen = call.feed(6000, Input::PlayoutFinished(GREETING));
    assert_eq!(
        seen,
        [
            "speculate 2",
            "commit \"Hello, I need a cleaning.\"",
            "release 2"
        ]
    );
}

#[test]
fn c63_a_noise_does_not_keep_the_greeting_back() {
    let mut call = answered_phone();
    call.feed(260, Input::SpeechStarted { at: at(200) });
    assert!(call.until(5199).is_empty());
    assert_eq!(call.until(5200), ["resume"]);
}

#[test]
fn c63_a_greeting_that_was_cut_off_by_a_lost_leg_is_said_again() {
    let mut call = answered_phone();
    call.feed(400, Input::PlayoutStarted(GREETING));
    assert_eq!(
        call.feed(1500, Input::CallerBack),
        ["hush", "say Greeting 2"]
    );
}

#[test]
fn c63_a_hello_after_the_greeting_is_answered() {
    let mut call = Driver::greeted();
    call.speak(2000, 2500, "Hello?");
    assert_eq!(call.commits(4000), [(3000, "Hello?".to_owned())]);
}

#[test]
fn c63_keys_over_the_greeting_do_not_cut_it() {
    let mut call = answered_phone();
    call.feed(400, Input::PlayoutStarted(GREETING));
    call.feed(1000, Input::Dtmf('0'));
    assert!(call.feed(1100, Input::Dtmf('#')).is_empty());
    let seen = call.feed(6000, Input::PlayoutFinished(GREETING));
    assert_eq!(seen[1], "commit \"I pressed 0 on my keypad.\"");
}
