//! How long to wait after a text.

use Pause::{Dictating, Incomplete, Plain, Unfinished};

use super::*;

fn all(asked: Option<Question>, pause: Pause, texts: &[&str]) {
    for text in texts {
        assert_eq!(
            pause_after(text, asked),
            pause,
            "{text}, asked for {asked:?}"
        );
    }
}

#[test]
fn c01_numbers_in_groups_wait_for_the_next_group_with_or_without_a_full_stop() {
    all(
        None,
        Incomplete,
        &[
            "My number is 212.",
            "My number is 212",
            "My number is 212 555.",
            "My phone number is (212) 555",
            "It's, um, 212 dash",
            "You can reach me at 415.",
            "my cell is two one two",
            "My number is double",
            "Sure, my number is 212-555.",
            "555 01 double",
            "The area code is 212",
            "My number is 8 hundred",
            "My zip code is 100",
            "My callback number is 646 double five",
        ],
    );
    all(
        None,
        Dictating,
        &[
            "It's XEH 123.",
            "123 456 7890.",
            "212 555.",
            "212.",
            "It's four one five",
            "555 01",
            "XEH123456",
            "five five five oh one",
            "my member ID is XEH 123 456",
            "It's ABC 1234",
            "My group number is 00412",
            "two twelve five fifty five",
        ],
    );
    all(
        Some(Question::Phone),
        Incomplete,
        &["212.", "It's 212 555", "two one two", "Sure. 212.", "Um, 2"],
    );
    all(
        Some(Question::Id),
        Dictating,
        &["123 456 7890.", "XEH 123.", "W 1 2 3 4", "123456789"],
    );
    all(Some(Question::Id), Incomplete, &["XEH.", "It's W", "12"]);
    all(Some(Question::Digits(4)), Incomplete, &["12", "four two"]);
}

#[test]
fn c01_a_complete_number_is_answered_at_once() {
    all(
        None,
        Plain,
        &[
            "My number is 212 555 0123.",
            "My number is 415 867 5309",
            "555 0100",
            "My number is 1 800 222 1222.",
            "212-555-0123.",
            "My number is two one two five five five oh one two three",
            "My zip code is 10012.",
            "I was born in 1984",
            "The code is D1110",
            "Tuesday at 10.",
            "December 1",
            "at ten thirty",
            "March 3 1985",
            "The first one is fine.",
            "I live in apartment 212.",
            "My room number is 212",
            "Ten A.M.",
            "10 AM",
            "at 10 A M",
            "Can you call me at 10?",
            "Call me at two.",
            "I am 45",
            "My name is Maria Lopez, born March third nineteen eighty five.",
            "24 hours",
            "It's 3.5",
            "I take 50 mg",
            "Does my Blue Cross P P O plan cover a dental cleaning?",
            "covered by Aetna H M O?",
            "It's a P P O.",
            "Press 1",
            "It was in 2019.",
            "I need it at 2PM",
            "On the 3rd",
            "A1C",
            "I want vitamin B12",
        ],
    );
    all(
        Some(Question::Phone),
        Plain,
        &[
            "212 555 0123.",
            "+1 212-555-0123",
            "867 5309",
            "I'd rather not.",
            "Yes.",
            "Why do you need it?",
        ],
    );
    all(
        Some(Question::Other),
        Plain,
        &["212.", "Tuesday at 10", "Two.", "Yes.", "10:30"],
    );
    all(Some(Question::Short), Plain, &["212.", "It's 4", "4B"]);
    all(
        Some(Question::Digits(4)),
        Plain,
        &["4827", "four eight two seven"],
    );
}

#[test]
fn c02_spelled_names_and_addresses_wait_for_the_next_letter() {
    all(
        None,
        Incomplete,
        &[
            "john dot smith at.",
            "john dot smith at",
            "john dot",
            "It's john underscore.",
            "john dot smith at gmail",
            "john@gmail",
            "john dot smith at gmail dot.",
            "B as in",
            "T as in Tom, B as in.",
            "It's spelled J dash",
            "M-A-R as in",
            "j smith 42 at",
        ],
    );
    all(
        None,
        Dictating,
        &[
            "My last name is K O.",
            "J-O-H-N.",
            "It's J O H N",
            "My name is spelled L O P",
            "B as in Boy, O as in Oscar.",
            "K for kilo, M like Mary",
            "bravo oscar bravo",
            "It is L-O-P-E.",
            "double you, A",
            "john smith at.",
        ],
    );
    all(
        Some(Question::Spelling),
        Incomplete,
        &["K.", "It's K", "B as in boy"],
    );
    all(
        Some(Question::Spelling),
        Dictating,
        &[
            "K O",
            "L, O, P",
            "Sure. J-O-H-N",
            "Capital M, A, R",
            "double L, A",
        ],
    );
    all(
        Some(Question::Email),
        Incomplete,
        &["john dot smith", "john at gmail", "jsmith@gmail"],
    );
    all(
        Some(Question::Email),
        Dictating,
        &["john smith", "J S M I T H"],
    );
    all(
        Some(Question::FullName),
        Unfinished,
        &["Maria", "It's Maria."],
    );
}

#[test]
fn c02_a_complete_address_or_name_is_answered_at_once() {
    all(
        None,
        Plain,
        &[
            "john dot smith at gmail dot com",
            "john.smith@gmail.com.",
            "My last name is Lopez.",
            "Where are you at?",
            "I don't know where you're at.",
            "I like plan B.",
            "That's what I",
            "Okay.",
            "It's on the U.S. side.",
        ]
        .iter()
        .filter(|t| !t.ends_with(" I"))
        .copied()
        .collect::<Vec<_>>(),
    );
    all(
        Some(Question::Email),
        Plain,
        &[
            "I don't have one.",
            "No.",
            "it's j@x.org",
            "I'd like to come at noon",
        ],
    );
    all(
        Some(Question::FullName),
        Plain,
        &["Maria Lopez.", "Why?", "Yes."],
    );
}

#[test]
fn c06_a_pending_question_makes_an_unfinished_answer_wait_longer() {
    all(
        None,
        Dictating,
        &[
            "my date of birth is",
            "My member ID is",
            "My phone number is um",
        ],
    );
    all(
        Some(Question::Phone),
        Dictating,
        &["It's", "Sure, it's", "The number is.", "Uh, ummm"],
    );
    all(
        Some(Question::Phone),
        Unfinished,
        &["Let me see.", "Hold on."],
    );
    all(
        None,
        Unfinished,
        &["I want to come on", "On Tuesday, ummm."],
    );
    all(
        Some(Question::BirthDate),
        Incomplete,
        &["March", "March third nineteen", "It's in December."],
    );
    all(
        Some(Question::BirthDate),
        Dictating,
        &["March 3rd", "March third", "03 12", "12"],
    );
    all(
        Some(Question::BirthDate),
        Plain,
        &[
            "March 3rd 1985",
            "3/12/84",
            "03 12 1984",
            "March third nineteen eighty five",
            "I was born in 1984",
            "May fifth two thousand ten",
            "Why?",
        ],
    );
}

#[test]
fn c01_c02_neighbours_of_the_cases_are_judged_alike() {
    all(
        None,
        Incomplete,
        &[
            "My number's 212.",
            "Yeah it's area code 212.",
            "Call me at 212.",
            "You can call me at 212 555.",
            "my social is 123.",
            "555-0123 extension.",
            "The ID is W.",
            "maria dot lopez at yahoo.",
            "maria underscore lopez at hotmail dot.",
            "maria_lopez@",
            "The last name is O'Brien, O apostrophe B.",
            "Plus 1 212 dash",
            "my email is maria at.",
        ],
    );
    all(
        None,
        Dictating,
        &[
            "ID number 998877.",
            "It's 00412-A.",
            "R as in Robert.",
            "It's double seven.",
            "1-800",
            "212-555.",
            "my email is maria",
            "Maria, M A R I A.",
            "It's M-A-R-I-A.",
            "It's 1 800.",
            "My group number is.",
            "T as in Tom",
            "five twelve eighty four",
        ],
    );
    all(
        None,
        Plain,
        &[
            "Medicare Part B.",
            "You are number five.",
            "I'm number 12.",
            "I need a CBCT.",
            "I need an MRI.",
            "It's about 100.",
            "911",
            "Nine one one",
            "Should I call 9 1 1?",
            "10-12",
            "On 03-12-1984.",
            "2024-2025",
            "4 PM.",
            "Four thirty.",
            "10012-1234",
            "I need 2.",
            "Room 212.",
            "It's 212 Elm Street.",
            "Plan G",
            "Vitamin D",
            "1000mg",
            "Not at all.",
            "I have an HSA.",
            "I'm a Delta PPO member.",
        ],
    );
    all(
        Some(Question::Phone),
        Incomplete,
        &[
            "My number's 212.",
            "Its 5 5 5.",
            "plus one",
            "Plus 1 212.",
            "1-800",
            "212-555",
            "triple two",
        ],
    );
    all(
        Some(Question::Phone),
        Plain,
        &[
            "Medicare Part B.",
            "For a cleaning.",
            "Why?",
            "I have 2 kids.",
            "4 PM.",
            "212-555-0123 extension 4",
        ],
    );
    all(
        Some(Question::Email),
        Plain,
        &["For a cleaning.", "I think so.", "Why do you ask?"],
    );
}
