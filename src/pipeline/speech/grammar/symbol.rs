//! Symbols by themselves, and those that have no sound.

use super::{Reading, lexer::View};

/// A symbol that is said, or that is left out of speech: then the words are empty.
pub(super) fn symbol(view: View<'_>) -> Reading {
    let symbol = view.tok(0).symbol()?;
    if let Some(reading) = pair_of_symbols(view, symbol) {
        return Some(reading);
    }
    let between = view.glued(0).is_some()
        && view.back(1).is_letter_or_digit()
        && view.glued(1).is_some_and(|t| t.is_letter_or_digit());
    let alone = view.tok(0).spaced && view.glued(1).is_none();
    let words = match symbol {
        '&' => "and",
        '@' => "at",
        '=' => "equals",
        '<' | '>' if is_bracket(view) => "",
        '<' => "less than",
        '>' => "more than",
        '≤' => "at most",
        '≥' => "at least",
        '≠' => "is not",
        '≈' => "about",
        '×' | '✕' => "times",
        '÷' => "divided by",
        '±' => "plus or minus",
        '+' => "plus",
        '%' => "percent",
        '°' => "degrees",
        '§' => "section",
        '→' | '⇒' | '➔' | '➜' => "to",
        '_' if between => "underscore",
        '#' if view.back(1).digits().is_some() && view.glued(0).is_some() && view.ends(1) => {
            "pound"
        }
        '#' if view.back(1).word().is_some() && view.tok(1).digits().is_some() => "number",
        '*' if alone && view.tok(1).digits().is_some() && view.back(1).digits().is_some() => {
            "times"
        }
        '*' if between => return None,
        '•' | '·' | '▪' | '●' | '◦' | '‣' | '|' | '¦' => ",",
        '™' | '®' | '©' | '℠' | '*' | '†' | '‡' | '_' | '`' | '^' | '\\' | '{' | '}' | '['
        | ']' | '←' | '↑' | '↓' | '↔' | '~' => "",
        _ => return None,
    };
    Some((1, words.to_owned()))
}

/// `>=`, `->`
fn pair_of_symbols(view: View<'_>, first: char) -> Reading {
    let second = view.glued(1)?.symbol()?;
    let words = match (first, second) {
        ('>', '=') => "at least",
        ('<', '=') => "at most",
        ('=', '=') => "equals",
        ('!', '=') => "is not",
        ('-' | '=', '>') => "to",
        _ => return None,
    };
    Some((2, words.to_owned()))
}

/// Whether `<` or `>` encloses words: `<name>`.
fn is_bracket(view: View<'_>) -> bool {
    let opens = view.glued(1).is_some_and(|t| t.word().is_some());
    let closes = !view.tok(0).spaced && view.back(1).word().is_some();
    opens || closes
}
