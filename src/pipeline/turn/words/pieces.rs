//! What people dictate, in pieces: groups of digits, letters, spelled signs.

use super::forms::{bare, is_hesitation};

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Digits written as figures or said as single digits; groups are parted by spaces.
    Figures(String),
    /// Digits that were said as "double five".
    Doubled(String),
    /// A number word that is more than a digit: "twenty", "eight hundred". Its figures.
    Amount(String),
    /// Single letters, in lower case.
    Letters(String),
    /// A letter with its example, as in "B as in Boy".
    Example,
    /// A word in capitals, here in lower case: an abbreviation, or the beginning of an identifier.
    Capitals(String),
    /// Letters and digits in one, so many of each.
    Mixed(usize, usize),
    /// A sign that joins what is before with what comes: "dash", "as in", "double".
    Joint,
    /// "dot".
    Dot,
    /// "at".
    At,
    /// An e-mail address, or the beginning of one.
    Address,
    /// A sound between two pieces.
    Filler,
    /// Any other word, in lower case.
    Word(String),
}

const DIGITS: [(&str, &str); 13] = [
    ("zero", "0"),
    ("oh", "0"),
    ("o", "0"),
    ("nought", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
];

const AMOUNTS: [(&str, &str); 18] = [
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("thirteen", "13"),
    ("fourteen", "14"),
    ("fifteen", "15"),
    ("sixteen", "16"),
    ("seventeen", "17"),
    ("eighteen", "18"),
    ("nineteen", "19"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("seventy", "70"),
    ("eighty", "80"),
    ("ninety", "90"),
];

/// The spelling alphabets' words. Those that are first names or places count only beside another letter.
const ALPHABET: &str = "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november \
    oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu";

/// Names of letters as a recogniser may write them.
const LETTER_NAMES: [(&str, &str); 5] = [
    ("zee", "z"),
    ("zed", "z"),
    ("aitch", "h"),
    ("double-u", "w"),
    ("double-you", "w"),
];

/// A number word as figures.
pub(super) fn as_figures(word: &str) -> Option<String> {
    let known = DIGITS.iter().skip(4).chain(&DIGITS[..1]).chain(&AMOUNTS);
    let mut found = known.filter(|(name, _)| *name == word);
    found.next().map(|(_, figures)| (*figures).to_owned())
}

/// The pieces of a text, in order.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let (piece, taken) = piece_at(&words[place..], pieces.last());
        place += taken;
        match piece {
            Some(Piece::Figures(digit)) if joins_amount(pieces.last(), &digit) => {
                add_digit(pieces.last_mut(), &digit);
            }
            Some(piece) => pieces.push(piece),
            None => {}
        }
    }
    pieces
}

/// "Fifty five" is one number.
fn joins_amount(last: Option<&Piece>, digit: &str) -> bool {
    matches!(last, Some(Piece::Amount(tens)) if tens.len() == 2 && tens.ends_with('0') && tens != "10" && digit.len() == 1 && digit != "0")
}

fn add_digit(last: Option<&mut Piece>, digit: &str) {
    if let Some(Piece::Amount(tens)) = last {
        tens.truncate(1);
        tens.push_str(digit);
    }
}

/// The piece that begins here, and how many words it takes.
fn piece_at(words: &[&str], before: Option<&Piece>) -> (Option<Piece>, usize) {
    let lower = |nth: usize| words.get(nth).map(|w| bare(w));
    let Some(word) = lower(0).filter(|w| !w.is_empty()) else {
        return (None, 1);
    };
    let in_digits = matches!(before, Some(Piece::Figures(_) | Piece::Amount(_)));
    if word == "o" && in_digits {
        return (Some(Piece::Figures("0".into())), 1);
    }
    if let Some(letters) = letters_in(words[0]) {
        let is_one = letters.len() == 1;
        let for_example = match (lower(1).as_deref(), lower(2).as_deref()) {
            (Some("as"), Some("in")) => Some(3),
            (Some("for" | "like"), None) => Some(2),
            (Some("for" | "like"), Some(example)) if is_one && example.starts_with(&word) => {
                Some(2)
            }
            _ => None,
        };
        return match for_example {
            // "B as in": the example is to come.
            Some(taken) if words.len() <= taken => (Some(Piece::Joint), words.len()),
            Some(taken) => (Some(Piece::Example), taken + 1),
            None => (Some(Piece::Letters(letters)), 1),
        };
    }
    match (word.as_str(), lower(1).as_deref()) {
        ("double" | "triple", Some("u" | "you")) => return (Some(Piece::Letters("w".into())), 2),
        ("double" | "triple", next) => return times(words, &word, next, before),
        ("as", Some("in")) if words.len() == 2 => return (Some(Piece::Joint), 2),
        ("area", Some("code")) if words.len() == 2 => return (Some(Piece::Joint), 2),
        ("capital" | "uppercase" | "lowercase", Some(_)) if letters_in(words[1]).is_some() => {
            return (None, 1);
        }
        _ => {}
    }
    (Some(single(words[0], word, before, lower(1).as_deref())), 1)
}

/// "Double five" are two fives; without the five, it is to come.
fn times(
    words: &[&str],
    word: &str,
    next: Option<&str>,
    before: Option<&Piece>,
) -> (Option<Piece>, usize) {
    let count = if word == "double" { 2 } else { 3 };
    let digit = next.and_then(|n| {
        DIGITS
            .iter()
            .find(|(name, figure)| *name == n || *figure == n)
    });
    match (next, digit) {
        (Some(_), Some((_, figure))) => (Some(Piece::Doubled(figure.repeat(count))), 2),
        (Some(letter), None) if letters_in(words[1]).is_some_and(|l| l.len() == 1) => {
            (Some(Piece::Letters(letter.repeat(count))), 2)
        }
        (None, _) if !matches!(before, Some(Piece::Word(w)) if w == "a" || w == "the") => {
            (Some(Piece::Joint), 1)
        }
        _ => (Some(Piece::Word(word.to_owned())), 1),
    }
}

fn single(raw: &str, word: String, before: Option<&Piece>, next: Option<&str>) -> Piece {
    let dictated = before.is_some_and(|p| !matches!(p, Piece::Word(_) | Piece::Filler));
    if raw.contains('@') {
        return Piece::Address;
    }
    let is_sound = ["oh", "o", "nought"].contains(&word.as_str());
    if let Some((_, figure)) = DIGITS.iter().find(|(name, _)| *name == word)
        && (!is_sound || dictated || next.is_some_and(|n| as_figures(n).is_some()))
    {
        return Piece::Figures((*figure).to_owned());
    }
    if let Some((_, figures)) = AMOUNTS.iter().find(|(name, _)| *name == word) {
        return Piece::Amount((*figures).to_owned());
    }
    if let Some(figures) = figures_in(raw) {
        return Piece::Figures(figures);
    }
    match word.as_str() {
        "hundred" if matches!(before, Some(Piece::Figures(f)) if f.len() == 1) => {
            Piece::Amount("00".into())
        }
        "dot" => Piece::Dot,
        "at" => Piece::At,
        "dash" | "hyphen" | "underscore" | "slash" | "extension" | "ext" => Piece::Joint,
        "plus" if before.is_none() => Piece::Joint,
        "point" | "space" | "plus" | "star" | "pound" | "minus" if dictated => Piece::Joint,
        "and" | "then" | "again" if dictated => Piece::Filler,
        _ if is_hesitation(raw) && dictated => Piece::Filler,
        _ if is_of_alphabet(&word) && (dictated || next.is_some_and(is_of_alphabet)) => {
            Piece::Letters(word.chars().take(1).collect())
        }
        _ => mixed_in(raw).unwrap_or(Piece::Word(word)),
    }
}

fn is_of_alphabet(word: &str) -> bool {
    ALPHABET.split_whitespace().any(|known| known == word)
}

/// The letters that are spelled in a word: "K", "K.", "J-O-H-N", "U.S.A".
pub(super) fn letters_in(raw: &str) -> Option<String> {
    let lower = raw.to_lowercase();
    let name = lower.trim_matches(|c: char| c.is_ascii_punctuation());
    if let Some((_, letter)) = LETTER_NAMES.iter().find(|(known, _)| *known == name) {
        return Some((*letter).to_owned());
    }
    let parts: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '\u{2019}')
        .filter(|part| !part.is_empty())
        .collect();
    let spelled = parts
        .iter()
        .all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic));
    (spelled && !parts.is_empty()).then(|| parts.concat())
}

/// The digits of a group that is written in figures and is no time, date, share or price.
fn figures_in(raw: &str) -> Option<String> {
    let bare = raw.trim_matches(|c: char| ",.?!;:()\"'".contains(c));
    let group = bare
        .chars()
        .all(|c| c.is_ascii_digit() || "-().+\u{2011}\u{2013}".contains(c));
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    // "3.5" is an amount, "212.555" is not.
    let is_decimal = bare.matches('.').count() == 1 && digits.len() < 6;
    if !group || digits.is_empty() || is_decimal {
        return None;
    }
    // "212-555" are two groups, "10-12" is a span of time.
    let groups: Vec<&str> = bare
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .collect();
    let is_dictated = digits.len() > 4 || bare.starts_with("1-");
    Some(groups.join(if is_dictated { " " } else { "" }))
}

/// Letters and digits in one word, or capitals.
fn mixed_in(raw: &str) -> Option<Piece> {
    let bare: Vec<char> = raw.chars().filter(|c| c.is_alphanumeric()).collect();
    let digits = bare.iter().filter(|c| c.is_ascii_digit()).count();
    let capitals = bare.iter().filter(|c| c.is_uppercase()).count();
    // "3rd", "10AM", "50mg".
    let is_amount =
        digits < 5 && bare[..digits].iter().all(char::is_ascii_digit) && bare.len() <= digits + 2;
    if digits > 0 && digits < bare.len() && !is_amount && !raw.contains([':', '$', '%', '/']) {
        return Some(Piece::Mixed(bare.len() - digits, digits));
    }
    let in_capitals = capitals == bare.len() && (2..=6).contains(&capitals);
    in_capitals.then(|| Piece::Capitals(bare.iter().flat_map(|c| c.to_lowercase()).collect()))
}
