//! People's names: as they are stored, as they compare, and which are none.
//!
//! Two forms of one name ([`Likeness::Same`]) differ in accents, case, order, hyphens, titles and suffixes only. A name that is merely near
//! ([`Likeness::Near`]) is a reason to ask, never a proof of who somebody is.

mod compare;
mod placeholder;
mod spelled;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

pub use self::compare::{Likeness, index_key, likeness};
use super::fold::fold;

/// Longer is not a name.
const MAX_CHARS: usize = 100;

/// Why a text is not taken as a person's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// No name at all, or signs that no name has.
    #[error("not a name")]
    NotAName,
    /// What stands in forms where a name should be.
    #[error("a placeholder")]
    Placeholder,
    /// Letters one by one, and nothing tells where one name ends and the next begins.
    #[error("spelled without a break")]
    SpelledWithoutBreak,
}

/// Words before a name that are not part of it.
const TITLES: [&str; 26] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "mister",
    "missus",
    "dr",
    "doctor",
    "prof",
    "professor",
    "sir",
    "madam",
    "maam",
    "rev",
    "reverend",
    "senor",
    "senora",
    "senorita",
    "sra",
    "srta",
    "herr",
    "frau",
    "monsieur",
    "madame",
    "hon",
];

/// Words after a name that tell generations apart. The birth date does so, too.
const SUFFIXES: [&str; 13] = [
    "jr", "sr", "junior", "senior", "ii", "iii", "iv", "2nd", "3rd", "4th", "5th", "second",
    "third",
];

/// Words after a name that tell a profession.
const CREDENTIALS: [&str; 8] = ["md", "phd", "dds", "dmd", "esq", "esquire", "rn", "jd"];

/// A name as it is stored: written out, first name first, without titles. Names of one word and of every script are taken.
///
/// # Errors
/// [`NameProblem`].
pub fn clean(text: &str) -> Result<String, NameProblem> {
    let text = tidy(text);
    if text.chars().count() > MAX_CHARS {
        return Err(NameProblem::NotAName);
    }
    if placeholder::is_one(&text) {
        return Err(NameProblem::Placeholder);
    }
    let words = spelled::join(first_name_first(&text)?)?;
    let words = without_titles(words);
    let name = words.join(" ");
    if !words.iter().all(|word| is_word(word)) || !has_letters(&name) {
        return Err(NameProblem::NotAName);
    }
    if placeholder::is_one(&name) {
        return Err(NameProblem::Placeholder);
    }
    Ok(name)
}

/// One form of dashes, quotes and spaces; letters and their marks together.
fn tidy(text: &str) -> String {
    let plain: String = text
        .nfc()
        .filter(|c| {
            !matches!(
                c,
                '\u{200b}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '"' | '“' | '”'
            )
        })
        .map(|c| match c {
            '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => '-',
            '’' | 'ʼ' | 'ʻ' | '`' | '´' | '‘' => '\'',
            '，' | '、' => ',',
            c => c,
        })
        .collect();
    let plain = plain.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '\'' | ',' | ';' | ':' | '!' | '?')
    });
    // A dash with spaces around it joins as one without.
    let joined = plain
        .split('-')
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("-");
    joined.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `Smith, John` and `Smith, John, Jr.` as they are said.
fn first_name_first(text: &str) -> Result<Vec<String>, NameProblem> {
    let mut parts: Vec<Vec<String>> = text
        .split(',')
        .map(|part| part.split_whitespace().map(str::to_owned).collect())
        .filter(|part: &Vec<String>| !part.is_empty())
        .collect();
    if parts.len() > 3
        && parts
            .iter()
            .all(|part| part.len() == 1 && letters(&part[0]) == 1)
    {
        return Err(NameProblem::SpelledWithoutBreak);
    }
    let is_suffix = |part: &Vec<String>| part.iter().all(|word| is_after_name(word));
    let after = parts
        .iter()
        .skip(1)
        .position(is_suffix)
        .map(|place| parts.remove(place + 1));
    let mut words = match parts.as_mut_slice() {
        [all] => std::mem::take(all),
        [last, first] => {
            let mut words = std::mem::take(first);
            words.append(last);
            words
        }
        _ => return Err(NameProblem::NotAName),
    };
    words.extend(after.into_iter().flatten());
    Ok(words)
}

fn is_after_name(word: &str) -> bool {
    let plain = plain(word);
    SUFFIXES.contains(&plain.as_str()) || CREDENTIALS.contains(&plain.as_str())
}

fn without_titles(mut words: Vec<String>) -> Vec<String> {
    while words.len() > 1 && TITLES.contains(&plain(&words[0]).as_str()) {
        words.remove(0);
    }
    while words.len() > 1
        && words
            .last()
            .is_some_and(|word| CREDENTIALS.contains(&plain(word).as_str()))
    {
        words.pop();
    }
    words
}

/// Folded letters and digits of a word: `Ph.D.` is `phd`.
fn plain(word: &str) -> String {
    fold(word).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// Digits stand in no name but in a suffix.
fn is_word(word: &str) -> bool {
    let written = |c: char| {
        c.is_alphabetic()
            || is_combining_mark(c)
            || "'-.·・׳״".contains(c)
            || matches!(c, '\u{200c}' | '\u{200d}')
    };
    word.chars().any(char::is_alphabetic)
        && (word.chars().all(written) || SUFFIXES.contains(&plain(word).as_str()))
}

/// One letter is a name only where a letter is a word.
fn has_letters(name: &str) -> bool {
    match letters(name) {
        0 => false,
        1 => name
            .chars()
            .any(|c| c as u32 >= 0x2E80 && c.is_alphabetic()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // C22: spelled names were stored as they came; `Smith, John`, one word, marks of their own and `3rd` were refused; titles were kept.
    #[test]
    fn a_name_is_stored_as_it_is_said_whatever_way_it_was_written() {
        for (text, stored) in [
            ("Maria Lopez", "Maria Lopez"),
            ("  Seán  O'Brien-Díaz ", "Seán O'Brien-Díaz"),
            ("J. R. Smith", "J. R. Smith"),
            ("J-O-H-N S-M-I-T-H", "John Smith"),
            ("J - O - H - N  S - M - I - T - H", "John Smith"),
            ("John S-M-I-T-H", "John Smith"),
            ("John S M I T H", "John Smith"),
            ("A.N.N.A. Lee", "Anna Lee"),
            ("Smith, John", "John Smith"),
            ("SMITH,JOHN", "JOHN SMITH"),
            ("Smith, John, Jr.", "John Smith Jr."),
            ("John Smith, Jr.", "John Smith Jr."),
            ("García Márquez, Gabriel", "Gabriel García Márquez"),
            ("Sukarno", "Sukarno"),
            ("Jose\u{301} Nu\u{301}n\u{303}ez", "José Núñez"),
            ("John Smith 3rd", "John Smith 3rd"),
            ("John Smith III", "John Smith III"),
            ("Dr. Ann Lee", "Ann Lee"),
            ("Mrs. Dr. Ann Lee, M.D.", "Ann Lee"),
            ("Señora Ana Ruiz", "Ana Ruiz"),
            ("Nguyễn Thị Minh", "Nguyễn Thị Minh"),
            ("रवि कुमार", "रवि कुमार"),
            ("王小明", "王小明"),
            ("李", "李"),
            ("محمد علي", "محمد علي"),
            ("Jean–Luc  Picard", "Jean-Luc Picard"),
            ("O’Neil", "O'Neil"),
            ("Jennifer Null", "Jennifer Null"),
            ("Grace Guest", "Grace Guest"),
            ("Ng", "Ng"),
        ] {
            assert_eq!(clean(text).as_deref(), Ok(stored), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "  ",
            "a",
            "Maria 4",
            "4155550123",
            "<b>Maria Lopez</b>",
            "Robert'); DROP TABLE patients;--",
            "a, b, c, d",
            "...",
            "'-'",
            "Maria\u{0}Lopez",
            &"Maria ".repeat(30),
        ] {
            assert!(clean(text).is_err(), "{text:?}");
        }
        for text in ["J O H N S M I T H", "J, O, H, N"] {
            assert_eq!(clean(text), Err(NameProblem::SpelledWithoutBreak), "{text}");
        }
    }

    // C31: John Doe was booked.
    #[test]
    fn a_placeholder_is_told_from_a_name() {
        for text in [
            "John Doe",
            "jane DOE",
            "Doe, John",
            "J-O-H-N D-O-E",
            "Mr. John Doe",
            "John Q. Public",
            "Unknown Caller",
            "Test Patient",
            "patient test",
            "First Last",
            "Firstname Lastname",
            "First Name Last Name",
            "[patient name]",
            "{{patient_name}}",
            "<full name>",
            "Caller",
            "the caller",
            "the patient",
            "Patient's name",
            "N/A",
            "n.a.",
            "None",
            "null",
            "Not provided",
            "not given yet",
            "Anonymous",
            "User",
            "Your Name",
            "same as caller",
            "string",
            "xxx",
            "to be determined",
            "Self",
        ] {
            assert_eq!(clean(text), Err(NameProblem::Placeholder), "{text}");
        }
    }
}
