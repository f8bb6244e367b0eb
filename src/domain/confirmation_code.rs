//! Confirmation codes: what a caller notes down by ear and says again from paper, over a telephone line.

/// Of letters that sound alike (B C D E G P T V Z, M N, F S X, A H J K, Q U, I Y) at most one, and none that looks like a digit.
const LETTERS: &[u8; 8] = b"KLMRTWXY";
/// Neither 0, 1 (letters in writing) nor 9 (a five on a bad line).
const DIGITS: &[u8; 7] = b"2345678";
/// Letters and digits alternate, a letter first: no word can arise, nor a number. 8⁴ · 7³ are 1,404,928 codes (before: 32⁴, 1,048,576).
const LENGTH: usize = 7;
/// Codes that were given out before have so many characters.
const OLD_LENGTH: usize = 4;

/// Sounds and shapes that are taken for each other; the first stands for all of its kind.
const ALIKE: [&str; 8] = ["TBCDEGPVZ", "MN", "XFS", "KAHJ", "WQU", "YI1", "O0", "59"];

/// A new code. `pick(n)` is a random number below `n`.
#[must_use]
pub fn new_code(mut pick: impl FnMut(usize) -> usize) -> String {
    let characters = (0..LENGTH).map(|place| {
        let set: &[u8] = if place.is_multiple_of(2) {
            LETTERS
        } else {
            DIGITS
        };
        char::from(set[pick(set.len())])
    });
    characters.collect()
}

/// A code as a person or a model writes or spells it: `k7-m2 r4t`, `K, seven, M, two, ...`, `T as in Tom`. `None` if it has not a code's length.
#[must_use]
pub fn parse_code(text: &str) -> Option<String> {
    let has_length = |code: &String| [LENGTH, OLD_LENGTH].contains(&code.len());
    let written: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let written = Some(written.to_ascii_uppercase()).filter(has_length);
    // Four letters may be a code of before; seven may be the words "oh" and "seven".
    let is_plain = |code: &String| code.len() == OLD_LENGTH || is_code(code);
    written
        .clone()
        .filter(is_plain)
        .or_else(|| spelled(text).filter(has_length))
        .or(written)
}

/// What is left of a code if everything that sounds or looks alike is the same: equal for what a caller means and what was heard. It does not tell two
/// codes of the same patient apart for certain, and is no proof of anything: compare it only among the bookings of a patient who is identified otherwise.
#[must_use]
pub fn tolerant_code(code: &str) -> String {
    let alike = |c: char| {
        let kind = ALIKE.iter().find(|kind| kind.contains(c));
        kind.and_then(|kind| kind.chars().next()).unwrap_or(c)
    };
    code.to_ascii_uppercase().chars().map(alike).collect()
}

/// `K, seven, M, two, R, four, T`: with pauses, for a synthesiser.
#[must_use]
pub fn spoken_code(code: &str) -> String {
    let sounds = code.chars().map(|c| match c.to_digit(10) {
        Some(digit) => DIGIT_WORDS[digit as usize].to_owned(),
        None => c.to_string(),
    });
    sounds.collect::<Vec<_>>().join(", ")
}

fn is_code(code: &str) -> bool {
    let place = |(place, c): (usize, u8)| {
        if place % 2 == 0 {
            c.is_ascii_alphabetic()
        } else {
            c.is_ascii_digit()
        }
    };
    code.len() == LENGTH && code.bytes().enumerate().all(place)
}

const DIGIT_WORDS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

/// Names of letters and digits, as recognisers write them.
const NAMES: [(&str, &str); 37] = [
    ("oh", "0"),
    ("to", "2"),
    ("too", "2"),
    ("for", "4"),
    ("ate", "8"),
    ("niner", "9"),
    ("ay", "A"),
    ("bee", "B"),
    ("be", "B"),
    ("cee", "C"),
    ("see", "C"),
    ("sea", "C"),
    ("dee", "D"),
    ("ee", "E"),
    ("ef", "F"),
    ("eff", "F"),
    ("gee", "G"),
    ("aitch", "H"),
    ("eye", "I"),
    ("jay", "J"),
    ("kay", "K"),
    ("okay", "K"),
    ("el", "L"),
    ("ell", "L"),
    ("em", "M"),
    ("en", "N"),
    ("pee", "P"),
    ("queue", "Q"),
    ("cue", "Q"),
    ("ar", "R"),
    ("are", "R"),
    ("ess", "S"),
    ("tee", "T"),
    ("tea", "T"),
    ("you", "U"),
    ("ex", "X"),
    ("why", "Y"),
];

fn spelled(text: &str) -> Option<String> {
    let lower = text.to_lowercase().replace("double-", "double ");
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut code = String::new();
    let mut place = 0;
    while let Some(word) = words.get(place) {
        place += match (*word, words.get(place + 1).copied()) {
            // "T as in Tom", "T like Tom": the example is no part of the code.
            ("as", Some("in")) => 3,
            ("like", _) => 2,
            ("dash" | "hyphen" | "and" | "then" | "space", _) => 1,
            ("double", Some("u" | "you")) => {
                code.push('W');
                2
            }
            _ => {
                code.push_str(&sound(word)?);
                1
            }
        };
    }
    Some(code)
}

fn sound(word: &str) -> Option<String> {
    if let Some(digit) = DIGIT_WORDS.iter().position(|known| *known == word) {
        return Some(digit.to_string());
    }
    if let Some((_, letter)) = NAMES.iter().find(|(name, _)| *name == word) {
        return Some((*letter).to_owned());
    }
    let is_piece = word.len() == 1 || word.bytes().any(|c| c.is_ascii_digit());
    (is_piece && word.is_ascii()).then(|| word.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    /// C05, B1, C46.
    #[test]
    fn no_code_is_a_word_or_a_number_and_no_two_of_its_sounds_are_alike() {
        let mut rng = StdRng::seed_from_u64(9);
        for _ in 0..100_000 {
            let code = new_code(|below| rng.random_range(0..below));
            assert!(is_code(&code), "{code}");
        }
        let kinds: BTreeSet<String> = LETTERS
            .iter()
            .chain(DIGITS)
            .map(|c| tolerant_code(&char::from(*c).to_string()))
            .collect();
        assert_eq!(kinds.len(), LETTERS.len() + DIGITS.len());
        let vowels = LETTERS.iter().filter(|c| b"AEIOU".contains(c));
        assert_eq!(vowels.count(), 0);
    }

    #[test]
    fn every_code_has_a_sound_of_its_own() {
        let all = |place: usize, set: &'static [u8]| {
            let codes = set.iter().map(move |c| {
                let mut places = [0; LENGTH].iter();
                let code = new_code(|_| *places.next().expect("a place"));
                let mut bytes = code.into_bytes();
                bytes[place] = *c;
                String::from_utf8(bytes).expect("ascii")
            });
            codes.collect::<Vec<_>>()
        };
        for place in 0..LENGTH {
            let set: &'static [u8] = if place % 2 == 0 { LETTERS } else { DIGITS };
            let sounds: BTreeSet<String> = all(place, set)
                .iter()
                .map(|code| tolerant_code(code))
                .collect();
            assert_eq!(sounds.len(), set.len());
        }
    }

    #[test]
    fn a_code_is_read_as_callers_and_models_write_it() {
        for text in [
            "K7M2R4T",
            "k7m2r4t",
            " K7-M2 R4T. ",
            "K, seven, M, two, R, four, T",
            "kay seven em two ar four tee",
            "K as in kite, 7, M as in Mary, 2, R 4 T like Tom",
            "k 7 m too r for t",
        ] {
            assert_eq!(parse_code(text).as_deref(), Some("K7M2R4T"), "{text}");
        }
        assert_eq!(
            parse_code("double u two ex three why four el").as_deref(),
            Some("W2X3Y4L")
        );
        assert_eq!(parse_code("KXQP").as_deref(), Some("KXQP"), "of before");
        assert_eq!(parse_code("four two k x").as_deref(), Some("42KX"));
        for text in ["", "K7M", "K7M2R4T9", "the one from last week", "no code"] {
            assert_eq!(parse_code(text), None, "{text}");
        }
    }

    #[test]
    fn what_the_line_blurs_is_the_same_and_nothing_else_is() {
        for (meant, heard) in [
            ("T7M2R4T", "B7N2R4P"),
            ("T7M2R4T", "D7M2R4C"),
            ("X5K2Y3L", "S9A2I3L"),
            ("X5K2Y3L", "F5J213L"),
            ("W2W3W4W", "U2Q3W4W"),
            ("BDPT", "TTTT"),
            ("2O01", "200I"),
        ] {
            assert_eq!(tolerant_code(meant), tolerant_code(heard), "{heard}");
        }
        for (meant, other) in [("K7M2R4T", "K7M2R3T"), ("K7M2R4T", "L7M2R4T")] {
            assert_ne!(tolerant_code(meant), tolerant_code(other));
        }
    }

    #[test]
    fn a_code_is_spelled_with_pauses() {
        assert_eq!(spoken_code("K7M2R4T"), "K, seven, M, two, R, four, T");
        assert_eq!(spoken_code("2026"), "two, zero, two, six");
    }
}
