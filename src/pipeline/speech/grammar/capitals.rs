//! Words in capitals: names, emphasis, and letters that are said one by one.

use super::{
    Reading,
    lexer::{Kind, View},
    numbers::{cardinal, spelled},
};

/// Said as words: insurers, programs, and what people shout. Four letters and fewer that are not here stay as written.
const WORDS: [&str; 88] = [
    "BLUE",
    "AETNA",
    "CIGNA",
    "DELTA",
    "OSCAR",
    "HUMANA",
    "ANTHEM",
    "MEDI",
    "CAL",
    "PLUS",
    "CARE",
    "CROSS",
    "SHIELD",
    "PLEASE",
    "EARLY",
    "ONLY",
    "MUST",
    "NOT",
    "ALL",
    "YES",
    "NO",
    "AND",
    "OR",
    "THE",
    "FREE",
    "NEVER",
    "DO",
    "CALL",
    "NOW",
    "BEFORE",
    "AFTER",
    "EVERY",
    "EACH",
    "BOTH",
    "NEW",
    "OLD",
    "DAY",
    "DAYS",
    "TODAY",
    "STOP",
    "TAKE",
    "ONE",
    "TWO",
    "ANY",
    "WITH",
    "YOUR",
    "YOU",
    "WILL",
    "CAN",
    "VERY",
    "MORE",
    "LESS",
    "SAME",
    "OPEN",
    "LATE",
    "HOLD",
    "WAIT",
    "HELP",
    "NEXT",
    "LAST",
    "FIRST",
    "READ",
    "NOTE",
    "BRING",
    "ARE",
    "FOR",
    "BUT",
    "NONE",
    "FULL",
    "FAST",
    "EAT",
    "FOOD",
    "FROM",
    "THIS",
    "THAT",
    "HERE",
    "HOME",
    "STAY",
    "GOLD",
    "DENTAL",
    "HEALTH",
    "LIFE",
    "UNITED",
    "MAY",
    "HEALTHCARE",
    "UNITEDHEALTHCARE",
    "WORTHINGTON",
    "EYEMED",
];
/// Said as words that are always written in capitals.
const KEPT: [&str; 11] = [
    "HIPAA", "COBRA", "COVID", "AIDS", "NASA", "SNAP", "CHIP", "OSHA", "ACORD", "CPAP", "CHAMPVA",
];
/// What a Roman number stands behind, where it can be nothing else.
const NUMBERED: [&str; 14] = [
    "type", "phase", "stage", "class", "part", "grade", "schedule", "level", "tier", "factor",
    "chapter", "section", "title", "bipolar",
];
const ROMAN: [(&str, u64); 11] = [
    ("II", 2),
    ("III", 3),
    ("IV", 4),
    ("V", 5),
    ("VI", 6),
    ("VII", 7),
    ("VIII", 8),
    ("IX", 9),
    ("X", 10),
    ("XI", 11),
    ("XII", 12),
];

/// `Type II`
pub(super) fn roman(view: View<'_>) -> Reading {
    let (_, n) = ROMAN.iter().find(|(r, _)| *r == view.tok(0).text)?;
    let fits = view.back(1).is_word(&NUMBERED) && view.ends_or_hyphen(1) && view.tok(0).spaced;
    fits.then(|| (1, cardinal(*n)))
}

/// A word in capitals among words that are not.
pub(super) fn capitals(view: View<'_>) -> Reading {
    let token = view.tok(0);
    let word = token
        .word()
        .filter(|w| token.is_capitals() && w.len() >= 2)?;
    let glued = view.glued(1).is_some_and(|t| t.kind == Kind::Number);
    if glued || is_shouted(view) || KEPT.contains(&word) {
        return None;
    }
    let known = WORDS.contains(&word);
    if !known && word.len() < 5 {
        return None;
    }
    if !known && !is_pronounceable(word) {
        return Some((1, spelled(word).join(" ")));
    }
    let (head, tail) = word.split_at(1);
    Some((1, format!("{head}{}", tail.to_ascii_lowercase())))
}

/// Whether the whole text is in capitals: then they tell nothing.
fn is_shouted(view: View<'_>) -> bool {
    !view.has_lowercase()
}

/// Whether it has vowels where a mouth needs them.
fn is_pronounceable(word: &str) -> bool {
    let vowel = |c: char| matches!(c, 'A' | 'E' | 'I' | 'O' | 'U' | 'Y');
    let longest = word.split(vowel).map(str::len).max().unwrap_or(0);
    word.contains(vowel) && longest <= 3
}
