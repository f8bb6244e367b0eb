//! A listener's sounds, answers, and the agent's own voice.

use super::*;

/// The caller's voice over the end of the agent's words, which are over at 8600 ms.
fn over_the_end(question: &str, text: &str) -> Vec<(u64, String)> {
    let mut call = Driver::answered(question);
    call.feed(8060, Input::SpeechStarted { at: at(8000) });
    let mut seen = call.until(8300);
    seen.extend(call.feed(8450, Input::SpeechEnded { at: at(8350) }));
    let last = Input::Transcript(heard(text, 8350, true));
    seen.extend(call.feed(8500, last));
    let mut commits = committed(8500, &seen);
    if !seen.contains(&"stop".to_owned()) {
        call.feed(8600, Input::PlayoutFinished(UtteranceId(2)));
    }
    commits.extend(call.commits(12_000));
    commits
}

#[test]
fn c27_a_listeners_sound_at_the_end_of_a_question_answers_it() {
    for text in [
        "Mm-hmm.", "Uh-huh.", "Mhm.", "Mm-hm", "Uh huh.", "Uh-uh.", "Nope.", "Yep.", "Yeah.",
        "Yes.",
    ] {
        let seen = over_the_end("I have Tuesday at ten. Shall I book it?", text);
        assert_eq!(seen.len(), 1, "{text}: {seen:?}");
        assert_eq!(seen[0].1, text);
        assert!(seen[0].0 <= 9000, "{seen:?}");
    }
}

#[test]
fn c27_a_listeners_sound_after_the_question_answers_it() {
    for text in ["Mm-hmm.", "Uh-huh.", "Uh-uh.", "Yep."] {
        let mut call = Driver::asked("Shall I book it?");
        call.speak(6000, 6400, text);
        assert_eq!(call.commits(9000), [(6900, text.to_owned())]);
    }
}

#[test]
fn c27_a_listeners_sound_in_the_middle_lets_the_agent_go_on_and_is_no_turn_later() {
    for text in ["Mm-hmm.", "Uh-huh.", "Yeah.", "Yep.", "Right.", "I see."] {
        let mut call = Driver::answered("We have an opening on Tuesday at ten with Doctor Okafor.");
        let seen = call.speak(5000, 5400, text);
        assert_eq!(seen, ["pause", "finalize", "resume"], "{text}");
        assert!(call.until(7900).is_empty());
        call.feed(8000, Input::PlayoutFinished(UtteranceId(2)));
        assert!(call.commits(19_000).is_empty(), "{text}");
    }
}

#[test]
fn c27_a_no_in_the_middle_claims_the_floor() {
    for text in ["Uh-uh.", "Nope.", "No.", "Stop."] {
        let mut call = Driver::answered("We have an opening on Tuesday at ten with Doctor Okafor.");
        let seen = call.speak(5000, 5400, text);
        assert!(seen.contains(&"stop".to_owned()), "{text}: {seen:?}");
    }
}

#[test]
fn c27_a_yes_to_a_question_that_the_agent_talks_on_behind_is_an_answer() {
    let mut call = Driver::answered("Does Tuesday work? Otherwise I can look for another day.");
    let seen = call.speak(5000, 5400, "Yeah.");
    assert!(seen.contains(&"stop".to_owned()), "{seen:?}");
}

const OFFER: &str = "I have Tuesday at ten or Wednesday at noon.";

/// The agent's words come back from the caller's phone.
fn echo_over(text: &str, heard_text: &str) -> Vec<String> {
    let mut call = Driver::answered(text);
    let mut seen = call.feed(5560, Input::SpeechStarted { at: at(5500) });
    seen.extend(call.until(6000));
    let interim = heard(heard_text, 5950, false);
    seen.extend(call.feed(6000, Input::Transcript(interim)));
    seen.extend(call.feed(6200, Input::SpeechEnded { at: at(6000) }));
    let last = heard(heard_text, 6000, true);
    seen.extend(call.feed(6300, Input::Transcript(last)));
    seen.extend(call.until(7900));
    seen
}

#[test]
fn c28_the_agents_own_words_do_not_interrupt_it() {
    for text in [
        "I have Tuesday at ten or",
        "have Tuesday at",
        "Tuesday at 10 or Wednesday",
        "i have tuesday at ten are wednesday",
    ] {
        let seen = echo_over(OFFER, text);
        assert_eq!(seen, ["pause", "finalize", "resume"], "{text}");
    }
    let clock = "We open at 9:00 on Monday and close at five.";
    assert_eq!(
        echo_over(clock, "open at nine on monday"),
        ["pause", "finalize", "resume"]
    );
}

#[test]
fn c28_an_echo_is_no_turn_when_the_agent_has_ended_meanwhile() {
    let mut call = Driver::answered(OFFER);
    call.feed(6560, Input::SpeechStarted { at: at(6500) });
    call.feed(6600, Input::PlayoutFinished(UtteranceId(2)));
    call.feed(7400, Input::SpeechEnded { at: at(6900) });
    let echo = heard("or Wednesday at noon.", 6900, true);
    call.feed(7500, Input::Transcript(echo));
    let seen = call.until(15_000);
    assert_eq!(seen, [""; 0], "neither a turn nor an apology");
}

#[test]
fn c28_the_callers_words_behind_an_echo_are_the_callers() {
    let mut call = Driver::answered(OFFER);
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    call.until(5800);
    let both = heard(
        "I have Tuesday at ten or Wednesday that is too late",
        5900,
        false,
    );
    let seen = call.feed(5900, Input::Transcript(both));
    assert_eq!(seen, ["stop", "cancel 2"]);
    let both = heard("I have Tuesday at ten or that is too late.", 6500, true);
    call.feed(6700, Input::SpeechEnded { at: at(6500) });
    call.feed(6800, Input::Transcript(both));
    assert_eq!(call.commits(8000)[0].1, "that is too late.");
}

#[test]
fn c28_a_caller_who_answers_in_the_agents_words_is_heard() {
    // After the end, at once after it, and into the end.
    for (from, to) in [(6000, 6500), (5100, 5600)] {
        let mut call = Driver::asked("Would you like Monday or Tuesday?");
        call.speak(from, to, "Tuesday.");
        assert_eq!(call.commits(9000), [(to + 500, "Tuesday.".to_owned())]);
    }
    for text in ["Tuesday.", "Tuesday at ten."] {
        let mut call = Driver::asked("I have Tuesday at ten or Wednesday at noon. Which one?");
        call.speak(5900, 6500, text);
        assert_eq!(call.commits(9000), [(7000, text.to_owned())]);
    }
    let mut call = Driver::answered(OFFER);
    let seen = call.speak(5600, 6100, "Wednesday.");
    assert!(seen.contains(&"stop".to_owned()), "{seen:?}");
    for text in ["Stop.", "Wait.", "No."] {
        let mut call = Driver::answered("You can wait, stop by, or say no.");
        let seen = call.speak(5000, 5400, text);
        assert!(seen.contains(&"stop".to_owned()), "{text}: {seen:?}");
    }
}

#[test]
fn c28_one_word_of_which_no_final_comes_was_the_callers() {
    let mut call = Driver::answered(OFFER);
    call.feed(5060, Input::SpeechStarted { at: at(5000) });
    call.until(5300);
    let interim = heard("Tuesday", 5300, false);
    assert!(call.feed(5350, Input::Transcript(interim)).is_empty());
    call.feed(5600, Input::SpeechEnded { at: at(5400) });
    assert_eq!(call.until(6600), ["stop", "cancel 2"]);
    assert_eq!(call.commits(9000), [(8400, "Tuesday".to_owned())]);
}

#[test]
fn c28_an_echo_that_grows_word_by_word_does_not_interrupt() {
    let mut call =
        Driver::answered("I have Tuesday at ten or Wednesday at noon. Which one do you want?");
    let mut seen = call.feed(4560, Input::SpeechStarted { at: at(4500) });
    for (ms, text) in [
        (5000, "I have"),
        (5400, "I have Tuesday at"),
        (5900, "I have Tuesday at ten"),
    ] {
        seen.extend(call.until(ms));
        seen.extend(call.feed(ms, Input::Transcript(heard(text, ms - 100, false))));
    }
    seen.extend(call.until(6200));
    seen.extend(call.feed(6200, Input::SpeechEnded { at: at(6000) }));
    let last = heard("I have Tuesday at ten or", 6000, true);
    seen.extend(call.feed(6300, Input::Transcript(last)));
    seen.extend(call.until(6900));
    assert_eq!(seen, ["pause", "finalize", "resume"]);
}

#[test]
fn c27_a_listeners_sound_that_is_understood_before_its_end_lets_the_agent_go_on_at_its_end() {
    let mut call = Driver::answered("Shall I book Tuesday at ten?");
    call.feed(5260, Input::SpeechStarted { at: at(5200) });
    call.until(5700);
    call.feed(5700, Input::Transcript(heard("Mm-hmm.", 5600, true)));
    call.feed(5800, Input::SpeechEnded { at: at(5600) });
    assert_eq!(call.until(5800), [""; 0]);
    call.feed(6000, Input::PlayoutFinished(UtteranceId(2)));
    assert_eq!(call.commits(7000), [(6100, "Mm-hmm.".to_owned())]);
}
