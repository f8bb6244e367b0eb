//! Words that models write where they mean nothing.

use crate::domain::fold::fold;

const NOTHING: [&str; 62] = [
    "",
    "any",
    "anything",
    "anyone",
    "anybody",
    "any time",
    "anytime",
    "any day",
    "any date",
    "any provider",
    "any doctor",
    "any dentist",
    "any practitioner",
    "any available",
    "anyone available",
    "first available",
    "no preference",
    "no preferences",
    "no particular",
    "none",
    "none given",
    "none provided",
    "null",
    "nil",
    "nan",
    "na",
    "n a",
    "no",
    "not applicable",
    "not available",
    "not given",
    "not known",
    "not mentioned",
    "not needed",
    "not provided",
    "not specified",
    "unspecified",
    "undefined",
    "unknown",
    "empty",
    "blank",
    "default",
    "optional",
    "tbd",
    "whatever",
    "either",
    "does not matter",
    "doesnt matter",
    "dont care",
    "string",
    "same",
    "the same",
    "same as caller",
    "same as caller id",
    "same number",
    "same as calling number",
    "the same number",
    "caller id",
    "caller number",
    "callers number",
    "this number",
    "current number",
];

/// Beginnings after which the caller's own number is meant: `the number they call from`.
const OWN_NUMBER: [&str; 8] = [
    "the number",
    "number",
    "the one",
    "same as the",
    "same as their",
    "same phone",
    "same number",
    "use the",
];

/// Whether a text stands for nothing at all.
pub(super) fn is_nothing(text: &str) -> bool {
    let folded = fold(text).replace('\'', "");
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let plain = words.join(" ");
    NOTHING.contains(&plain.as_str()) || is_own_number(&plain)
}

fn is_own_number(plain: &str) -> bool {
    let calls = [
        "calling from",
        "call from",
        "calls from",
        "calling with",
        "caller id",
        "caller number",
    ];
    OWN_NUMBER.iter().any(|begin| plain.starts_with(begin))
        && calls.iter().any(|end| plain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_nothing;

    #[test]
    fn words_for_nothing_are_nothing_and_others_are_not() {
        for text in [
            "",
            "  ",
            "any",
            "Any.",
            "NONE",
            "None",
            "null",
            "N/A",
            "n.a.",
            "no preference",
            "Same as caller",
            "the number I'm calling from",
            "same as the number they are calling from",
            "-",
            "...",
            "doesn't matter",
            "<unknown>",
            "[not provided]",
            "first available",
        ] {
            assert!(is_nothing(text), "{text}");
        }
        for text in [
            "Anna",
            "morning",
            "0",
            "Dr. Nolan",
            "nonesuch",
            "number 4",
            "sore gums",
            "K7M2",
            "2026-12-01",
            "the number on file",
        ] {
            assert!(!is_nothing(text), "{text}");
        }
    }
}
