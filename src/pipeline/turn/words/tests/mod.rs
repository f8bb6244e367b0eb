use super::*;

mod dictation;

#[test]
fn listeners_sounds_are_backchannel_and_answers_are_not() {
    for text in [
        "uh-huh",
        "Mm hm.",
        "mm-hmm",
        "Hmm",
        "Oh.",
        "uh huh uh huh",
        "Mmmm.",
        "Mhm.",
        "Mm-hm.",
        "Uhhh-huhhh",
        "ummm",
        "Uh huh.",
        "Mmhmm.",
        "Ah.",
    ] {
        assert!(is_backchannel(text), "{text}");
    }
    for text in [
        "",
        "yes",
        "okay",
        "uh no",
        "stop",
        "mm tuesday",
        "Uh-uh.",
        "Nuh-uh",
        "mm-mm",
        "nope",
        "yep",
        "M.",
    ] {
        assert!(!is_backchannel(text), "{text}");
    }
}

#[test]
fn an_open_ending_waits_for_more() {
    for text in [
        "I'd like to book and",
        "because",
        "I want to come on",
        "On Tuesday, um",
        "On Tuesday, ummmm.",
        "So it's uhhhh",
        "First,",
        "Errrr.",
        "I need a cleaning \u{2014}",
        "Let me think, hmmm.",
        "sooo",
        "It was, well, uh...",
    ] {
        assert!(is_unfinished(text), "{text}");
    }
}

#[test]
fn a_closed_ending_does_not() {
    for text in [
        "",
        "I'd like to book a cleaning.",
        "Yes",
        "Tuesday at 10.",
        "I was born in 1984",
        "The code is D1110",
        "Can I come in?",
        "December 1",
        "Uh-uh.",
        "Mm-hmm.",
    ] {
        assert!(!is_unfinished(text), "{text}");
    }
}

#[test]
fn a_question_is_told_from_its_words() {
    let of = Question::of;
    assert_eq!(
        of("Thanks. What is the best phone number to reach you?"),
        Some(Question::Phone)
    );
    assert_eq!(
        of("What's your number? Please start with the area code."),
        Some(Question::Phone)
    );
    assert_eq!(of("Please tell me your member ID."), Some(Question::Id));
    assert_eq!(
        of("Could you spell your last name?"),
        Some(Question::Spelling)
    );
    assert_eq!(
        of("May I have your first and last name?"),
        Some(Question::FullName)
    );
    assert_eq!(of("And your date of birth?"), Some(Question::BirthDate));
    assert_eq!(of("What is your e-mail address?"), Some(Question::Email));
    assert_eq!(
        of("What are the last four digits of your card?"),
        Some(Question::Digits(4))
    );
    assert_eq!(of("What is your confirmation code?"), Some(Question::Code));
    assert_eq!(of("Monday or Tuesday?"), Some(Question::Other));
    assert_eq!(of("We open at nine."), None);
    assert_eq!(of(""), None);
    assert!(is_asking("I have Tuesday at ten. Shall I book it?"));
    assert!(!is_asking("Shall I look? Here is what I found."));
}

#[test]
fn c17_leave_is_taken_in_many_words_and_a_question_is_none_of_them() {
    for text in [
        "Bye.",
        "Okay, thank you, bye-bye.",
        "Thanks so much, you too.",
        "No that is all.",
        "Have a great day!",
        "See you Tuesday.",
        "Mm-hmm.",
        "Okay?",
    ] {
        assert!(is_farewell(text), "{text}");
    }
    for text in [
        "Wait, one more question.",
        "Actually, can I move it?",
        "Is that at ten?",
        "I need another appointment.",
        "Hello?",
        "Stop.",
    ] {
        assert!(!is_farewell(text), "{text}");
    }
    assert!(is_plea("wait") && is_plea("Oh, sorry, one more thing") && !is_plea("okay thanks"));
}

#[test]
fn c63_a_hello_is_told_from_a_wish() {
    for text in [
        "Hello?",
        "Hi.",
        "Hello, is anybody there?",
        "Hey, can you hear me?",
        "Good morning.",
        "Yes? Hello?",
    ] {
        assert!(is_hello(text), "{text}");
    }
    for text in [
        "Hi, I'd like to book.",
        "",
        "Tuesday",
        "Good morning, this is Maria.",
        "Yes.",
        "Yes, I am.",
    ] {
        assert!(!is_hello(text), "{text}");
    }
}

#[test]
fn c29_recordings_and_repetitions_are_told_by_their_words() {
    for text in [
        "Your call is important to us.",
        "Please leave a message after the tone.",
        "All of our agents are busy.",
        "Please hold.",
    ] {
        assert!(is_recording(text), "{text}");
    }
    assert!(!is_recording("I'd like to hold an appointment"));
    assert!(is_repeated(
        "We are sorry to keep you waiting for so long today.",
        "we are sorry to keep you waiting so long today",
        85
    ));
    assert!(!is_repeated(
        "Do you have anything on Monday morning?",
        "Do you have anything on Friday morning?",
        70
    ));
    assert!(!is_repeated(
        "Is three o'clock free?",
        "Is four o'clock free?",
        70
    ));
    assert!(!is_repeated(
        "Do you take Aetna at your clinic?",
        "Do you take Cigna at your clinic?",
        90
    ));
    assert!(!is_repeated("Yeah.", "yeah", 90));
}
