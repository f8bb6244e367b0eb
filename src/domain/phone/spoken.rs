//! The digits in a text: written, or said one by one and in groups.

/// A part of a number as it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Plus,
    Digits(String),
    /// `(0)`.
    TrunkZero,
    /// Something else.
    Word(String),
}

/// Words around a number that tell nothing.
const FILLERS: [&str; 48] = [
    "area",
    "code",
    "is",
    "my",
    "number",
    "numbers",
    "its",
    "it",
    "phone",
    "telephone",
    "the",
    "and",
    "then",
    "dash",
    "hyphen",
    "space",
    "dot",
    "period",
    "cell",
    "cellphone",
    "mobile",
    "home",
    "work",
    "a",
    "at",
    "please",
    "um",
    "uh",
    "okay",
    "on",
    "me",
    "reach",
    "call",
    "you",
    "can",
    "that",
    "thats",
    "s",
    "or",
    "open",
    "close",
    "paren",
    "parenthesis",
    "country",
    "calling",
    "so",
    "from",
    "in",
];

/// What is said for one digit.
const DIGITS: [(&str, &str); 20] = [
    ("zero", "0"),
    ("oh", "0"),
    ("o", "0"),
    ("nought", "0"),
    ("naught", "0"),
    ("null", "0"),
    ("one", "1"),
    ("two", "2"),
    ("to", "2"),
    ("too", "2"),
    ("three", "3"),
    ("tree", "3"),
    ("four", "4"),
    ("for", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("niner", "9"),
];

const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// How often the digit after the word is said.
const REPEATS: [(&str, usize); 5] = [
    ("double", 2),
    ("triple", 3),
    ("treble", 3),
    ("quadruple", 4),
    ("quad", 4),
];

/// The parts of a folded text; `None` if it holds what belongs to no number.
pub(super) fn pieces(text: &str) -> Option<Vec<Piece>> {
    let text = text.replace("(0)", " \u{1} ").replace("( 0 )", " \u{1} ");
    let mut pieces = Vec::new();
    let words = tokens(&text)?;
    let mut place = 0;
    while let Some(word) = words.get(place) {
        let (piece, taken) = piece_at(word, &words[place + 1..])?;
        pieces.extend(piece);
        place += 1 + taken;
    }
    Some(named_countries_joined(pieces))
}

/// The digits alone, if the text holds nothing else.
pub(super) fn digits(text: &str) -> Option<String> {
    let mut digits = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Digits(more) => digits.push_str(&more),
            _ => return None,
        }
    }
    (!digits.is_empty()).then_some(digits)
}

/// Runs of digits, runs of letters, and pluses; all else parts them.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut tokens: Vec<String> = Vec::new();
    let mut joins = false;
    for c in text.chars() {
        let kind = |c: char| if c.is_ascii_digit() { 0 } else { 1 };
        match c {
            '+' | '\u{1}' => {
                tokens.push(c.to_string());
                joins = false;
            }
            '0'..='9' | 'a'..='z' => {
                match tokens.last_mut() {
                    Some(last) if joins && last.chars().next_back().map(kind) == Some(kind(c)) => {
                        last.push(c)
                    }
                    _ => tokens.push(c.to_string()),
                }
                joins = true;
            }
            // Part of a word: `it's`.
            '\'' => {}
            ' ' | '-' | '.' | ',' | '/' | '(' | ')' | '[' | ']' | ':' | '·' | '•' | '_' | '|' => {
                joins = false
            }
            c if c.is_whitespace() => joins = false,
            _ => return None,
        }
    }
    Some(tokens)
}

/// What a token says with those after it, and how many of them it takes; no piece for a filler.
fn piece_at(word: &str, rest: &[String]) -> Option<(Option<Piece>, usize)> {
    let digits = |text: String, taken| Some((Some(Piece::Digits(text)), taken));
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return match rest.first().map(String::as_str) {
            Some("hundred") if word.len() == 1 => digits(format!("{word}00"), 1),
            _ => digits(word.to_owned(), 0),
        };
    }
    match word {
        "+" | "plus" => return Some((Some(Piece::Plus), 0)),
        "\u{1}" => return Some((Some(Piece::TrunkZero), 0)),
        _ => {}
    }
    if let Some((_, times)) = REPEATS.iter().find(|(name, _)| *name == word) {
        let digit = single(rest.first()?)?;
        return digits(digit.repeat(*times), 1);
    }
    if let Some((text, taken)) = group(word, rest) {
        return digits(text, taken);
    }
    if FILLERS.contains(&word) {
        return Some((None, 0));
    }
    Some((Some(Piece::Word(word.to_owned())), 0))
}

fn single(word: &str) -> Option<&str> {
    let is_digit = word.len() == 1 && word.bytes().all(|b| b.is_ascii_digit());
    let said = || {
        DIGITS
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, digit)| *digit)
    };
    if is_digit { Some(word) } else { said() }
}

/// A number word with what belongs to it: `twenty three`, `eight hundred`, `two thousand`.
fn group(word: &str, rest: &[String]) -> Option<(String, usize)> {
    let next = rest.first().map(String::as_str);
    let (number, taken) = if let Some(digit) = single(word) {
        (digit.to_owned(), 0)
    } else if let Some(teen) = TEENS.iter().position(|name| *name == word) {
        (format!("1{teen}"), 0)
    } else {
        let tens = TENS.iter().position(|name| *name == word)? + 2;
        match next
            .filter(|next| next.len() > 1)
            .and_then(single)
            .filter(|digit| *digit != "0")
        {
            Some(unit) => (format!("{tens}{unit}"), 1),
            None => (format!("{tens}0"), 0),
        }
    };
    match rest.get(taken).map(String::as_str) {
        Some("hundred") => Some((format!("{number}00"), taken + 1)),
        Some("thousand") => Some((format!("{number}000"), taken + 1)),
        _ => Some((number, taken)),
    }
}

/// `new` `zealand` is one country.
fn named_countries_joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match (joined.last_mut(), piece) {
            (Some(Piece::Word(before)), Piece::Word(word)) => {
                before.push(' ');
                before.push_str(&word);
            }
            (_, piece) => joined.push(piece),
        }
    }
    joined
}
