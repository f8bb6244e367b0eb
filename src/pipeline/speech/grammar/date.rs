//! Dates with a year in figures, or with the month's name.

use super::{
    Reading,
    lexer::View,
    measure::unit_at,
    numbers::{month_day, month_name, ordinal, short_year, year},
    time,
};

const NAMES: [&str; 12] = [
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
];
/// Short forms of months and the month.
const SHORT: [(&str, u32); 13] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("sept", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("febr", 2),
];

/// `2026-12-15`, `2026-12-15T10:30:00Z`, `12/15/2026`, `12-15-2026`, `05/12/84`, and ranges of them.
pub(super) fn in_figures(view: View<'_>) -> Reading {
    if let Some(reading) = with_time(view) {
        return Some(reading);
    }
    let (used, words) = one_in_figures(view, 0)?;
    if view.is_range_dash(used)
        && let Some((end, to)) = one_in_figures(view, used + 1)
        && view.ends(end)
    {
        return Some((end, format!("{words} to {to}")));
    }
    view.ends(used).then_some((used, words))
}

/// `9/2026`: month and year.
pub(super) fn month_of_year(view: View<'_>) -> Reading {
    let month = view.tok(0).short_value(2)?;
    let slash = view.glued(1)?.is('/');
    let at = view.glued(2)?;
    let fits = slash && at.text.len() == 4 && view.ends(3);
    let value = at.value().filter(|y| fits && (1900..2100).contains(y))?;
    Some((3, format!("{} {}", month_name(month)?, year(value))))
}

/// The date of an ISO date-time, then its time as it is on the clock there.
fn with_time(view: View<'_>) -> Reading {
    let (used, words) = one_in_figures(view, 0)?;
    if view.glued(used)?.text != "T" {
        return None;
    }
    let hour = view.glued(used + 1)?;
    let minute = view.glued(used + 3)?;
    let colon = view.tok(used + 2).is(':');
    let fits = hour.text.len() == 2 && minute.text.len() == 2 && colon;
    let (hour, minute) = (hour.value().filter(|_| fits)?, minute.value()?);
    if hour > 23 || minute > 59 {
        return None;
    }
    let half = if hour < 12 { "A M" } else { "P M" };
    let face = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut end = used + 4;
    while view.glued(end).is_some_and(|t| {
        matches!(t.symbol(), Some(':' | '.' | '+' | '-')) || t.digits().is_some() || t.text == "Z"
    }) && !view.ends(end)
    {
        end += 1;
    }
    let at = super::numbers::clock(face, minute);
    view.ends(end)
        .then(|| (end, format!("{words} at {at} {half}")))
}

/// Three numbers with the same sign between them.
fn one_in_figures(view: View<'_>, k: usize) -> Option<(usize, String)> {
    let sign = |k: usize| match view.glued(k)?.symbol()? {
        '/' => Some('/'),
        '.' => Some('.'),
        _ if view.tok(k).is_dash() => Some('-'),
        _ => None,
    };
    let (first, second, third) = (view.tok(k), view.glued(k + 2)?, view.glued(k + 4)?);
    let by = sign(k + 1).filter(|s| Some(*s) == sign(k + 3))?;
    let goes_on =
        sign(k + 5) == Some(by) && view.glued(k + 6).is_some_and(|t| t.digits().is_some());
    let lens = [first, second, third].map(|t| t.digits().map_or(0, str::len));
    let (a, b, c) = (first.value()?, second.value()?, third.value()?);
    if goes_on {
        return None;
    }
    let words = match lens {
        [4, 1..=2, 1..=2] if (1800..2200).contains(&a) => {
            format!("{}, {}", month_day(b, c)?, year(a))
        }
        [1..=2, 1..=2, 4] if (1800..2200).contains(&c) => {
            format!("{}, {}", either_order(a, b)?, year(c))
        }
        [1..=2, 1..=2, 2] if by == '/' || is_dated(view, k) => {
            format!("{}, {}", either_order(a, b)?, short_year(c))
        }
        _ => return None,
    };
    Some((k + 5, words))
}

/// Month and day as in this country; the other way round where it can be only that.
fn either_order(a: u32, b: u32) -> Option<String> {
    if a > 12 {
        month_day(b, a)
    } else {
        month_day(a, b)
    }
}

/// Whether the words before speak of a date.
fn is_dated(view: View<'_>, k: usize) -> bool {
    let at = view.ahead(k);
    at.after_word(
        &[
            "on", "born", "birth", "date", "dated", "dob", "since", "until",
        ],
        4,
    )
}

/// A month's name at `k`: the month, the token after it, and whether the name is a short one.
fn month(view: View<'_>, k: usize) -> Option<(u32, usize, bool)> {
    let word = view.tok(k).word()?;
    let lower = word.to_lowercase();
    let is_plain_word = matches!(word, "may" | "march");
    if let Some(at) = NAMES
        .iter()
        .position(|n| *n == lower)
        .filter(|_| !is_plain_word)
    {
        return Some((u32::try_from(at).ok()? + 1, k + 1, false));
    }
    let (_, number) = SHORT.iter().find(|(n, _)| *n == lower)?;
    if !view.tok(k).is_name() {
        return None;
    }
    let dotted = view.glued(k + 1).is_some_and(|t| t.is('.'));
    Some((*number, k + 1 + usize::from(dotted), true))
}

/// `Dec. 3`, `December 3rd, 2026`, `Dec. 3-5`, `Dec. 3 – Jan. 2`, `Dec. 2026`, `in Dec.`
pub(super) fn with_name(view: View<'_>) -> Reading {
    let (number, at, is_short) = month(view, 0)?;
    if let Some((mut end, mut words)) = day_of(view, number, at) {
        if let Some((to, more)) = later_day(view, end) {
            words = format!("{words} to {more}");
            end = to;
        }
        let (end, words) = year_after(view, end, words);
        return Some((end, words));
    }
    if let Some(reading) = month_and_year(view, number, at) {
        return Some(reading);
    }
    if view.is_range_dash(at)
        && let Some((to, end, _)) = month(view, at + 1)
    {
        let fits = view.ends(end) && (is_short || view.ends(at + 2));
        let words = format!("{} to {}", month_name(number)?, month_name(to)?);
        let stop = if view.tok(end - 1).is('.') {
            view.stop(end)
        } else {
            ""
        };
        return fits.then(|| (end, format!("{words}{stop}")));
    }
    let dotted = view.tok(at - 1).is('.');
    let alone = is_short && dotted && view.ends(at);
    alone.then(|| Some((at, format!("{}{}", month_name(number)?, view.stop(at)))))?
}

fn month_and_year(view: View<'_>, number: u32, at: usize) -> Reading {
    let apostrophe = view.tok(at).is_apostrophe();
    let token = view.tok(at + usize::from(apostrophe));
    let value = token.value()?;
    let end = at + 1 + usize::from(apostrophe);
    let words = match token.text.len() {
        4 if !apostrophe && (1900..2100).contains(&value) => year(value),
        2 if apostrophe => short_year(value),
        _ => return None,
    };
    let name = month_name(number)?;
    view.ends(end).then(|| (end, format!("{name} {words}")))
}

/// The day of the month at `at`, `3` or `3rd`; not the hour of a time.
fn day_of(view: View<'_>, month: u32, at: usize) -> Option<(usize, String)> {
    let token = view.tok(at);
    let day = token.short_value(2)?;
    let suffix = view
        .glued(at + 1)
        .is_some_and(|t| t.is_word(&["st", "nd", "rd", "th"]));
    let end = at + 1 + usize::from(suffix);
    let is_time = time::read(view, at).is_some_and(time::Clock::is_certain);
    let dash = view.is_range_dash(end);
    let is_count = !suffix && unit_at(view, end).is_some();
    let fits = !is_time && !is_count && (view.ends(end) || dash);
    fits.then(|| Some((end, month_day(month, day)?)))?
}

/// `-5` or `– Jan. 2` behind a day.
fn later_day(view: View<'_>, k: usize) -> Option<(usize, String)> {
    if !view.is_range_dash(k) {
        return None;
    }
    if let Some((number, at, _)) = month(view, k + 1) {
        return day_of(view, number, at).filter(|(end, _)| view.ends(*end));
    }
    let day = view
        .tok(k + 1)
        .short_value(2)
        .filter(|d| (1..=31).contains(d))?;
    let suffix = view
        .glued(k + 2)
        .is_some_and(|t| t.is_word(&["st", "nd", "rd", "th"]));
    let end = k + 2 + usize::from(suffix);
    view.ends(end).then(|| (end, ordinal(u64::from(day))))
}

/// `, 2026` or ` 2026` or `, '26`.
fn year_after(view: View<'_>, end: usize, words: String) -> (usize, String) {
    let comma = view.glued(end).is_some_and(|t| t.is(','));
    let at = end + usize::from(comma);
    if view.tok(at).is_apostrophe()
        && let Some(value) = view.glued(at + 1).and_then(|t| t.short_value(2))
        && view.ends(at + 2)
    {
        return (at + 2, format!("{words}, {}", short_year(value)));
    }
    let token = view.tok(at);
    match token.value() {
        Some(value)
            if token.text.len() == 4 && (1900..2100).contains(&value) && view.ends(at + 1) =>
        {
            (at + 1, format!("{words}, {}", year(value)))
        }
        _ => (end, words),
    }
}

/// `3 December 2026`, `15 Dec.` behind "on", `3rd of Dec.`
pub(super) fn day_first(view: View<'_>) -> Reading {
    let day = view
        .tok(0)
        .short_value(2)
        .filter(|d| (1..=31).contains(d))?;
    let suffix = view
        .glued(1)
        .is_some_and(|t| t.is_word(&["st", "nd", "rd", "th"]));
    let mut k = 1 + usize::from(suffix);
    let of = view.tok(k).is_word(&["of"]);
    k += usize::from(of);
    if !view.tok(k).spaced {
        return None;
    }
    let (number, end, _) = month(view, k)?;
    let name = month_name(number)?;
    let day = ordinal(u64::from(day));
    let stop = if view.tok(end - 1).is('.') {
        view.stop(end)
    } else {
        ""
    };
    let (with_year, words) = year_after(view, end, format!("{day} of {name}"));
    let has_year = with_year > end;
    let is_date = has_year || suffix || view.after_word(&["on", "by", "until", "since"], 1);
    let the = if suffix || view.back(1).is_word(&["the"]) {
        ""
    } else {
        "the "
    };
    let fits = is_date && (has_year || view.ends(end));
    fits.then(|| {
        (
            with_year,
            format!("{the}{words}{}", if has_year { "" } else { stop }),
        )
    })
}
