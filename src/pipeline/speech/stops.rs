//! Whether a full stop ends a sentence or belongs to a short form.

use super::short_forms::{
    AFTER_STREET, DAYS, DAYS_AND_MONTHS, LEADING, MONTHS, NUMBERED, STARTERS, STREETS, TRAILING,
    UNITS, VERBS, ZONES,
};

/// What a full stop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ends,
    Inside,
    /// The next word tells, and is not complete yet.
    Unknown,
}

/// A full stop and what is around it.
pub(super) struct Around<'a> {
    /// The words before it, the last without the stop.
    before: Vec<&'a str>,
    word: String,
    is_named: bool,
    next: Next<'a>,
    after: &'a str,
    is_complete: bool,
}

/// What follows the white space behind the stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next<'a> {
    /// Nothing yet.
    Nothing,
    /// Nothing ever.
    End,
    Lower,
    Digit,
    /// A capital letter; the word, once it is complete.
    Capital(Option<&'a str>),
    Other,
}

impl<'a> Around<'a> {
    pub(super) fn new(before: &'a str, after: &'a str, is_complete: bool) -> Self {
        let trim =
            |w: &'a str| w.trim_start_matches(['(', '"', '\'', '*', '_', '“', '[', '‘', '`']);
        let before: Vec<&str> = before.split_whitespace().map(trim).collect();
        let whole = before.last().copied().unwrap_or_default();
        let word = whole
            .rsplit(['-', '–', '—', '/', '‑'])
            .next()
            .unwrap_or(whole);
        let is_named = word.starts_with(char::is_uppercase);
        let word = word.to_lowercase();
        let next = next(after, is_complete);
        Self {
            before,
            word,
            is_named,
            next,
            after,
            is_complete,
        }
    }

    /// The word `k` places before the one at the stop.
    fn back(&self, k: usize) -> &str {
        let at = self.before.len().checked_sub(k + 1);
        at.and_then(|at| self.before.get(at)).copied().unwrap_or("")
    }

    fn is_first(&self) -> bool {
        self.before.len() <= 1
    }

    /// `1.` or `2)` before the first word of a line.
    pub(super) fn is_list_number(&self) -> bool {
        let short = (1..=2).contains(&self.word.len());
        self.is_first() && short && self.word.bytes().all(|b| b.is_ascii_digit())
    }

    fn is_after_figure(&self) -> bool {
        let glued = self.word.starts_with(|c: char| c.is_ascii_digit());
        glued
            || self
                .back(1)
                .ends_with(|c: char| c.is_ascii_digit() || c == '½')
    }

    /// The letters behind the figure in `10mi`; else the word.
    fn unit(&self) -> &str {
        self.word
            .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
    }

    /// The word is written as a name.
    fn is_name(&self, k: usize) -> bool {
        self.back(k).starts_with(char::is_uppercase)
    }
}

fn next(after: &str, is_complete: bool) -> Next<'_> {
    let rest = after
        .trim_start_matches(|c: char| !c.is_alphanumeric() && !c.is_whitespace())
        .trim_start();
    let quotes = rest.trim_start_matches(['"', '\'', '(', '*', '_', '“', '‘', '[', '`']);
    let Some(first) = quotes.chars().next() else {
        return if is_complete {
            Next::End
        } else {
            Next::Nothing
        };
    };
    if first.is_ascii_digit() {
        return Next::Digit;
    }
    if first.is_lowercase() {
        return Next::Lower;
    }
    if !first.is_uppercase() {
        return Next::Other;
    }
    let end = quotes.find(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'));
    match end {
        Some(end) => Next::Capital(Some(&quotes[..end])),
        None if is_complete => Next::Capital(Some(quotes)),
        None => Next::Capital(None),
    }
}

/// Whether the stop ends the sentence. A word that is no short form ends it at once.
pub(super) fn judge(around: &Around<'_>) -> Verdict {
    let word = around.word.as_str();
    let is = |list: &[&str]| list.contains(&word);
    if is(LEADING) {
        return Verdict::Inside;
    }
    if word == "dr" && !is_street(around) {
        return Verdict::Inside;
    }
    if is_initial(around) {
        return initial(around);
    }
    if word == "no" {
        return answer_or_number(around);
    }
    let half =
        matches!(around.unit(), "a.m" | "p.m") || (word == "m" && around.back(1).ends_with('.'));
    if half {
        return by_capital(around, |next| {
            among(next, &[DAYS, MONTHS, DAYS_AND_MONTHS, ZONES])
        });
    }
    let name = around.is_named;
    if name && is(DAYS) {
        return by_capital(around, |next| among(next, &[DAYS, MONTHS, DAYS_AND_MONTHS]));
    }
    if name && is(MONTHS) {
        return by_capital(around, |_| false);
    }
    if is(STREETS) && !matches!(around.back(0), "CT" | "PL") {
        return street(around);
    }
    if is(NUMBERED) {
        return numbered(around);
    }
    if UNITS.contains(&around.unit()) && around.is_after_figure() {
        return by_capital(around, |next| matches!(next, "N" | "S" | "E" | "W"));
    }
    if matches!(word, "a" | "p") {
        return by_capital(around, |_| false);
    }
    let dotted = word.contains('.') && word.split('.').all(|part| part.chars().count() == 1);
    if dotted {
        return by_capital(around, |next| !among(next, &[STARTERS]));
    }
    let is_zone = ZONES.contains(&word) && around.is_named;
    if is(TRAILING) && !is_zone {
        return by_capital(around, |next| word != "etc" && !among(next, &[STARTERS]));
    }
    Verdict::Ends
}

fn among(word: &str, lists: &[&[&str]]) -> bool {
    let lower = word.to_lowercase().replace('’', "'");
    lists.iter().any(|list| list.contains(&lower.as_str()))
}

/// Ends before a capital, unless the next word goes on.
fn by_capital(around: &Around<'_>, goes_on: impl Fn(&str) -> bool) -> Verdict {
    match around.next {
        Next::Nothing | Next::Capital(None) => Verdict::Unknown,
        Next::Lower | Next::Digit | Next::Other => Verdict::Inside,
        Next::End => Verdict::Ends,
        Next::Capital(Some(next)) if goes_on(next) => Verdict::Inside,
        Next::Capital(Some(_)) => Verdict::Ends,
    }
}

/// `Oak Dr.` behind a house number.
fn is_street(around: &Around<'_>) -> bool {
    let named =
        around.is_name(1) && !among(around.back(1).trim_end_matches(','), &[DAYS_AND_MONTHS]);
    let numbered = (2..=4).any(|k| around.back(k).starts_with(|c: char| c.is_ascii_digit()));
    named && numbered && !around.back(1).ends_with(',')
}

/// `St.` behind a street's name may end the sentence; before a saint's it does not.
fn street(around: &Around<'_>) -> Verdict {
    let before = around.back(1);
    let ordinal =
        before.starts_with(|c: char| c.is_ascii_digit()) && before.ends_with(char::is_alphabetic);
    let named = ordinal || (around.is_name(1) && !before.ends_with(','));
    let mid_sentence = around.before.len() > 2 || ordinal;
    let saint = around.word == "st" && !(named && mid_sentence);
    if saint {
        return by_capital(around, |next| !(named && among(next, &[STARTERS])));
    }
    if !named {
        return by_capital(around, |next| !among(next, &[STARTERS]));
    }
    by_capital(around, |next| among(next, &[AFTER_STREET]))
}

/// `Apt. 3B`, `Ste. C`.
fn numbered(around: &Around<'_>) -> Verdict {
    by_capital(around, |next| {
        next.chars().count() == 1 && !matches!(next, "I" | "A") || !among(next, &[STARTERS])
    })
}

/// `No. 5` is a number, `No. We are closed.` an answer, `No. 5 p.m. is taken.` too.
fn answer_or_number(around: &Around<'_>) -> Verdict {
    match around.next {
        Next::Nothing => Verdict::Unknown,
        Next::Digit if around.is_first() => amount_or_number(around),
        Next::Digit => Verdict::Inside,
        Next::Lower if !around.is_first() || around.is_named => Verdict::Inside,
        _ => Verdict::Ends,
    }
}

/// What stands behind `No. 5` at the beginning: a verb makes it a number, anything counted an answer.
fn amount_or_number(around: &Around<'_>) -> Verdict {
    let figure = around.after.trim_start();
    let rest = figure.trim_start_matches(|c: char| c.is_ascii_digit());
    let Some(mark) = rest.chars().next() else {
        return if around.is_complete {
            Verdict::Inside
        } else {
            Verdict::Unknown
        };
    };
    if !mark.is_whitespace() {
        let ends = matches!(mark, ',' | '?' | '!' | ';' | ')')
            || rest.starts_with(". ")
            || (rest == "." && around.is_complete);
        return match rest {
            "." if !around.is_complete => Verdict::Unknown,
            _ if ends => Verdict::Inside,
            _ => Verdict::Ends,
        };
    }
    let word = rest.trim_start();
    match word.find(|c: char| !c.is_alphabetic()) {
        None if !around.is_complete => Verdict::Unknown,
        end => {
            let word = &word[..end.unwrap_or(word.len())];
            if word.is_empty() || among(word, &[VERBS]) {
                Verdict::Inside
            } else {
                Verdict::Ends
            }
        }
    }
}

/// A single capital letter; also each of `U.S`.
fn is_initial(around: &Around<'_>) -> bool {
    let word = around.back(0);
    word.chars().count() == 1 && word.chars().all(char::is_uppercase)
}

/// `J. Smith` goes on; `vitamin D. Take it`, `so do I. Would`, `S M I T H. Is that right` end.
fn initial(around: &Around<'_>) -> Verdict {
    if around.back(0) == "I" && !around.is_first() && !around.is_name(1) {
        return Verdict::Ends;
    }
    by_capital(around, |next| {
        around.is_first() || !among(next, &[STARTERS])
    })
}
