//! Two numbers with a slash between them: fraction, date, blood pressure, or what people say by name.

use super::{
    Reading,
    calendar::is_day,
    figure::{figure, fraction_words, mixed_words, vulgar},
    lexer::{Token, View},
    measure,
    numbers::{cardinal, month_day, pairs},
    time,
};

/// What a fraction is a fraction of.
const PARTS: [&str; 58] = [
    "of",
    "cup",
    "cups",
    "tablet",
    "tablets",
    "pill",
    "pills",
    "capsule",
    "capsules",
    "dose",
    "doses",
    "hour",
    "hours",
    "mile",
    "miles",
    "inch",
    "inches",
    "teaspoon",
    "teaspoons",
    "tablespoon",
    "tablespoons",
    "ounce",
    "ounces",
    "pound",
    "pounds",
    "pint",
    "pints",
    "quart",
    "quarts",
    "gallon",
    "gallons",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "minute",
    "minutes",
    "pack",
    "packs",
    "bottle",
    "strip",
    "patch",
    "patches",
    "scoop",
    "scoops",
    "full",
    "empty",
    "a",
    "an",
    "the",
    "percent",
    "price",
    "size",
    "way",
];
/// What is done with a part of something.
const TAKE: [&str; 16] = [
    "take", "takes", "taking", "cut", "split", "add", "use", "mix", "drink", "apply", "give",
    "chew", "swallow", "measure", "eat", "inject",
];
/// What stands just before a date, even before one that could be a fraction.
const BEFORE_DATE: [&str; 14] = [
    "on",
    "until",
    "till",
    "since",
    "before",
    "after",
    "starting",
    "dated",
    "beginning",
    "date",
    "born",
    "due",
    "effective",
    "between",
];
/// What stands before a date that can be no fraction.
const BEFORE_PLAIN_DATE: [&str; 6] = ["by", "from", "to", "for", "through", "and"];
/// What a sentence with a date is about.
const ABOUT_DATE: [&str; 26] = [
    "due",
    "last",
    "next",
    "date",
    "appointment",
    "appointments",
    "scheduled",
    "visit",
    "born",
    "birthday",
    "dob",
    "available",
    "opening",
    "openings",
    "reschedule",
    "rescheduled",
    "booked",
    "closed",
    "deadline",
    "expires",
    "work",
    "works",
    "free",
    "slot",
    "slots",
    "book",
];
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Everything of the form `n/m`, mixed numbers, and `½`.
pub(super) fn slashed(view: View<'_>) -> Reading {
    mixed(view)
        .or_else(|| alone(view))
        .or_else(|| known(view))
        .or_else(|| pressure(view))
        .or_else(|| fraction(view))
        .or_else(|| score(view))
        .or_else(|| date(view))
}

/// Numerator, denominator and the token after them.
pub(super) fn pair(view: View<'_>, k: usize) -> Option<(u32, u32, usize)> {
    let top = view.tok(k).short_value(3)?;
    let slash = view.glued(k + 1)?;
    let bottom = view.glued(k + 2)?.short_value(3)?;
    let goes_on = view.glued(k + 3).is_some_and(|t| t.is('/'))
        && view.glued(k + 4).is_some_and(|t| t.digits().is_some());
    let fits = (slash.is('/') || slash.is('\u{2044}')) && !goes_on;
    fits.then_some((top, bottom, k + 3))
}

/// Whether people use this fraction: reduced, and without zeros in front. `5/10 mg` names two amounts.
pub(super) fn is_common(view: View<'_>, k: usize, top: u32, bottom: u32) -> bool {
    let plain = !view.tok(k).text.starts_with('0') && !view.tok(k + 2).text.starts_with('0');
    let common = matches!(bottom, 2..=10 | 12 | 16 | 32 | 64 | 100);
    let reduced = (2..=top).all(|d| !(top.is_multiple_of(d) && bottom.is_multiple_of(d)));
    plain && common && top > 0 && top < bottom && reduced
}

/// `2 1/2`, `2-1/2`, `2½`, `2 ½`.
fn mixed(view: View<'_>) -> Reading {
    let (used, words) = mixed_number(view)?;
    of_unit(view, used, words, false)
}

/// The words of a mixed number, whatever follows it.
pub(super) fn mixed_number(view: View<'_>) -> Reading {
    let whole = view.tok(0).digits().filter(|d| d.len() <= 3)?;
    if let Some((top, bottom)) = view.tok(1).symbol().and_then(vulgar) {
        return Some((2, mixed_words(whole, top, bottom)));
    }
    let hyphen = view.glued(1).is_some_and(Token::is_dash) && view.glued(2).is_some();
    let at = 1 + usize::from(hyphen);
    if !hyphen && !view.tok(1).spaced {
        return None;
    }
    let (top, bottom, end) = pair(view, at)?;
    is_common(view, at, top, bottom).then(|| (end, mixed_words(whole, top, bottom)))
}

/// `½`
fn alone(view: View<'_>) -> Reading {
    let (top, bottom) = vulgar(view.tok(0).symbol()?)?;
    of_unit(view, 1, fraction_words(top, bottom), top < bottom)
}

/// Adds the unit that may follow at token `end`.
fn of_unit(view: View<'_>, end: usize, words: String, is_one: bool) -> Reading {
    if view.is_range_dash(end) && view.tok(end + 1).word().is_none() {
        return None;
    }
    let Some(unit) = measure::unit_at(view, end) else {
        return view.ends_or_hyphen(end).then_some((end, words));
    };
    let name = if is_one { &unit.singular } else { &unit.plural };
    let words = format!("{words} {name}{}", unit.stop(view));
    view.ends_or_hyphen(unit.end).then_some((unit.end, words))
}

/// `24/7`, `50/50`, `20/20`: people say the numbers.
fn known(view: View<'_>) -> Reading {
    let (a, b, end) = pair(view, 0)?;
    let words = |n: u32| cardinal(u64::from(n));
    let sight = view.mentions(&["vision", "eyesight", "sight", "acuity"]);
    let said = match (a, b) {
        (24, 7) => "twenty-four seven".to_owned(),
        (50, 50) => "fifty-fifty".to_owned(),
        (20, 20) => "twenty twenty".to_owned(),
        (20, b) if sight || matches!(b, 25 | 30 | 40 | 50 | 60 | 70 | 80 | 100 | 200 | 400) => {
            format!("twenty {}", pairs(&b.to_string()))
        }
        (a, b) if a + b == 100 && a >= 50 => format!("{} {}", words(a), words(b)),
        _ => return None,
    };
    view.ends(end).then_some((end, said))
}

/// `120/80`: the upper number is no month and no numerator.
fn pressure(view: View<'_>) -> Reading {
    let (upper, lower, end) = pair(view, 0)?;
    let named = view.mentions(&["pressure", "bp", "systolic", "mmhg", "hypertension"]);
    let range = (60..=260).contains(&upper) && (30..=160).contains(&lower) && upper > lower;
    if !range || !(named || upper > 80) {
        return None;
    }
    let words = format!(
        "{} over {}",
        cardinal(u64::from(upper)),
        cardinal(u64::from(lower))
    );
    of_unit(view, end, words, false)
}

/// `1/2 tablet`, `3/4 cup`, `Take 1/2 now`; never behind a word that announces a date.
fn fraction(view: View<'_>) -> Reading {
    let (top, bottom, end) = pair(view, 0)?;
    if !is_common(view, 0, top, bottom) {
        return None;
    }
    if view.is_range_dash(end)
        && let Some((top2, bottom2, to)) = pair(view, end + 1)
        && is_common(view, end + 1, top2, bottom2)
        && is_part(view, to)
    {
        let words = format!(
            "{} to {}",
            fraction_words(top, bottom),
            fraction_words(top2, bottom2)
        );
        return of_unit(view, to, words, true);
    }
    let is_fraction =
        is_part(view, end) || leads_to_part(view, end) || (is_taken(view) && !announces_date(view));
    is_fraction.then(|| of_unit(view, end, fraction_words(top, bottom), true))?
}

/// Whether token `k` names what the fraction is a part of.
fn is_part(view: View<'_>, k: usize) -> bool {
    let hyphen = usize::from(view.glued(k).is_some_and(Token::is_dash));
    view.tok(k + hyphen).is_word(&PARTS) || measure::unit_at(view, k).is_some()
}

/// Whether another fraction follows that has its part: `1/2 to 3/4 cup`.
fn leads_to_part(view: View<'_>, k: usize) -> bool {
    let joins = view.tok(k).is_word(&["to", "and", "or"]);
    joins && pair(view, k + 1).is_some_and(|(.., end)| is_part(view, end))
}

/// Whether an earlier word of the sentence is about taking a part.
fn is_taken(view: View<'_>) -> bool {
    view.after_word(&TAKE, 14)
}

fn announces_date(view: View<'_>) -> bool {
    let mark = usize::from(matches!(view.back(1).symbol(), Some(',' | '.')));
    view.back(1).is_word(&BEFORE_DATE) || is_day(view.back(1 + mark))
}

/// `on 12/15`, `Mon, 12/3`, `12/15 at 10:30`; what could be a fraction needs the word just before it.
fn date(view: View<'_>) -> Reading {
    let (first, end, _) = day_at(view, 0)?;
    if view.is_range_dash(end)
        && let Some((second, to, plain)) = day_at(view, end + 1)
        && view.ends(to)
    {
        let (.., first_plain) = day_at(view, 0)?;
        let sure =
            announces_date(view) || view.back(1).is_word(&["from"]) || !(plain && first_plain);
        return sure.then(|| (to, format!("{first} to {second}")));
    }
    let (a, b, _) = pair(view, 0)?;
    let mark = matches!(view.tok(end).symbol(), Some(':' | ',' | '@'))
        || view.tok(end).is_word(&["at", "from"]);
    let at_time = time::read(view, end + usize::from(mark)).is_some_and(|c| c.is_certain());
    let hinted = at_time
        || view.mentions(&ABOUT_DATE)
        || view.mentions(&DAYS)
        || view.back(1).is_word(&BEFORE_PLAIN_DATE)
        || (view.back(1).is_word(&["of"]) && view.back(2).is_word(&["as"]))
        || [0, 2].iter().any(|k| view.tok(*k).text.starts_with('0'));
    let at_hour = view.tok(end).is_word(&["at"]) && view.tok(end + 1).short_value(2).is_some();
    let hinted = hinted || at_hour;
    let certain = announces_date(view) || is_among_dates(view, end) || (at_time && !is_taken(view));
    let is_date = certain || (hinted && !is_common(view, 0, a, b) && !is_taken(view));
    let fits = is_date && view.ends(end) && !is_part(view, end);
    fits.then_some((end, first))
}

/// Whether a date that can be no fraction stands beside it: `9/10 or 9/11`.
fn is_among_dates(view: View<'_>, end: usize) -> bool {
    let joins = ["or", "and", "to", "through"];
    let own = day_at(view, 0).is_some_and(|(.., common)| !common);
    let sure = |view: View<'_>| {
        day_at(view, 0).is_some_and(|(_, end, common)| {
            (own || !common) && view.ends(end) && !is_part(view, end)
        })
    };
    let next = view.tok(end).is_word(&joins) && sure(view.ahead(end + 1));
    let before = view.back(1).is_word(&joins) && view.retreat(4).is_some_and(sure);
    next || before
}

/// A month and day with a slash: the words, the token after, and whether it could be a fraction.
fn day_at(view: View<'_>, k: usize) -> Option<(String, usize, bool)> {
    let (month, day, end) = pair(view, k)?;
    let short = view.tok(k).text.len() <= 2 && view.tok(k + 2).text.len() <= 2;
    let words = month_day(month, day).filter(|_| short)?;
    Some((words, end, is_common(view, k, month, day)))
}

/// `8/10` where the sentence is about a score.
fn score(view: View<'_>) -> Reading {
    let (a, b, end) = pair(view, 0)?;
    let about = [
        "pain", "score", "scored", "scale", "rate", "rated", "rating", "level",
    ];
    let fits = matches!(b, 5 | 10 | 20 | 30 | 100) && a <= b && view.mentions(&about);
    (fits && view.ends(end)).then(|| {
        let (a, b) = (cardinal(u64::from(a)), cardinal(u64::from(b)));
        (end, format!("{a} out of {b}"))
    })
}

/// `5'4"`, `5' 4"`, `5’4`: feet and inches.
pub(super) fn height(view: View<'_>) -> Reading {
    let feet = figure(view)?;
    let mark = view.glued(feet.used)?;
    if !mark.is_apostrophe() {
        return None;
    }
    let at = feet.used + 1;
    let inches = figure(view.ahead(at))?;
    let mut end = at + inches.used;
    let fits = inches.value().is_some_and(|n| n < 12.0) && feet.decimals.is_none();
    let marked = view.glued(end).is_some_and(Token::is_quote);
    let doubled = view.glued(end).is_some_and(Token::is_apostrophe)
        && view.glued(end + 1).is_some_and(Token::is_apostrophe);
    end += usize::from(marked) + 2 * usize::from(doubled);
    let (foot, inch) = (
        if feet.is_one() { "foot" } else { "feet" },
        if inches.is_one() { "inch" } else { "inches" },
    );
    (fits && view.ends_or_hyphen(end)).then(|| {
        (
            end,
            format!("{} {foot} {} {inch}", feet.words(), inches.words()),
        )
    })
}
