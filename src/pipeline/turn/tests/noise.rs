//! Voices without words, coughs, noises, and what the recogniser says about gaps.

use super::*;

fn gap(last_word_end: u64) -> Input {
    Input::UtteranceEnd {
        last_word_end: Some(at(last_word_end)),
    }
}

/// Words that the recogniser makes final by itself.
fn periodic(text: &str, end_ms: u64) -> Input {
    let mut transcript = heard(text, end_ms, true);
    transcript.from_finalize = false;
    Input::Transcript(transcript)
}

#[test]
fn c06_a_word_gap_under_a_voice_does_not_end_the_turn() {
    for (text, rest) in [
        ("my date of birth is", "March third nineteen eighty five."),
        ("I need a cleaning.", "And a check-up."),
        ("On Tuesday, um", "at ten."),
    ] {
        let mut call = Driver::greeted();
        call.feed(2060, Input::SpeechStarted { at: at(2000) });
        call.feed(3200, periodic(text, 3000));
        call.feed(4200, gap(3000));
        assert!(call.commits(6200).is_empty(), "{text}");
        call.feed(6200, Input::SpeechEnded { at: at(6000) });
        call.feed(6300, Input::Transcript(heard(rest, 6000, true)));
        assert_eq!(call.commits(9000)[0].1, format!("{text} {rest}"));
    }
}

#[test]
fn c06_a_word_gap_of_an_earlier_turn_does_not_end_this_one() {
    let mut call = Driver::greeted();
    call.speak(2000, 3000, "I need a cleaning.");
    call.until(3500);
    call.says(2, "Sure.");
    call.feed(3600, Input::PlayoutStarted(UtteranceId(2)));
    call.feed(3650, Input::ReplyFinished(UtteranceId(2)));
    call.feed(4000, Input::PlayoutFinished(UtteranceId(2)));
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    call.feed(5500, periodic("I want", 5400));
    call.feed(5600, gap(3000));
    assert!(call.commits(8000).is_empty(), "the caller speaks on");
    call.feed(8200, Input::SpeechEnded { at: at(8000) });
    call.feed(8300, Input::Transcript(heard("a cleaning.", 8000, true)));
    assert_eq!(
        call.commits(9000),
        [(8500, "I want a cleaning.".to_owned())]
    );
    // Nor does one that newer words have overtaken, without a voice.
    let mut call = Driver::greeted();
    call.feed(2500, periodic("I want", 2400));
    call.feed(2900, periodic("a cleaning", 2800));
    assert!(call.commits(3000).is_empty());
    call.feed(3000, gap(2400));
    assert!(call.commits(3150).is_empty(), "it is settled later");
}

#[test]
fn c06_a_word_gap_without_a_voice_settles_the_turn() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(2950, periodic("I need a cleaning.", 2900));
    call.feed(3200, Input::SpeechEnded { at: at(3000) });
    let seen = call.feed(3600, gap(2900));
    assert_eq!(
        seen,
        ["speculate 2", "commit \"I need a cleaning.\"", "release 2"]
    );
}

#[test]
fn c06_lasting_noise_behind_the_last_word_is_outvoted_in_the_end() {
    for (text, ends) in [("Book a cleaning.", 7000), ("My date of birth is", 9000)] {
        let mut call = Driver::greeted();
        call.feed(2060, Input::SpeechStarted { at: at(2000) });
        call.feed(3000, periodic(text, 2900));
        call.feed(4000, gap(2900));
        assert_eq!(call.commits(20_000), [(ends, text.to_owned())]);
    }
    // A recogniser that sees no gap has the say for longer, but not for ever.
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    call.feed(3000, periodic("Book a cleaning.", 2900));
    assert_eq!(
        call.commits(90_000),
        [(62_000, "Book a cleaning.".to_owned())]
    );
}

/// Four seconds of a voice in which no word is understood.
fn mumbles(call: &mut Driver, from: u64) -> Vec<String> {
    let mut seen = call.feed(from + 60, Input::SpeechStarted { at: at(from) });
    seen.extend(call.until(from + 4200));
    let ended = Input::SpeechEnded {
        at: at(from + 4000),
    };
    seen.extend(call.feed(from + 4200, ended));
    let nothing = Input::Transcript(heard("", from + 4000, true));
    seen.extend(call.feed(from + 4300, nothing));
    seen.extend(call.until(from + 5500));
    seen
}

/// The line is played.
fn plays(call: &mut Driver, id: u32, from: u64) -> Vec<String> {
    call.feed(from, Input::PlayoutStarted(UtteranceId(id)));
    call.feed(from + 1500, Input::PlayoutFinished(UtteranceId(id)))
}

#[test]
fn c49_speech_without_words_is_answered_in_other_words_each_time_and_then_by_a_person() {
    let mut call = Driver::greeted();
    assert!(mumbles(&mut call, 2000).contains(&"say DidNotCatch(0) 2".to_owned()));
    plays(&mut call, 2, 7600);
    assert!(mumbles(&mut call, 10_000).contains(&"say DidNotCatch(1) 3".to_owned()));
    plays(&mut call, 3, 15_600);
    assert!(mumbles(&mut call, 18_000).contains(&"say NotUnderstood 4".to_owned()));
    assert_eq!(plays(&mut call, 4, 23_600), ["end failed"]);
}

#[test]
fn c49_words_that_the_recogniser_does_not_believe_are_not_understood() {
    let mut call = Driver::greeted();
    for (from, said) in [
        (2000, "say DidNotCatch(0) 2"),
        (10_000, "say DidNotCatch(1) 3"),
        (18_000, "say NotUnderstood 4"),
    ] {
        call.feed(from + 60, Input::SpeechStarted { at: at(from) });
        call.feed(
            from + 2200,
            Input::SpeechEnded {
                at: at(from + 2000),
            },
        );
        let mut garbled = heard("the necessary own uh seat a", from + 2000, true);
        garbled.words.iter_mut().for_each(|w| w.confidence = 0.3);
        let mut seen = call.feed(from + 2300, Input::Transcript(garbled));
        seen.extend(call.until(from + 4000));
        assert_eq!(seen, [said]);
        let id: u32 = said
            .rsplit(' ')
            .next()
            .expect("an id")
            .parse()
            .expect("a number");
        plays(&mut call, id, from + 4100);
    }
    assert!(call.turn.is_ended());
}

#[test]
fn c49_words_between_start_the_count_anew() {
    let mut call = Driver::greeted();
    mumbles(&mut call, 2000);
    plays(&mut call, 2, 7600);
    call.speak(10_000, 11_000, "I need a cleaning.");
    call.until(11_500);
    call.says(3, "Sure.");
    call.feed(11_600, Input::PlayoutStarted(UtteranceId(3)));
    call.feed(11_700, Input::ReplyFinished(UtteranceId(3)));
    call.feed(12_500, Input::PlayoutFinished(UtteranceId(3)));
    let seen = mumbles(&mut call, 14_000);
    assert!(
        seen.contains(&"say DidNotCatch(0) 4".to_owned()),
        "{seen:?}"
    );
}

#[test]
fn c50_coughs_do_not_start_the_wait_for_the_caller_anew() {
    let mut call = Driver::greeted();
    let mut seen = Vec::new();
    let mut said = 2;
    for from in (4000..80_000).step_by(6000) {
        let mut outputs = call.feed(from + 60, Input::SpeechStarted { at: at(from) });
        outputs.extend(call.feed(from + 500, Input::SpeechEnded { at: at(from + 300) }));
        let nothing = Input::Transcript(heard("", from + 300, true));
        outputs.extend(call.feed(from + 600, nothing));
        outputs.extend(call.until(from + 3000));
        let lines: Vec<String> = outputs
            .into_iter()
            .filter(|o| o.starts_with("say"))
            .collect();
        if !lines.is_empty() {
            seen.extend(lines);
            seen.extend(plays(&mut call, said, from + 3100));
            said += 1;
        }
        if call.turn.is_ended() {
            break;
        }
    }
    assert_eq!(
        seen,
        [
            "say AreYouThere(0) 2",
            "say AreYouThere(1) 3",
            "say AwayGoodbye 4",
            "end caller_away"
        ]
    );
}

#[test]
fn c50_a_short_noise_after_two_apologies_calls_nobody() {
    let mut call = Driver::greeted();
    mumbles(&mut call, 2000);
    plays(&mut call, 2, 7600);
    mumbles(&mut call, 10_000);
    plays(&mut call, 3, 15_600);
    call.feed(18_060, Input::SpeechStarted { at: at(18_000) });
    call.feed(18_900, Input::SpeechEnded { at: at(18_700) });
    call.feed(19_000, Input::Transcript(heard("", 18_700, true)));
    assert_eq!(call.until(29_000), [""; 0]);
    assert_eq!(
        call.until(29_200),
        ["say AreYouThere(0) 4"],
        "12 s after the agent's last word"
    );
}
