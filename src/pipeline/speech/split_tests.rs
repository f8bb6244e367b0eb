//! Where sentences end, a character at a time and in one piece.

use super::{Sentence, SentenceSplitter};

/// Feeds `text` in pieces of `size` characters.
fn sentences(text: &str, size: usize) -> Vec<String> {
    let mut splitter = SentenceSplitter::default();
    let chars: Vec<char> = text.chars().collect();
    let mut found: Vec<Sentence> = chars
        .chunks(size)
        .flat_map(|piece| splitter.push(&piece.iter().collect::<String>()))
        .collect();
    found.extend(splitter.finish());
    found
        .into_iter()
        .map(|s| s.written.into_exposed())
        .collect()
}

/// Each line is a text; `|` is where it is cut.
fn assert_cut(lines: &[&str]) {
    for line in lines {
        let expected: Vec<&str> = line.split('|').map(str::trim).collect();
        let text = line.replace('|', " ");
        for size in [1, 2, 3, 7, 1000] {
            let found = sentences(&text, size);
            let found: Vec<String> = found
                .iter()
                .map(|s| s.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            assert_eq!(found, expected, "{text:?} in pieces of {size}");
        }
    }
}

#[test]
fn sentences_end_where_a_person_would_pause_whatever_the_pieces() {
    assert_cut(&[
        "Sure.|I can help!|Which day?",
        "It costs 4.50 today.|Fine?",
        "He said \"yes.\"|Then left.",
        "(We close at 5 p.m.)|Bye.",
        "Wait...|what?",
        "No end",
        "Really?!|Yes!!|Good…|now.",
        "It is 5.|Then 6.|It costs $5.|Next.",
        "On the 5th.|And then.",
    ]);
}

/// C13: hours, days and months in their short forms.
#[test]
fn short_forms_of_the_calendar_end_a_sentence_only_before_a_new_one() {
    assert_cut(&[
        "I have Tues., Dec. 3 at 10 a.m.|Would you like it?",
        "At 10 a.m. on Monday.|Good?",
        "Come at 9 a.m. Tuesday.|OK?",
        "Come at 5 p.m. EST.|Bring it.",
        "In the a.m. we do.",
        "We are open Mon.|Would Tues. work?",
        "On Mon. Dec. 3 we are.",
        "Jan. 8 works.",
        "It is closed in Dec.|You can come in Jan. or Feb. then.",
        "The cat sat.|Then it left.",
        "From Dec. 30-Jan. 2 we are closed.",
        "At 3 p. m. today.",
    ]);
}

/// C13: streets, titles, degrees, units and initials.
#[test]
fn short_forms_of_places_people_and_units_are_known() {
    assert_cut(&[
        "12 N. Main St. Ste. 4, near Rt. 9.|See you.",
        "I live on Main St.|Is that far?",
        "Go to St. Mary's Hospital.|It is near.",
        "Turn at Elm Ave.|Then go on.",
        "We are at 42 Oak Dr.|Is it far?",
        "Dr. Smith is in.|OK?",
        "On Monday Dr. Lee is out.",
        "Dr. J. Smith, e.g. today.",
        "Ph.D. Jones is here.",
        "She is a Ph.D.|Is that fine?",
        "I live in the U.S.|Do you?",
        "The U.S. Army.",
        "John Smith Jr. is in.",
        "It is 2 mi. from here.",
        "It is 5 ft. 4 in. tall.",
        "It takes 5 min.|The end.",
        "Come in.|Sit down.",
        "Call ext. 402.|Thanks.",
        "Apt. 3B is free.",
        "Pills, drops, etc.|We have all.",
        "I need a CT.|Where is it?",
    ]);
}

/// C13: "No." as an answer and before a number; single letters.
#[test]
fn an_answer_and_a_letter_end_a_sentence() {
    assert_cut(&[
        "No.|We are closed.",
        "No. 5 is your room.",
        "No.|5 p.m. is taken.",
        "No.|3 tablets are too many.",
        "It is room No. 5.|OK?",
        "I said no.|We left.",
        "Take vitamin D.|It helps.",
        "Your plan is B.|Would you like it?",
        "So do I.|Is it far?",
        "My name is J. Smith.",
        "That is S M I T H.|Is it right?",
    ]);
}

/// C13: the numbers of lists, with and without marks, on lines of their own and in one.
#[test]
fn the_numbers_of_a_list_end_no_sentence() {
    for (text, expected) in [
        (
            "Options:\n1. Monday\n2. Tuesday",
            vec!["Options:", "Monday", "Tuesday"],
        ),
        ("**1.** Monday\n**2.** Tuesday", vec!["Monday", "Tuesday"]),
        ("1) Monday\n2) Tuesday", vec!["Monday", "Tuesday"]),
        (
            "1\u{FE0F}\u{20E3} Monday\n2\u{FE0F}\u{20E3} Tuesday",
            vec!["Monday", "Tuesday"],
        ),
        (
            "Options: 1. Monday 2. Tuesday.",
            vec!["Options:", "1. Monday", "2. Tuesday."],
        ),
        ("- Monday\n* Tuesday", vec!["Monday", "Tuesday"]),
        ("How many? 5. Great.", vec!["How many?", "5.", "Great."]),
    ] {
        for size in [1, 4, 1000] {
            assert_eq!(
                sentences(text, size),
                expected,
                "{text:?} in pieces of {size}"
            );
        }
    }
}

/// A boundary waits for the next word only where that word decides.
#[test]
fn a_plain_sentence_is_given_out_with_its_space() {
    let mut splitter = SentenceSplitter::default();
    assert_eq!(splitter.push("It is open.").len(), 0);
    assert_eq!(splitter.push(" ").len(), 1);
    assert_eq!(splitter.push("It opens at 9 a.m. ").len(), 0);
    assert_eq!(splitter.push("W").len(), 0, "`Wednesday` would go on");
    assert_eq!(splitter.push("ould ").len(), 1);
    assert_eq!(splitter.push("you come at 9 a.m. o").len(), 0);
    assert_eq!(splitter.finish().len(), 1);
}

#[test]
fn a_sentence_without_end_is_cut_at_a_word() {
    let endless = "word ".repeat(100);
    let found = sentences(&endless, 5);
    assert!(found.len() > 1);
    assert!(found.iter().all(|s| s.len() <= 245 && s.ends_with("word")));
    let numbers = format!(
        "{}call 212 555 0123 now {}",
        "word ".repeat(45),
        "word ".repeat(45)
    );
    assert!(
        sentences(&numbers, 1)
            .iter()
            .any(|s| s.contains("212 555 0123"))
    );
    let solid = "x".repeat(2000);
    assert!(sentences(&solid, 9).iter().all(|s| s.len() <= 240));
}

/// C24: marks are taken out of what is written, meaning is not.
#[test]
fn markup_and_emoji_are_neither_written_nor_spoken() {
    let table = [
        (
            "**Great** news 😀: see [our page](https://x.test) - `now`",
            "Great news : see our page - now",
        ),
        (
            "Mail john_smith@example.com.",
            "Mail john_smith@example.com.",
        ),
        (
            "Press # when done, or * to start again.",
            "Press # when done, or * to start again.",
        ),
        ("Results < 5 are normal.", "Results < 5 are normal."),
        ("It is >= 5.", "It is >= 5."),
        ("It takes ~30 min.", "It takes ~30 min."),
        ("# Hours", "Hours"),
        ("> We are open.", "We are open."),
        ("| Monday | 9-5 |", "Monday, 9-5"),
        (
            "Call <b>now</b><br/>please <name>.",
            "Call now please <name>.",
        ),
        ("<speak>Hello<break time=\"9s\"/></speak>", "Hello"),
        (
            "Zero\u{200B}width and soft\u{AD}hyphen\u{7}.",
            "Zerowidth and softhyphen.",
        ),
        ("⏰ ℹ ▶ Now", "Now"),
        (
            r"Mail john\_smith@example.com \*now\*",
            "Mail john_smith@example.com *now*",
        ),
        ("Q&amp;A is &lt;5", "Q&A is <5"),
    ];
    for (raw, written) in table {
        let sentence = Sentence::new(raw).expect("text");
        assert_eq!(sentence.written.expose(), written);
    }
    assert!(Sentence::new("🎉 ***").is_none());
    assert!(Sentence::new("---").is_none());
}

/// C58: nothing of what the vendor would obey gets there; the word that was meant does.
#[test]
fn no_order_reaches_the_vendor() {
    for (raw, spoken) in [
        (
            r#"Take {"word": "Xarelto", "pronounce": "zəˈrɛltoʊ"} daily."#,
            "Take Xarelto daily.",
        ),
        ("Hello {name}.", "Hello name."),
        ("It is \\/a\\/ [pause] `x`.", "It is /a/ pause x."),
        ("A <break time=\"2s\"/> B", "A B"),
    ] {
        let sentence = Sentence::new(raw).expect("text");
        assert_eq!(sentence.spoken.expose(), spoken, "{raw:?}");
    }
}
