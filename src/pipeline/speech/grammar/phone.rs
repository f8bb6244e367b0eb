//! Telephone numbers in their written forms, extensions, short numbers, and keys of the telephone.

use super::{
    Reading,
    lexer::{Kind, Token, View},
    measure,
    numbers::{cardinal, digits, spelled},
};

/// Who stands before a number that is dialled.
const DIAL: [&str; 14] = [
    "call",
    "calling",
    "dial",
    "dialing",
    "text",
    "texting",
    "press",
    "pressing",
    "phone",
    "ring",
    "contact",
    "reach",
    "telephone",
    "calls",
];
/// What is done with keys.
const KEYS: [&str; 13] = [
    "press", "pressing", "dial", "dialing", "text", "enter", "hit", "push", "key", "type", "send",
    "touch", "use",
];
/// What tells that a short number is a telephone number.
const CONTEXT: [&str; 16] = [
    "call",
    "dial",
    "text",
    "phone",
    "number",
    "telephone",
    "tel",
    "fax",
    "reach",
    "contact",
    "cell",
    "mobile",
    "callback",
    "line",
    "ph",
    "calling",
];
/// Numbers of public services.
const SERVICES: [&str; 9] = [
    "911", "988", "211", "311", "411", "511", "611", "711", "811",
];

/// `(212) 555-0123`, `+1 212.555.0123 x402`, `1-800-FLOWERS`.
pub(super) fn telephone(view: View<'_>) -> Reading {
    let plus = view.tok(0).is('+');
    let groups = groups(view, usize::from(plus))?;
    let found = (1..=groups.len())
        .rev()
        .find(|n| is_number(view, &groups[..*n], plus))?;
    let groups = &groups[..found];
    let mut used = groups.last()?.end;
    let mut words: Vec<String> = groups.iter().flat_map(|g| g.words(plus)).collect();
    if let Some((more, extension)) = extension_at(view, used) {
        used = more;
        words.push(extension);
    } else if let Some(other) = alternative(view, used) {
        used += 2;
        words.push(format!("or {}", digits(other)));
    } else if !view.ends(used) {
        return None;
    }
    let plus = if plus { "plus " } else { "" };
    Some((used, format!("{plus}{}", words.join(", "))))
}

/// A part of a number between its separators.
struct Group<'a> {
    text: &'a str,
    is_word: bool,
    /// Only a space parts it from the group before.
    is_spaced: bool,
    /// The token after it.
    end: usize,
}

impl Group<'_> {
    fn words(&self, plus: bool) -> Vec<String> {
        let text = self.text;
        if self.is_word {
            let vowels = text.contains(['A', 'E', 'I', 'O', 'U', 'Y']);
            return vec![if vowels {
                text.to_lowercase()
            } else {
                spelled(text).join(" ")
            }];
        }
        let cuts: &[usize] = match text.len() {
            7 => &[3],
            10 => &[3, 6],
            11 if text.starts_with('1') => &[1, 4, 7],
            n if plus && n > 4 => &[2, 5, 8, 11],
            _ => &[],
        };
        let mut from = 0;
        let mut parts = Vec::new();
        for to in cuts
            .iter()
            .copied()
            .filter(|c| *c < text.len())
            .chain([text.len()])
        {
            parts.push(digits(&text[from..to]));
            from = to;
        }
        parts
    }
}

fn groups(view: View<'_>, from: usize) -> Option<Vec<Group<'_>>> {
    let mut found: Vec<Group<'_>> = Vec::new();
    let mut k = from;
    if from > 0 {
        view.glued(from)?;
    }
    let mut is_spaced = false;
    while found.len() < 8 {
        let in_brackets = view.tok(k).is('(') && view.tok(k + 2).is(')');
        let at = k + usize::from(in_brackets);
        let token = view.tok(at);
        let is_word = token.is_capitals() && (2..=9).contains(&token.text.len());
        let is_vanity = is_word && !is_spaced && !found.is_empty();
        if token.kind != Kind::Number && !is_vanity {
            break;
        }
        let end = at + 1 + usize::from(in_brackets);
        found.push(Group {
            text: token.text,
            is_word,
            is_spaced,
            end,
        });
        let Some((next, spaced)) = separator(view, end) else {
            break;
        };
        (k, is_spaced) = (next, spaced);
    }
    (!found.is_empty()).then_some(found)
}

/// What parts two groups: where the next begins, and whether it is only a space.
fn separator(view: View<'_>, k: usize) -> Option<(usize, bool)> {
    let token = view.tok(k);
    let begins = |t: Token<'_>| t.kind != Kind::Symbol || t.is('(');
    let parts = token.is_dash() || token.is('\u{2014}') || token.is('.') || token.is('/');
    if parts && !token.spaced && view.glued(k + 1).is_some_and(begins) {
        return Some((k + 1, false));
    }
    if token.is_dash() && token.spaced && view.tok(k + 1).kind == Kind::Number {
        return Some((k + 1, false));
    }
    if (token.kind == Kind::Number && token.spaced) || token.is('(') {
        return Some((k, true));
    }
    let after_bracket = k > 0 && view.tok(k - 1).is(')');
    (token.kind == Kind::Number && after_bracket).then_some((k, false))
}

fn is_number(view: View<'_>, groups: &[Group<'_>], plus: bool) -> bool {
    let lens: Vec<usize> = groups.iter().map(|g| g.text.len()).collect();
    let count: usize = lens.iter().sum();
    let end = groups.last().map_or(0, |g| g.end);
    let clean =
        view.ends(end) || extension_at(view, end).is_some() || alternative(view, end).is_some();
    let is_one = groups[0].text == "1";
    if !clean {
        return false;
    }
    if groups.iter().any(|g| g.is_word) {
        let digits_first = is_one || lens[0] == 3;
        return digits_first && !groups[0].is_word && (10..=14).contains(&count);
    }
    if plus {
        let ours = groups[0].text.starts_with('1');
        return if ours {
            count == 11
        } else {
            (8..=15).contains(&count)
        };
    }
    match lens.as_slice() {
        [3, 3, 4] | [10] | [3, 7] => true,
        [1, 3, 3, 4] | [1, 10] | [1, 3, 7] => is_one,
        [11] => groups[0].text.starts_with('1'),
        [7] => is_called(view),
        [3, 4] if groups[1].is_spaced => is_called(view),
        [3, 4] => measure::unit_at(view, end).is_none(),
        _ => false,
    }
}

/// `/0101` behind a number: other last digits.
fn alternative(view: View<'_>, k: usize) -> Option<&str> {
    let slash = view.glued(k)?.is('/');
    let last = view.glued(k + 1)?.digits();
    last.filter(|d| slash && (2..=4).contains(&d.len()) && view.ends(k + 2))
}

fn is_called(view: View<'_>) -> bool {
    view.after_word(&CONTEXT, 6)
}

/// `x402`, `ext. 402`, `, extension 402` from token `k` on: the token after it and the words.
fn extension_at(view: View<'_>, k: usize) -> Option<(usize, String)> {
    let at = k + usize::from(matches!(view.tok(k).symbol(), Some(',' | ';')));
    let name = view.tok(at);
    let is_short = name.text.eq_ignore_ascii_case("x");
    if !is_short && !name.is_word(&["ext", "extn", "extension"]) {
        return None;
    }
    let marks = (at + 1..at + 3)
        .take_while(|i| matches!(view.tok(*i).symbol(), Some('.' | ':' | '#')))
        .count();
    let number = at + 1 + marks;
    let digits_of = view.tok(number).digits()?;
    let fits = digits_of.len() <= 8 && view.ends(number + 1);
    fits.then(|| (number + 1, format!("extension {}", digits(digits_of))))
}

/// An extension without its number: `ext. 402`, `x4021`.
pub(super) fn extension(view: View<'_>) -> Reading {
    let short = view.tok(0).text.eq_ignore_ascii_case("x");
    let long_enough = view.glued(1).and_then(|t| t.digits());
    if short && long_enough.is_none_or(|d| d.len() < 3) {
        return None;
    }
    if view.tok(0).kind != Kind::Word {
        return None;
    }
    extension_at(view, 0)
}

/// `911`, `988`; any number behind "press" or "dial"; `#` and `*` as keys.
pub(super) fn keys(view: View<'_>) -> Reading {
    star_or_pound(view).or_else(|| short_number(view))
}

fn short_number(view: View<'_>) -> Reading {
    let number = view.tok(0).digits()?;
    let pound = view.glued(1).is_some_and(|t| t.is('#')) && view.ends(2) && is_keyed(view);
    if pound {
        return Some((2, format!("{} pound", digits(number))));
    }
    if !view.ends(1) || measure::unit_at(view, 1).is_some() {
        return None;
    }
    let line = view
        .tok(1)
        .is_word(&["lifeline", "hotline", "line", "crisis", "suicide"]);
    let is_service =
        SERVICES.contains(&number) && (number == "911" || line || view.after_word(&DIAL, 10));
    (is_service || is_keyed(view)).then(|| (1, digits(number)))
}

/// Whether keys are named just before: "press 1", "dial 0 or 211", "text 4827 to 741741".
fn is_keyed(view: View<'_>) -> bool {
    let mut k = 1;
    loop {
        let token = view.back(k);
        if token.is_word(&["use", "type", "key", "send"]) {
            return token.is_word(&["key"]);
        }
        if token.is_word(&KEYS) {
            return true;
        }
        let joins = token.is_word(&["or", "and", "then", "option", "number"])
            || token.kind == Kind::Number
            || matches!(token.symbol(), Some(',' | '*' | '#'));
        if token.is_end() || !joins {
            return false;
        }
        k += 1;
    }
}

/// `*` and `#` where they are keys or a sign for "number", not marks of a footnote.
fn star_or_pound(view: View<'_>) -> Reading {
    let name = match view.tok(0).symbol()? {
        '*' => "star",
        '#' => "pound",
        _ => return None,
    };
    let glued = view.glued(1);
    let mut used = 1;
    if let Some(number) = glued.and_then(|t| t.digits()) {
        used += 1;
        let pound = view.glued(2).is_some_and(|t| t.is('#') || t.is('*'));
        let goes_on = view
            .glued(used)
            .is_some_and(|t| t.is_capitals() || t.is_dash());
        if name == "pound" && goes_on && !is_keyed(view) {
            return Some((1, "number".to_owned()));
        }
        if !view.ends(used + usize::from(pound)) {
            return None;
        }
        if name == "pound" && !is_keyed(view) {
            return pound_number(view, number);
        }
        let last = match view.tok(used).symbol() {
            Some('#') if pound => " pound",
            Some('*') if pound => " star",
            _ => "",
        };
        used += usize::from(pound);
        return Some((used, format!("{name} {}{last}", digits(number))));
    }
    let counts = name == "pound" && !is_keyed(view);
    let names = glued.is_some_and(Token::is_capitals) && (view.tok(0).spaced || view.is_first());
    if counts && names {
        return Some((1, "number".to_owned()));
    }
    if counts && let Some(number) = view.tok(1).digits() {
        return pound_number(view, number).filter(|_| view.ends(2));
    }
    let is_key = view.mentions(&KEYS) || view.mentions(&["pound", "keypad", "keys", "followed"]);
    let name = if counts && !is_key { "number" } else { name };
    let product = view.back(1).digits().is_some() && view.tok(1).digits().is_some();
    if product && name == "star" {
        return None;
    }
    let is_alone = view.ends(1) && (view.tok(0).spaced || view.is_first() || view.back(1).is('('));
    is_alone.then(|| (1, name.to_owned()))
}

/// `#5` is "number five"; `#4827` is read digit by digit.
fn pound_number(view: View<'_>, number: &str) -> Reading {
    if !view.ends(2) {
        return None;
    }
    let words = match number.parse::<u64>() {
        Ok(n) if number.len() <= 3 && !number.starts_with('0') => cardinal(n),
        _ => spelled(number).join(", "),
    };
    Some((2, format!("number {words}")))
}
