//! Finals that come late, twice or over each other.

use super::*;

/// Words with their times, as one final.
fn timed(words: &[(&str, u64, u64)]) -> Input {
    let text: Vec<&str> = words.iter().map(|(text, ..)| *text).collect();
    let mut transcript = heard(&text.join(" "), 0, true);
    for (word, (_, start, end)) in transcript.words.iter_mut().zip(words) {
        (word.start, word.end) = (at(*start), at(*end));
    }
    transcript.from_finalize = false;
    Input::Transcript(transcript)
}

fn without_times(text: &str) -> Input {
    let mut transcript = heard(text, 3000, true);
    transcript.words.clear();
    transcript.from_finalize = false;
    Input::Transcript(transcript)
}

/// The text of the turn that these finals make.
fn turn_of(finals: impl IntoIterator<Item = Input>) -> String {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    for (nth, input) in finals.into_iter().enumerate() {
        call.feed(3000 + 500 * nth as u64, input);
    }
    call.feed(5200, Input::SpeechEnded { at: at(5000) });
    call.commits(12_000)[0].1.clone()
}

#[test]
fn c20_words_that_two_finals_share_are_taken_once() {
    let first = [
        ("it", 2000, 2100),
        ("is", 2100, 2200),
        ("212", 2300, 2600),
        ("555", 2700, 3000),
    ];
    for (from, to) in [(2700, 3000), (2750, 3050), (2900, 3300), (2990, 3400)] {
        let second = [("555", from, to), ("0123.", 3500, 3900)];
        assert_eq!(
            turn_of([timed(&first), timed(&second)]),
            "it is 212 555 0123."
        );
    }
    let whole = [
        ("212", 2300, 2600),
        ("555", 2700, 3000),
        ("0123.", 3500, 3900),
    ];
    assert_eq!(
        turn_of([timed(&first), timed(&whole)]),
        "it is 212 555 0123."
    );
}

#[test]
fn c20_words_that_are_said_twice_are_taken_twice() {
    let first = [("five", 2000, 2300), ("five", 2300, 2600)];
    let second = [("five", 2600, 2900), ("one.", 2900, 3200)];
    assert_eq!(
        turn_of([timed(&first), timed(&second)]),
        "five five five one."
    );
    let first = [("212", 2000, 2300)];
    let second = [("212", 2600, 2900), ("0123.", 2900, 3200)];
    assert_eq!(turn_of([timed(&first), timed(&second)]), "212 212 0123.");
}

#[test]
fn c20_without_times_the_letters_tell_the_overlap() {
    let text = |one: &str, other: &str| turn_of([without_times(one), without_times(other)]);
    assert_eq!(text("it is 212 555", "555 0123."), "it is 212 555 0123.");
    assert_eq!(
        text("I would like to", "like to book."),
        "I would like to book."
    );
    assert_eq!(text("five five", "five one."), "five five five one.");
    assert_eq!(
        text("that is very", "very good."),
        "that is very very good."
    );
}

#[test]
fn c20_a_final_just_after_the_apology_is_the_turn_and_the_apology_falls_silent() {
    for started in [false, true] {
        let mut call = Driver::greeted();
        call.feed(2060, Input::SpeechStarted { at: at(2000) });
        call.feed(3200, Input::SpeechEnded { at: at(3000) });
        assert_eq!(call.until(6000), ["say DidNotCatch(0) 2"]);
        if started {
            call.feed(6300, Input::PlayoutStarted(UtteranceId(2)));
        }
        let late = heard("212 555 0123.", 3000, true);
        let mut seen = call.feed(6600, Input::Transcript(late));
        seen.extend(call.until(7000));
        // Nobody cut the agent off.
        assert_eq!(
            seen,
            [
                "hush",
                "speculate 3",
                "commit \"212 555 0123.\"",
                "release 3"
            ]
        );
    }
}

#[test]
fn c20_a_late_final_joins_what_is_said_meanwhile() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(3200, Input::SpeechEnded { at: at(3000) });
    call.until(6000);
    call.feed(6300, Input::PlayoutStarted(UtteranceId(2)));
    call.feed(6560, Input::SpeechStarted { at: at(6500) });
    call.feed(6600, Input::Transcript(heard("My number is", 3000, true)));
    call.feed(8200, Input::SpeechEnded { at: at(8000) });
    call.feed(8300, Input::Transcript(heard("212 555 0123.", 8000, true)));
    let seen = call.commits(9000);
    assert_eq!(seen, [(8500, "My number is 212 555 0123.".to_owned())]);
}

#[test]
fn c20_interim_words_of_a_number_wait_for_a_late_final() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(2700, Input::Transcript(heard("two one two", 2600, false)));
    call.feed(3200, Input::SpeechEnded { at: at(3000) });
    assert!(call.commits(6600).is_empty());
    let seen = call.feed(6600, Input::Transcript(heard("212-555-0123.", 3000, true)));
    let commits = committed(6600, &seen);
    assert_eq!(commits, [(6600, "212-555-0123.".to_owned())]);
    assert!(call.commits(9000).is_empty(), "one turn");
}
