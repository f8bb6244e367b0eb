//! Codes that the sentence calls so, and words that were spelled with hyphens.

use super::{
    Reading,
    lexer::{Kind, Token, View},
    measure,
    numbers::spelled,
};

/// What a code is called.
pub(super) const NAMES: [&str; 38] = [
    "ref",
    "conf",
    "code",
    "codes",
    "confirmation",
    "reference",
    "id",
    "pin",
    "passcode",
    "password",
    "member",
    "group",
    "policy",
    "account",
    "acct",
    "claim",
    "case",
    "ticket",
    "tracking",
    "npi",
    "ssn",
    "mrn",
    "rx",
    "booking",
    "order",
    "subscriber",
    "invoice",
    "authorization",
    "auth",
    "referral",
    "record",
    "prescription",
    "serial",
    "bin",
    "pcn",
    "license",
    "payer",
    "digits",
];
/// Of these, the ones that name nothing but a code.
const STRONG: [&str; 12] = [
    "ref",
    "conf",
    "code",
    "codes",
    "confirmation",
    "reference",
    "id",
    "pin",
    "passcode",
    "password",
    "npi",
    "mrn",
];
/// What may stand between the name and the code.
const JOINS: [&str; 12] = [
    "is", "are", "was", "number", "numbers", "no", "id", "code", "again", "as", "be", "its",
];
/// Capitals that are no code even where one is expected.
const NO_CODES: [&str; 10] = [
    "OK", "AM", "PM", "ID", "PIN", "USA", "US", "ASAP", "AND", "IS",
];

/// A code where the sentence says that one comes, or that it was one: `4827 is your code`.
pub(super) fn announced(view: View<'_>) -> Reading {
    let first = chunk(view, 0)?;
    let announced = is_announced(view, &first) || is_explained(view, first.end);
    if !announced {
        return None;
    }
    let mut words = vec![first.pauses()];
    let mut end = first.end;
    while view.tok(end).spaced
        && let Some(next) = chunk(view, end)
    {
        if !(next.has_digit || next.text.len() == 1) || measure::unit_at(view, next.end).is_some() {
            break;
        }
        words.push(next.pauses());
        end = next.end;
    }
    Some((end, words.join(", ")))
}

/// Letters in capitals, digits, and hyphens without a space.
pub(super) struct Chunk {
    pub(super) text: String,
    pub(super) has_digit: bool,
    pub(super) has_letter: bool,
    /// The token after it.
    pub(super) end: usize,
}

impl Chunk {
    /// Each character, with a short pause behind each and a longer one at a hyphen.
    fn pauses(&self) -> String {
        let groups: Vec<&str> = self.text.split('-').filter(|g| !g.is_empty()).collect();
        let singles = groups.iter().all(|group| group.len() == 1);
        let words = groups.iter().map(|group| spelled(group).join(", "));
        words
            .collect::<Vec<_>>()
            .join(if singles { ", " } else { "; " })
    }
}

/// The chunk from token `from` on.
pub(super) fn chunk(view: View<'_>, from: usize) -> Option<Chunk> {
    let mut text = String::new();
    let mut k = from;
    while k == from || view.glued(k).is_some() {
        let token = view.tok(k);
        if token.is_dash()
            && !text.is_empty()
            && view.glued(k + 1).is_some_and(Token::is_letter_or_digit)
        {
            text.push('-');
        } else if token.kind == Kind::Number {
            text.push_str(token.text);
        } else if let Some(word) = token.word().filter(|w| w.is_ascii()) {
            text.push_str(word);
        } else {
            break;
        }
        k += 1;
    }
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    let has_letter = text.bytes().any(|b| b.is_ascii_alphabetic());
    let capitals = !text.bytes().any(|b| b.is_ascii_lowercase());
    let one_case = capitals || !text.bytes().any(|b| b.is_ascii_uppercase());
    let mixed = has_digit && one_case && !text.contains('-') && text.len() >= 4;
    let vowels = text.contains(|c: char| "aeiouy".contains(c.to_ascii_lowercase()));
    let no_word = !vowels && text.len() >= 3 && text.bytes().all(|b| b.is_ascii_alphabetic());
    let fits = !text.is_empty()
        && (capitals || mixed || no_word)
        && (view.ends(k) || (view.tok(k).is('#') && view.ends(k + 1)))
        && !NO_CODES.contains(&text.as_str());
    fits.then_some(Chunk {
        text,
        has_digit,
        has_letter,
        end: k,
    })
}

/// Whether the words before announce a code.
fn is_announced(view: View<'_>, chunk: &Chunk) -> bool {
    if last_digits(view) {
        return chunk.has_digit;
    }
    if is_second(view, chunk) {
        return true;
    }
    let mut k = 1;
    let mut is_told = false;
    while k <= 6 {
        let token = view.back(k);
        let comma = token.is(',') && view.back(k + 1).is_word(&STRONG);
        let joins = token.is_word(&JOINS)
            || matches!(
                token.symbol(),
                Some(':' | '#' | '=' | '"' | '\'' | '“' | '.' | '-' | '(')
            );
        if token.is_end() {
            return false;
        }
        if token.is_word(&NAMES) && (!joins || names_code(view, k)) {
            let name = Name {
                is_strong: token.is_word(&STRONG),
                is_told,
                is_next: k == 1,
            };
            return suits(view, chunk, name);
        }
        if !joins && !comma {
            break;
        }
        is_told |= token.is_word(&["is", "are", "was"]) || token.is(':') || comma;
        k += 1;
    }
    if is_numbered(view, chunk) {
        return true;
    }
    let name = Name {
        is_strong: true,
        is_told,
        is_next: false,
    };
    let long = chunk.has_letter || chunk.text.len() >= 3;
    is_told && k <= 4 && long && view.after_word(&STRONG, 12) && suits(view, chunk, name)
}

/// `The number is 4827.`
fn is_numbered(view: View<'_>, chunk: &Chunk) -> bool {
    let told = view.back(1).is_word(&["is"]) || view.back(1).is(':');
    let named = view.back(2).is_word(&["number"]);
    let digits =
        !chunk.has_letter && (3..=6).contains(&chunk.text.len()) && !chunk.text.contains('-');
    told && named && digits && !view.tok(chunk.end).is_letter_or_digit()
}

/// How a code is named.
#[derive(Clone, Copy)]
struct Name {
    /// By a word that names nothing else.
    is_strong: bool,
    /// "is" or a colon stands between.
    is_told: bool,
    /// Nothing stands between.
    is_next: bool,
}

/// `K7PX and M4TQ`: another code behind one.
fn is_second(view: View<'_>, chunk: &Chunk) -> bool {
    let joined = view.back(1).is_word(&["and", "or"]);
    let before = view.back(2);
    let code_before = before.digits().is_some() || before.is_capitals();
    joined && code_before && chunk.has_letter && chunk.has_digit && view.after_word(&STRONG, 14)
}

/// Whether the word at `k` back, which also joins, has nothing of more weight before it.
fn names_code(view: View<'_>, k: usize) -> bool {
    !view.back(k + 1).is_word(&NAMES)
}

/// `ends in 4827`, `the last four are 4827`.
fn last_digits(view: View<'_>) -> bool {
    let ends = view.back(1).is_word(&["in", "with"])
        && view.back(2).is_word(&[
            "ends",
            "ending",
            "end",
            "begins",
            "beginning",
            "starts",
            "starting",
        ]);
    let last =
        (1..=3).any(|k| view.back(k).is_word(&["four", "digits"])) && view.after_word(&["last"], 5);
    ends || last
}

/// Whether the chunk can be a code there: an amount with its unit is none, nor is a word behind a mere name.
fn suits(view: View<'_>, chunk: &Chunk, name: Name) -> bool {
    if measure::unit_at(view, chunk.end).is_some() {
        return false;
    }
    if chunk.has_letter {
        let word = !chunk.has_digit;
        let goes_on = view.tok(chunk.end).is_letter_or_digit();
        if word && goes_on && view.back(1).is(',') {
            return false;
        }
        return !word
            || (name.is_told && (name.is_strong || chunk.text.len() >= 4))
            || (name.is_strong && chunk.text.len() >= 4);
    }
    let separate = chunk.text.contains('-') && chunk.text.len() < 5;
    let long = chunk.text.len() >= 3 || chunk.text.starts_with('0');
    let next = view.tok(chunk.end);
    let spelled_on = next.is_capitals() && next.text.len() == 1 && !matches!(next.text, "I" | "A");
    let closed = !next.is_letter_or_digit() || spelled_on || next.digits().is_some();
    let counted = ["digits", "characters", "letters", "numbers", "long", "of"];
    if next.is_word(&counted) {
        return false;
    }
    let fits = if name.is_strong {
        long || closed
    } else {
        closed || (long && name.is_next)
    };
    !separate && fits
}

/// Whether the words behind call it a code: `KXQP is your confirmation code`.
fn is_explained(view: View<'_>, end: usize) -> bool {
    let is = view.tok(end).is_word(&["is"]);
    let whose = view
        .tok(end + 1)
        .is_word(&["your", "the", "my", "their", "our"]);
    let named = (end + 2..end + 4).any(|k| view.tok(k).is_word(&STRONG));
    is && whose && named
}

/// `J-O-H-N`, `K-7-P-X`: single letters and digits with hyphens.
pub(super) fn spelt_out(view: View<'_>) -> Reading {
    let single = |t: Token<'_>| {
        let letter = t.kind == Kind::Word && t.text.chars().count() == 1 && t.is_name();
        letter || (t.kind == Kind::Number && t.text.len() == 1)
    };
    let mut text = String::new();
    let mut end = 0;
    loop {
        let token = view.tok(end);
        if !single(token) {
            return None;
        }
        text.push_str(token.text);
        end += 1;
        let goes_on = view.glued(end).is_some_and(Token::is_dash) && view.glued(end + 1).is_some();
        if !goes_on {
            break;
        }
        end += 1;
    }
    (text.chars().count() >= 3 && view.ends(end)).then(|| (end, spelled(&text).join(", ")))
}
