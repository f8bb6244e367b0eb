//! Numbers, names and addresses that come in groups.

use super::*;

/// Two stretches of speech with a gap between; what is committed until long after, and when.
fn in_groups(call: &mut Driver, groups: [&str; 2], gap: u64) -> Vec<(u64, String)> {
    let mut seen = committed(6300, &call.speak(5000, 6000, groups[0]));
    let again = 6000 + gap;
    seen.extend(call.commits(again + 60));
    let outputs = call.speak(again, again + 1000, groups[1]);
    seen.extend(committed(again + 1300, &outputs));
    seen.extend(call.commits(again + 8000));
    seen
}

const GROUPS: [[&str; 2]; 12] = [
    ["My number is 212.", "555 0123."],
    ["My number is 212", "555 0123."],
    ["My number is 212 555.", "0123."],
    ["212 555.", "0123."],
    ["It's XEH 123.", "456 789."],
    ["123 456 7890.", "12."],
    ["My last name is K O.", "W A L."],
    ["J-O-H-N.", "S-M-I-T-H."],
    ["john dot smith at.", "gmail dot com."],
    ["My number is double", "five five oh one two three four."],
    ["B as in Bravo, O as in.", "Oscar."],
    ["my e-mail is john underscore.", "smith at example dot org."],
];

#[test]
fn c01_c02_groups_with_pauses_of_speakers_who_dictate_are_one_turn() {
    for groups in GROUPS {
        for gap in [400, 800, 1800, 2300] {
            let mut call = Driver::greeted();
            call.feed(3000, Input::Timeout);
            let seen = in_groups(&mut call, groups, gap);
            let texts: Vec<&str> = seen.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(texts, [groups.join(" ")], "gap of {gap} ms");
        }
    }
}

#[test]
fn c01_a_group_that_only_the_question_tells_to_be_part_of_a_number_waits_for_the_rest() {
    let asked = [
        (
            "What is the best phone number to reach you?",
            ["212.", "555 0123."],
        ),
        (
            "What is your number? Please start with the area code.",
            ["415", "867 5309."],
        ),
        ("Could I have your member ID, please?", ["12345.", "678."]),
        ("Please spell your last name.", ["L.", "O P E Z."]),
        (
            "What is your e-mail address?",
            ["john smith", "at example dot com."],
        ),
        (
            "And your date of birth?",
            ["March third.", "Nineteen eighty five."],
        ),
        ("What is your zip code?", ["100", "12."]),
    ];
    for (question, groups) in asked {
        let mut call = Driver::asked(question);
        call.feed(5000, Input::Timeout);
        let seen = in_groups(&mut call, groups, 1800);
        let texts: Vec<&str> = seen.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, [groups.join(" ")], "{question}");
    }
}

#[test]
fn c01_a_complete_number_and_a_plain_answer_end_the_turn_after_the_minimum() {
    let asked = [
        (
            "What is the best phone number to reach you?",
            "212 555 0123.",
        ),
        (
            "What is the best phone number to reach you?",
            "I'd rather not say.",
        ),
        ("Shall I book it?", "Yes."),
        ("Monday or Tuesday?", "Tuesday."),
        ("What is your apartment number?", "212."),
        ("What is your zip code?", "10012."),
        (
            "What is your e-mail address?",
            "john dot smith at example dot com.",
        ),
        (
            "And your date of birth?",
            "March third nineteen eighty five.",
        ),
    ];
    for (question, answer) in asked {
        let mut call = Driver::asked(question);
        call.speak(6000, 7000, answer);
        assert_eq!(
            call.commits(9000),
            [(7500, answer.to_owned())],
            "{question}"
        );
    }
}

#[test]
fn c01_each_wait_has_an_end() {
    for groups in GROUPS {
        let mut call = Driver::greeted();
        call.speak(2000, 3000, groups[0]);
        let seen = call.commits(20_000);
        let (when, text) = seen.first().expect("a turn");
        assert_eq!(text, groups[0]);
        assert!((5000..=6000).contains(when), "{when}: {text}");
    }
}

#[test]
fn c01_the_groups_of_a_number_are_not_answered_one_by_one_in_thought() {
    let mut call = Driver::greeted();
    assert_eq!(call.speak(2000, 3000, "My number is 212."), ["finalize"]);
    assert!(call.until(4999).is_empty());
    assert_eq!(call.until(5000), ["speculate 2"]);
    assert_eq!(
        call.until(6000),
        ["commit \"My number is 212.\"", "release 2"]
    );
}

#[test]
fn c01_a_question_that_was_asked_again_is_still_open() {
    let mut call = Driver::asked("What is your phone number?");
    call.feed(6060, Input::SpeechStarted { at: at(6000) });
    call.feed(8200, Input::SpeechEnded { at: at(8000) });
    assert_eq!(call.until(11_000), ["say DidNotCatch(0) 3"]);
    call.says(3, "Sorry, I did not catch that. Could you say it again?");
    call.feed(11_100, Input::PlayoutStarted(UtteranceId(3)));
    call.feed(13_000, Input::PlayoutFinished(UtteranceId(3)));
    call.speak(14_000, 15_000, "212.");
    assert_eq!(call.commits(20_000), [(18_000, "212.".to_owned())]);
}

#[test]
fn c06_a_hesitation_in_any_spelling_gets_more_time() {
    for text in [
        "On Tuesday, ummm.",
        "It's, uhhhh",
        "Well, hmmmm.",
        "So, errr",
    ] {
        let mut call = Driver::greeted();
        call.speak(2000, 3000, text);
        assert_eq!(call.commits(6000), [(4750, text.to_owned())]);
    }
}

#[test]
fn c01_an_opening_on_another_pod_knows_what_was_asked() {
    let mut turn = TurnMachine::new(at(0), config(), Opening::Quiet, 3);
    turn.remember(&Phi::new("What is your phone number?".to_owned()));
    let mut call = Driver { turn, last: 0 };
    call.feed(100, Input::CallerActive);
    call.speak(1000, 2000, "212.");
    assert_eq!(call.commits(8000), [(5000, "212.".to_owned())]);
}
