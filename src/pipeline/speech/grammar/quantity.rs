//! Amounts: a sign, a figure or a range, and a unit; and figures alone.

use super::{
    Reading,
    figure::{Figure, figure, fraction_words, vulgar},
    lexer::{Token, View},
    measure::{Unit, unit_at},
    numbers::{amount, digits, ordinal},
    slash,
};

/// Words that say already what `~` says.
const ABOUT: [&str; 5] = ["about", "approx", "approximately", "around", "roughly"];

/// `~30 min`, `-5°F`, `2 1/2 mg`, `5-10 mL`, `12.5%`, `1,250`, `2nd`, `65+`.
pub(super) fn quantity(view: View<'_>) -> Reading {
    let (skip, sign) = sign(view);
    let rest = view.ahead(skip);
    let (used, words) = ordinal_figure(rest)
        .filter(|_| skip == 0)
        .or_else(|| ranged(rest))
        .or_else(|| dimensions(rest))
        .or_else(|| measured(rest))
        .or_else(|| bare(rest))?;
    Some((skip + used, format!("{sign}{words}")))
}

/// What stands glued before a figure and changes it.
fn sign(view: View<'_>) -> (usize, String) {
    let mut words = String::new();
    let mut k = 0;
    while k < 3 {
        if view.tok(k).is('+') && view.tok(k + 1).is('/') && view.tok(k + 2).is_dash() {
            words += "plus or minus ";
            k += 3;
            break;
        }
        let (used, word) = match (view.tok(k).symbol(), view.tok(k + 1).symbol()) {
            (Some('<'), Some('=')) | (Some('≤' | '⩽'), _) => ("<=", "at most"),
            (Some('>'), Some('=')) | (Some('≥' | '⩾'), _) => (">=", "at least"),
            (Some('<'), _) => ("<", "less than"),
            (Some('>'), _) => (">", "more than"),
            (Some('~' | '≈' | '∼'), _) if k == 0 && view.back(1).is_word(&ABOUT) => ("~", ""),
            (Some('~' | '≈' | '∼'), _) => ("~", "about"),
            (Some('±'), _) => ("±", "plus or minus"),
            (Some('+'), _) => ("+", "plus"),
            _ if view.tok(k).is_dash() && (k > 0 || view.is_apart()) => ("-", "minus"),
            _ => break,
        };
        let symbols = if used.len() == 2 && view.tok(k + 1).is('=') {
            2
        } else {
            1
        };
        let is_compared = matches!(used, "<" | ">" | "<=" | ">=" | "~");
        let next = view.tok(k + symbols);
        let leads = next.digits().is_some()
            || next.is('.')
            || next.is_dash()
            || next.symbol().is_some_and(|s| vulgar(s).is_some());
        let is_serial = used == "-" && next.text.len() > 1 && next.text.starts_with('0');
        if is_serial || !leads || (next.spaced && !is_compared) {
            break;
        }
        if !word.is_empty() {
            words += word;
            words.push(' ');
        }
        k += symbols;
    }
    (k, words)
}

/// An amount in words, and whether a unit behind it is in the singular.
struct Amount {
    words: String,
    is_one: bool,
    /// Of whole digits only, fit for a range without a unit.
    figure: Option<Figure>,
    used: usize,
}

fn read(view: View<'_>) -> Option<Amount> {
    if let Some((used, words)) = slash::mixed_number(view) {
        return Some(Amount {
            words,
            is_one: false,
            figure: None,
            used,
        });
    }
    if let Some((top, bottom)) = view.tok(0).symbol().and_then(vulgar) {
        return Some(Amount {
            words: fraction_words(top, bottom),
            is_one: top < bottom,
            figure: None,
            used: 1,
        });
    }
    if let Some((top, bottom, used)) = slash::pair(view, 0) {
        return slash::is_common(view, 0, top, bottom).then(|| Amount {
            words: fraction_words(top, bottom),
            is_one: true,
            figure: None,
            used,
        });
    }
    let figure = figure(view)?;
    Some(Amount {
        words: figure.words(),
        is_one: figure.is_one(),
        used: figure.used,
        figure: Some(figure),
    })
}

/// An amount with a unit: `500mg/5mL`.
fn measured(view: View<'_>) -> Reading {
    let amount = read(view)?;
    let unit = unit_at(view, amount.used)?;
    view.ends_or_hyphen(unit.end)
        .then(|| (unit.end, with_unit(view, &amount, &unit)))
}

fn with_unit(view: View<'_>, amount: &Amount, unit: &Unit) -> String {
    let name = if amount.is_one {
        &unit.singular
    } else {
        &unit.plural
    };
    format!("{} {name}{}", amount.words, unit.stop(view))
}

/// `5-10 mg`, `10%-20%`, `30–45`, `5.5-6.5`, `1 1/2–2 cups`.
fn ranged(view: View<'_>) -> Reading {
    let first = read(view)?;
    let own = unit_at(view, first.used).filter(|u| view.is_range_dash(u.end));
    let dash = own.as_ref().map_or(first.used, |u| u.end);
    if !view.is_range_dash(dash) {
        return None;
    }
    let second = read(view.ahead(dash + 1))?;
    let at = dash + 1 + second.used;
    let unit = unit_at(view, at);
    let from = match &own {
        Some(unit) => with_unit(view, &first, unit),
        None => first.words.clone(),
    };
    if let Some(unit) = unit {
        let words = format!("{from} to {}", with_unit(view, &second, &unit));
        return view.ends_or_hyphen(unit.end).then_some((unit.end, words));
    }
    let plain = own.is_some() || (is_count(&first) && is_count(&second) && rises(&first, &second));
    let dated = view.back(1).is_word(&["on", "born", "dated"]) && is_month_day(&first, &second);
    let plain = plain && !dated;
    let plus = view.glued(at).is_some_and(|t| t.is('+'));
    let sum = view.tok(at).is('=');
    (plain && !plus && !sum && view.ends_or_hyphen(at))
        .then(|| (at, format!("{from} to {}", second.words)))
}

/// Whether an amount may stand in a range without a unit.
fn is_count(amount: &Amount) -> bool {
    amount.figure.as_ref().is_some_and(|f| {
        let short = f.whole.len() <= 3 || f.has_commas || f.whole.ends_with('0');
        short && (f.whole.len() == 1 || !f.whole.starts_with('0'))
    })
}

/// `on 12-14` may be a date.
fn is_month_day(first: &Amount, second: &Amount) -> bool {
    let within = |a: &Amount, most: f64| {
        let value = a.figure.as_ref().and_then(Figure::value);
        value.is_some_and(|v| (1.0..=most).contains(&v))
    };
    within(first, 12.0) && within(second, 31.0)
}

/// Long numbers make a range only if the second is the greater one; short ones are read alike anyhow.
fn rises(first: &Amount, second: &Amount) -> bool {
    let value = |a: &Amount| a.figure.as_ref().and_then(Figure::value).unwrap_or(0.0);
    let short = |a: &Amount| a.figure.as_ref().is_some_and(|f| f.whole.len() <= 3);
    (short(first) && short(second)) || value(first) < value(second)
}

/// `8x10`, `8 x 10`, `2 × 3`, `3 x 250 mg`.
fn dimensions(view: View<'_>) -> Reading {
    let first = figure(view)?;
    let sign = view.tok(first.used).text;
    if !matches!(sign, "x" | "X" | "×") {
        return None;
    }
    let at = first.used + 1;
    let second = read(view.ahead(at))?;
    let mut end = at + second.used;
    let mut words = second.words.clone();
    let unit = unit_at(view, end);
    let by = sign != "×" && unit.as_ref().is_none_or(Unit::is_length);
    if let Some(unit) = unit {
        words = with_unit(view, &second, &unit);
        end = unit.end;
    }
    let times = if by { "by" } else { "times" };
    view.ends_or_hyphen(end)
        .then(|| (end, format!("{} {times} {words}", first.words())))
}

/// `1st`, `22nd`, `4th-6th`.
fn ordinal_figure(view: View<'_>) -> Reading {
    let (first, end) = one_ordinal(view, 0)?;
    if view.is_range_dash(end)
        && let Some((second, to)) = one_ordinal(view, end + 1)
        && view.ends(to)
    {
        return Some((to, format!("{first} to {second}")));
    }
    view.ends_or_hyphen(end).then_some((end, first))
}

fn one_ordinal(view: View<'_>, k: usize) -> Option<(String, usize)> {
    let number = view.tok(k).digits().filter(|d| !d.starts_with('0'))?;
    let suffix = view.glued(k + 1)?;
    let fits = suffix.is_word(&["st", "nd", "rd", "th"]);
    let value = number
        .parse::<u64>()
        .ok()
        .filter(|n| fits && *n < 1_000_000)?;
    Some((ordinal(value), k + 2))
}

/// A figure alone; `65+`; `3-day`; a product's `10x`.
fn bare(view: View<'_>) -> Reading {
    let figure = figure(view)?;
    let end = figure.used;
    let is_area = view.back(1).is('(') && figure.whole.len() == 3;
    if is_area && view.tok(end).is(')') && view.tok(end + 1).digits().is_some() {
        return None;
    }
    let plus = view.glued(end).is_some_and(|t| t.is('+')) && view.ends(end + 1);
    if plus {
        return Some((end + 1, format!("{} plus", figure.bare_words())));
    }
    if let Some(reading) = per(view, &figure) {
        return Some(reading);
    }
    if let Some(letter) = letter_behind(view, &figure) {
        return Some((end + 1, letter));
    }
    view.ends_or_hyphen(end).then(|| (end, figure.bare_words()))
}

/// `2/day`
fn per(view: View<'_>, figure: &Figure) -> Reading {
    let slash = view.glued(figure.used)?.is('/');
    let name = match view
        .glued(figure.used + 1)?
        .word()?
        .to_ascii_lowercase()
        .as_str()
    {
        "day" | "d" => "day",
        "week" | "wk" => "week",
        "month" | "mo" => "month",
        "year" | "yr" => "year",
        "hour" | "hr" => "hour",
        "minute" | "min" => "minute",
        "visit" => "visit",
        "person" => "person",
        _ => return None,
    };
    let end = figure.used + 2;
    (slash && view.ends(end)).then(|| (end, format!("{} per {name}", figure.bare_words())))
}

/// `3B`, `12A`: a short number with a capital letter.
fn letter_behind(view: View<'_>, figure: &Figure) -> Option<String> {
    let letter = view.glued(figure.used)?;
    if !view.ends(figure.used + 1) {
        return None;
    }
    if matches!(letter.text, "k" | "K") {
        return Some(format!("{} K", figure.words()));
    }
    let short = figure.whole.len() <= 3 && figure.decimals.is_none();
    let fits = letter.is_capitals() && letter.text.len() == 1 && short;
    fits.then(|| format!("{} {}", amount(&figure.whole), letter.text))
}

/// Groups of digits with spaces between that are one number: a card's, an identity's, a foreign telephone's.
pub(super) fn spaced_serial(view: View<'_>) -> Reading {
    let lens: Vec<usize> = (0..8)
        .map_while(|k| view.tok(k).digits().map(str::len))
        .collect();
    let fits = match lens.as_slice() {
        [3, 2, 4] => true,
        all => {
            (3..=5).contains(&all.len())
                && (all.iter().all(|l| *l == 4) || (all.len() == 5 && all.iter().all(|l| *l == 2)))
        }
    };
    let words: Vec<String> = (0..lens.len()).map(|k| digits(view.tok(k).text)).collect();
    (fits && view.ends(lens.len())).then(|| (lens.len(), words.join(", ")))
}

/// Groups of digits between hyphens that are nothing else: an identity number, a card.
pub(super) fn serial(view: View<'_>) -> Reading {
    let mut groups = vec![view.tok(0).digits()?];
    let mut end = 1;
    while view.glued(end).is_some_and(Token::is_dash)
        && let Some(next) = view.glued(end + 1).and_then(|t| t.digits())
    {
        groups.push(next);
        end += 2;
    }
    let count: usize = groups.iter().map(|g| g.len()).sum();
    let singles = groups.len() >= 3 && groups.iter().all(|g| g.len() == 1);
    let long = groups.len() >= 2 && count >= 7;
    let words: Vec<String> = groups.iter().map(|g| digits(g)).collect();
    ((singles || long) && view.ends(end)).then(|| (end, words.join(", ")))
}
