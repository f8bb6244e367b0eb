//! Voices that never listen: announcements, mailboxes, the same sentence again and again.

use super::*;

/// The same text each 20 s; the agent answers at once. What was done in the end, and how many answers there were.
fn hears_again(texts: &[&str]) -> (usize, Vec<String>) {
    let mut call = Driver::greeted();
    let (mut answers, mut rest) = (0, Vec::new());
    let mut next = 2;
    for (nth, text) in texts.iter().enumerate() {
        let from = 5000 + 20_000 * nth as u64;
        rest = call.speak(from, from + 4000, text);
        rest.extend(call.until(from + 8000));
        let said = rest
            .iter()
            .filter_map(|o| o.rsplit(' ').next()?.parse().ok());
        next = said.max().unwrap_or(next);
        let is_answered = rest
            .iter()
            .any(|o| o.starts_with("reply") || o.starts_with("release"));
        call.feed(from + 8000, Input::PlayoutStarted(UtteranceId(next)));
        call.feed(from + 8100, Input::ReplyFinished(UtteranceId(next)));
        rest.extend(call.feed(from + 9000, Input::PlayoutFinished(UtteranceId(next))));
        answers += usize::from(is_answered);
        if call.turn.is_ended() {
            break;
        }
    }
    (answers, rest)
}

#[test]
fn c29_an_announcement_without_end_is_answered_twice_and_then_left() {
    let announcements = [
        "Thank you for holding. Your call is important to us. Please stay on the line.",
        "Please leave a message after the tone.",
        "All of our representatives are busy at the moment.",
        "Please hold.",
    ];
    for text in announcements {
        let (answers, rest) = hears_again(&[text; 30]);
        assert_eq!(answers, 2, "{text}");
        assert!(
            rest.iter().any(|o| o.starts_with("say Recording")),
            "{rest:?}"
        );
        assert_eq!(rest.last().map(String::as_str), Some("end caller_away"));
    }
}

#[test]
fn c29_announcements_that_take_turns_are_known_as_well() {
    let texts = [
        "Your call is important to us.",
        "Did you know that you can find us on the internet?",
        "All of our agents are busy.",
        "You can find us on the internet, did you know?",
        "Please stay on the line.",
    ];
    let (answers, rest) = hears_again(&texts);
    assert_eq!(answers, 4);
    assert!(rest.contains(&"end caller_away".to_owned()), "{rest:?}");
}

#[test]
fn c29_somebody_who_says_the_same_again_and_again_gets_a_person() {
    let (answers, rest) = hears_again(&["I need to talk about my last bill."; 30]);
    assert_eq!(answers, 2);
    assert!(
        rest.iter().any(|o| o.starts_with("say SameAgain")),
        "{rest:?}"
    );
    assert_eq!(rest.last().map(String::as_str), Some("end failed"));
}

#[test]
fn c29_people_may_say_short_answers_often_and_ask_alike_questions() {
    for texts in [
        vec!["Yes."; 12],
        vec!["Yes, that is right."; 4],
        vec!["Okay, thank you."; 12],
        vec![
            "Is Monday at ten free by any chance?",
            "Is Tuesday at ten free by any chance?",
            "Is Friday at ten free by any chance?",
            "Is Sunday at ten free by any chance?",
        ],
        vec![
            "Can you say that again, please?",
            "Do you have anything on Thursday?",
            "Can you say that again, please?",
            "What is it like?",
            "Can you say that again, please?",
        ],
    ] {
        let (answers, rest) = hears_again(&texts);
        assert_eq!(answers, texts.len(), "{texts:?}: {rest:?}");
    }
}

#[test]
fn c29_numbers_that_are_typed_again_and_again_are_no_recording() {
    let mut call = Driver::greeted();
    for nth in 0..6 {
        let from = 5000 + 5000 * nth;
        call.feed(from, Input::Dtmf('1'));
        let seen = call.feed(from + 100, Input::Dtmf('#'));
        let mut seen: Vec<String> = seen.into_iter().chain(call.until(from + 1000)).collect();
        let id = seen.pop().and_then(|o| o.rsplit(' ').next()?.parse().ok());
        let id = UtteranceId(id.expect("an answer"));
        call.feed(from + 1100, Input::PlayoutStarted(id));
        call.feed(from + 1200, Input::ReplyFinished(id));
        call.feed(from + 2000, Input::PlayoutFinished(id));
        assert!(!call.turn.is_ended() && !call.turn.is_closing());
    }
}

#[test]
fn c29_a_voice_without_a_breath_does_not_keep_the_call_for_ever() {
    let mut call = Driver::greeted();
    call.feed(2060, Input::SpeechStarted { at: at(2000) });
    let seen = call.until(64_000);
    assert_eq!(seen, ["say DidNotCatch(0) 2"], "after a minute");
}

#[test]
fn c29_who_hears_no_answer_may_say_it_again() {
    let mut call = Driver::greeted();
    for nth in 0..6 {
        let from = 5000 + 2000 * nth;
        call.speak(from, from + 1000, "I need to talk about my last bill.");
        let seen = call.commits(from + 1600);
        assert_eq!(seen.len(), 1);
        assert!(!call.turn.is_closing() && !call.turn.is_ended());
    }
}
