//! Days of the week, and years and their ranges.

use super::{
    Reading,
    lexer::{Token, View},
    numbers::{cardinal, short_year, year},
};

/// A day's name and its short forms.
const DAYS: [(&str, &[&str]); 7] = [
    ("Monday", &["mon", "mo"]),
    ("Tuesday", &["tue", "tues", "tu"]),
    ("Wednesday", &["wed", "weds"]),
    ("Thursday", &["thu", "thur", "thurs", "th"]),
    ("Friday", &["fri", "fr"]),
    ("Saturday", &["sat"]),
    ("Sunday", &["sun"]),
];

/// The day that the token names, if it is in its full or short form.
fn day(token: Token<'_>) -> Option<&'static str> {
    if !token.is_name() {
        return None;
    }
    let of = |(name, short): &(&'static str, &[&str])| {
        let fits =
            token.text.eq_ignore_ascii_case(name) || (token.text.len() > 2 && token.is_word(short));
        fits.then_some(*name)
    };
    DAYS.iter().find_map(of)
}

/// Whether the token names a day.
pub(super) fn is_day(token: Token<'_>) -> bool {
    day(token).is_some()
}

/// `Tues.`, `Mon-Fri`, `Mon.–Fri.`, `M-F`, `Mon/Wed/Fri`.
pub(super) fn weekday(view: View<'_>) -> Reading {
    if let Some(reading) = monday_to_friday(view) {
        return Some(reading);
    }
    let first = day(view.tok(0))?;
    let mut end = after(view, 0);
    let mut words = first.to_owned();
    let mut joined = false;
    loop {
        let slash = view.glued(end).is_some_and(|t| t.is('/') || t.is('&'));
        if !slash && !view.is_range_dash(end) {
            break;
        }
        let Some(next) = day(view.tok(end + 1)) else {
            break;
        };
        words += if slash { " and " } else { " to " };
        words += next;
        end = after(view, end + 1);
        joined = true;
    }
    if !view.ends(end) {
        return None;
    }
    let dotted = view.tok(end - 1).is('.');
    let is_short = !view.tok(0).text.eq_ignore_ascii_case(first);
    let is_english = view.tok(0).is_word(&["sat", "sun"]);
    let named = if is_english {
        is_day_here(view, end)
    } else {
        dotted || is_short
    };
    let stop = if dotted { view.stop(end) } else { "" };
    (joined || (is_short && named)).then(|| (end, format!("{words}{stop}")))
}

/// The token after a day's name and its full stop.
fn after(view: View<'_>, k: usize) -> usize {
    let short = view.tok(k).text.len() <= 5;
    k + 1 + usize::from(short && view.glued(k + 1).is_some_and(|t| t.is('.')))
}

/// Whether `Sat` or `Sun` is a day, not a word.
fn is_day_here(view: View<'_>, end: usize) -> bool {
    let before = [
        "on", "and", "or", "to", "through", "next", "this", "every", "by", "until", "from",
    ];
    let dotted = view.tok(end - 1).is('.') && !view.is_last(end);
    let after_time = view.back(1).is_word(&["noon", "midnight", "am", "pm", "m"])
        || view.back(1).digits().is_some();
    let comma = after_time || view.tok(end).is(',') || view.tok(end).digits().is_some();
    dotted || comma || view.back(1).is_word(&before) || view.back(1).is(',')
}

/// `M-F`
fn monday_to_friday(view: View<'_>) -> Reading {
    let dash = view.glued(1)?.is_dash() && view.glued(2).is_some();
    let to = match (view.tok(0).text, view.tok(2).text) {
        ("M", "F") => "Friday",
        ("M", "Th") => "Thursday",
        ("M", "Sat" | "Sa") => "Saturday",
        _ => return None,
    };
    (dash && view.ends(3)).then(|| (3, format!("Monday to {to}")))
}

fn is_year(token: Token<'_>) -> Option<u32> {
    token
        .value()
        .filter(|y| token.text.len() == 4 && (1900..2100).contains(y))
}

/// `2024-2025`, `2024–25`, `1990s`, `'84`, and a year behind a word that goes before years.
pub(super) fn years(view: View<'_>) -> Reading {
    if let Some(reading) = decade(view).or_else(|| short(view)) {
        return Some(reading);
    }
    let from = is_year(view.tok(0))?;
    let dash = view.is_range_dash(1) || view.glued(1).is_some_and(|t| t.is('/'));
    if dash && view.ends(3) {
        if let Some(to) = is_year(view.tok(2)).filter(|to| from < *to) {
            return Some((3, format!("{} to {}", year(from), year(to))));
        }
        let tail = view
            .glued(2)
            .and_then(|t| t.short_value(2).filter(|_| t.text.len() == 2));
        return tail
            .filter(|tail| *tail == (from + 1) % 100)
            .map(|tail| (3, format!("{} to {}", year(from), short_year(tail))));
    }
    let named = view.back(1).is_word(&[
        "in",
        "since",
        "year",
        "of",
        "until",
        "till",
        "before",
        "after",
        "during",
        "from",
        "by",
        "mid",
        "early",
        "late",
        "spring",
        "summer",
        "fall",
        "autumn",
        "winter",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]);
    let fits = named && view.ends(1) && super::measure::unit_at(view, 1).is_none();
    fits.then(|| (1, year(from)))
}

/// `1990s`, `90s`, `'90s`, `1990's`.
fn decade(view: View<'_>) -> Reading {
    let quote = usize::from(view.tok(0).is_apostrophe());
    let token = if quote > 0 {
        view.glued(1)?
    } else {
        view.tok(0)
    };
    let at = quote + 1;
    let own = usize::from(view.glued(at).is_some_and(Token::is_apostrophe));
    let fits = view.glued(at + own)?.text == "s" && view.ends(at + own + 1);
    let value = token.value().filter(|v| fits && v % 10 == 0)?;
    let tens = u64::from(value % 100);
    let ages = [
        "the", "early", "mid", "late", "low", "high", "upper", "lower", "her", "his", "their",
        "your", "my", "in",
    ];
    let told = quote > 0 || view.back(1).is_word(&ages);
    let plural = match (token.text.len(), tens) {
        (2, 20..) if told => many(&cardinal(tens)),
        (4, _) if !(1000..2100).contains(&value) => return None,
        (4, 0) => format!("{}s", year(value)),
        (4, 10) => format!("{} tens", cardinal(u64::from(value / 100))),
        (4, _) => format!(
            "{} {}",
            cardinal(u64::from(value / 100)),
            many(&cardinal(tens))
        ),
        _ => return None,
    };
    Some((at + own + 1, plural))
}

fn many(tens: &str) -> String {
    format!("{}ies", tens.trim_end_matches('y'))
}

/// `'84`
fn short(view: View<'_>) -> Reading {
    let fits = view.tok(0).is_apostrophe() && view.ends(2);
    let token = view.glued(1)?;
    let value = token
        .short_value(2)
        .filter(|_| fits && token.text.len() == 2)?;
    Some((2, short_year(value)))
}
