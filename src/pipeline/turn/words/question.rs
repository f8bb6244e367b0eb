//! What is asked for, or announced: told from the words of a question or of a beginning answer.

use super::forms::padded;

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline::turn) enum Question {
    /// A telephone number.
    Phone,
    /// A member's, group's or account's number, of unknown length.
    Id,
    /// A code of this clinic.
    Code,
    /// So many digits.
    Digits(usize),
    /// A name, letter by letter.
    Spelling,
    /// A first and a last name.
    FullName,
    /// A name.
    Name,
    /// An e-mail address.
    Email,
    /// A date with its year.
    BirthDate,
    /// A short number: of a house, of years, of persons.
    Short,
    /// Something else.
    Other,
}

/// Words and what they ask for; the first that is found counts.
const SUBJECTS: [(&[&str], Question); 11] = [
    (&["email", "e mail", "mail address"], Question::Email),
    (
        &[
            "date of birth",
            "birth date",
            "birthdate",
            "birthday",
            "dob",
            "d o b",
            "born",
            "birth",
        ],
        Question::BirthDate,
    ),
    (&["last four", "last 4", "final four"], Question::Digits(4)),
    (
        &["zip", "zip code", "zipcode", "postal code", "post code"],
        Question::Digits(5),
    ),
    (
        &["spell", "spelled", "spelt", "spelling", "letter by letter"],
        Question::Spelling,
    ),
    (
        &[
            "id",
            "i d",
            "ids",
            "identification",
            "member number",
            "membership number",
            "subscriber",
            "subscriber number",
            "policy number",
            "group number",
            "medicare number",
            "medicaid number",
            "account number",
            "claim number",
            "reference number",
            "case number",
            "card number",
            "insurance card",
            "insurance number",
            "social security",
            "social",
            "license number",
        ],
        Question::Id,
    ),
    (
        &["code is", "confirmation", "booking code", "code"],
        Question::Code,
    ),
    (
        &[
            "apartment",
            "unit",
            "suite",
            "how many",
            "how old",
            "age",
            "weight",
            "weigh",
            "height",
            "room",
            "floor",
            "house number",
            "street number",
            "years old",
        ],
        Question::Short,
    ),
    (
        &[
            "phone",
            "telephone",
            "cell",
            "cellphone",
            "mobile",
            "callback",
            "call back",
            "call you",
            "call me",
            "reach you",
            "reach me",
            "text me",
            "contact number",
            "best number",
            "my number",
            "your number",
            "the number",
            "a number",
            "what number",
            "which number",
            "number is",
            "numbers",
            "digits",
            "fax",
        ],
        Question::Phone,
    ),
    (
        &[
            "full name",
            "first and last",
            "name and last name",
            "first name and last",
        ],
        Question::FullName,
    ),
    (
        &[
            "name",
            "names",
            "surname",
            "who am i speaking",
            "whom am i speaking",
        ],
        Question::Name,
    ),
];

impl Question {
    /// What the last words of the agent ask for; none if they ask for nothing.
    pub(in crate::pipeline::turn) fn of(agent: &str) -> Option<Self> {
        let sentences = sentences(agent);
        let last: Vec<&str> = sentences.iter().rev().take(2).copied().collect();
        let asking = last.iter().find(|s| is_request(s))?;
        Some(Self::in_text(asking).unwrap_or(Self::Other))
    }

    /// What the words are about.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        let text = padded(text);
        // "An area code" is part of a telephone number, no code of ours.
        let text = text.replace(" area code ", " phone ").replace("'s ", " ");
        SUBJECTS
            .iter()
            .find(|(words, _)| has_any(&text, words))
            .map(|(_, subject)| *subject)
    }

    /// Whether the answer takes long to tell, so that a speaker pauses in it.
    pub(super) fn is_long(self) -> bool {
        !matches!(self, Self::Short | Self::Other | Self::Name)
    }
}

/// Whether the last sentence waits for an answer.
pub(in crate::pipeline::turn) fn is_asking(agent: &str) -> bool {
    sentences(agent).last().is_some_and(|s| is_request(s))
}

/// A question, or an order to tell something.
fn is_request(sentence: &str) -> bool {
    let orders = [
        "tell me",
        "give me",
        "please say",
        "please spell",
        "please repeat",
        "spell",
        "go ahead",
        "i need your",
        "i will need",
        "i'll need",
        "let me have",
        "let me know",
        "may i have",
        "can i have",
        "please enter",
    ];
    sentence.contains('?') || has_any(&padded(sentence), &orders)
}

fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(['.', '?', '!'])
        .map(str::trim)
        .filter(|s| s.chars().any(char::is_alphanumeric))
        .collect()
}

/// Whether one of the phrases stands in the [padded] text as whole words.
pub(super) fn has_any(padded: &str, phrases: &[&str]) -> bool {
    phrases
        .iter()
        .any(|phrase| padded.contains(&format!(" {phrase} ")))
}
