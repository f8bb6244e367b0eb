//! Short forms with full stops, and `w/`.

use super::{Reading, address::PLACE_NAMES, code, lexer::View, numbers::spelled};

/// Short forms, lower case, and their words; whether a name has to follow; whether the full stop may be missing.
const SHORT: &[(&str, &str, Follows, bool)] = &[
    ("dr", "Doctor", Follows::Name, true),
    ("drs", "Doctors", Follows::Name, false),
    ("prof", "Professor", Follows::Name, false),
    ("mt", "Mount", Follows::Name, false),
    ("jr", "Junior", Follows::Anything, true),
    ("sr", "Senior", Follows::Anything, true),
    ("vs", "versus", Follows::Anything, true),
    ("approx", "approximately", Follows::Anything, true),
    ("appt", "appointment", Follows::Anything, true),
    ("appts", "appointments", Follows::Anything, true),
    ("etc", "et cetera", Follows::Anything, true),
    ("dept", "department", Follows::Anything, false),
    ("avg", "average", Follows::Anything, false),
    ("incl", "including", Follows::Anything, false),
    ("tel", "telephone", Follows::Anything, false),
    ("hrs", "hours", Follows::Anything, true),
    ("mins", "minutes", Follows::Anything, true),
    ("min", "minimum", Follows::Figure, false),
    ("max", "maximum", Follows::Figure, false),
    ("ext", "extension", Follows::Anything, false),
    ("vit", "vitamin", Follows::Anything, false),
    ("rx", "prescription", Follows::Anything, true),
];

/// What stands behind a short form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    Anything,
    Name,
    Figure,
}

/// `Dr. Lee`, `e.g.`, `Ph.D.`, `No. 5`, `St. Mary's`, `w/o`.
pub(super) fn abbreviation(view: View<'_>) -> Reading {
    number_sign(view)
        .or_else(|| saint(view))
        .or_else(|| dotted_letters(view))
        .or_else(|| with_slash(view))
        .or_else(|| behind(view))
        .or_else(|| short(view))
}

fn is_dotted(view: View<'_>, k: usize) -> bool {
    view.glued(k).is_some_and(|t| t.is('.'))
}

fn short(view: View<'_>) -> Reading {
    let token = view.tok(0);
    let (_, words, follows, bare) = SHORT.iter().find(|(s, ..)| token.is_word(&[s]))?;
    let dotted = is_dotted(view, 1);
    let end = 1 + usize::from(dotted);
    let next = view.tok(end);
    let fits = match follows {
        Follows::Anything => true,
        Follows::Name => next.is_name() && next.spaced && token.is_name(),
        Follows::Figure => next.digits().is_some(),
    };
    if !fits || !(dotted || *bare) || !view.ends(end) {
        return None;
    }
    let stop = if dotted { view.stop(end) } else { "" };
    Some((end, format!("{words}{stop}")))
}

/// `No.` before a figure; as an answer it stays.
fn number_sign(view: View<'_>) -> Reading {
    if view.tok(0).is('№') {
        return Some((1, "number".to_owned()));
    }
    let many = view.tok(0).is_word(&["nos"]);
    if !is_dotted(view, 1) || !(many || view.tok(0).is_word(&["no"])) {
        return None;
    }
    let named = view.back(1).is_word(&code::NAMES) && view.tok(0).text == "no";
    if named && view.ends(2) {
        return Some((2, format!("number{}", view.stop(2))));
    }
    let figure = view.tok(2).digits().is_some();
    let word = if many { "numbers" } else { "number" };
    let is_time = super::time::read(view, 2).is_some_and(|c| c.is_certain());
    (figure && !is_time).then(|| (2, word.to_owned()))
}

/// `St. Mary's`; behind a street's name it is a street.
fn saint(view: View<'_>) -> Reading {
    let dotted = is_dotted(view, 1);
    let end = 1 + usize::from(dotted);
    let next = view.tok(end);
    let is_place = next.is_word(&PLACE_NAMES);
    let after_name = view.back(1).is_name() && (!view.back(2).is_end() || is_place);
    let fits = view.tok(0).text == "St" && next.is_name() && next.spaced && !after_name;
    fits.then(|| (end, "Saint".to_owned()))
}

/// `e.g.`, `U.S.`, `D.D.S.`, `Ph.D.`
fn dotted_letters(view: View<'_>) -> Reading {
    let mut letters = String::new();
    let mut k = 0;
    while (k == 0 || view.glued(k).is_some())
        && let Some(word) = view.tok(k).word()
        && (word.chars().count() == 1 || word == "Ph")
        && is_dotted(view, k + 1)
    {
        letters.push_str(word);
        k += 2;
    }
    let last = view
        .glued(k)
        .and_then(|t| t.word())
        .filter(|w| k > 0 && w.chars().count() == 1);
    if let Some(last) = last.filter(|_| view.ends(k + 1)) {
        letters.push_str(last);
        k += 1;
    }
    if letters.chars().count() < 2 || !view.ends(k) {
        return None;
    }
    let words = match letters.to_lowercase().as_str() {
        "eg" => "for example".to_owned(),
        "ie" => "that is".to_owned(),
        _ => spelled(&letters).join(" "),
    };
    let dotted = view.tok(k - 1).is('.');
    Some((
        k,
        format!("{words}{}", if dotted { view.stop(k) } else { "" }),
    ))
}

/// What only the word before it makes a short form: `per yr.`, `4th fl.`
fn behind(view: View<'_>) -> Reading {
    let before = view.back(1);
    let floor = before.is_word(&["st", "nd", "rd", "th"]) && view.tok(0).is_word(&["fl"]);
    let span = before.is_word(&["per", "each", "every", "a", "an"]);
    let dot = usize::from(is_dotted(view, 1));
    let of = view.tok(1 + dot).is_word(&["of"]) && view.tok(1 + dot).spaced;
    let words = match view.tok(0).text {
        _ if floor => "floor",
        "N" if of => "north",
        "S" if of => "south",
        "E" if of => "east",
        "W" if of => "west",
        "yr" if span => "year",
        "mo" if span => "month",
        "wk" if span => "week",
        "hr" if span => "hour",
        "min" if span => "minute",
        _ => return None,
    };
    let dotted = is_dotted(view, 1);
    let end = 1 + usize::from(dotted);
    let stop = if dotted { view.stop(end) } else { "" };
    view.ends(end).then(|| (end, format!("{words}{stop}")))
}

/// `w/`, `w/o`, `c/o`, `n/a`.
fn with_slash(view: View<'_>) -> Reading {
    if !view.glued(1).is_some_and(|t| t.is('/')) {
        return None;
    }
    let second = view.glued(2).and_then(|t| t.word()).unwrap_or("");
    let (used, words) = match (view.tok(0).text, second) {
        ("w" | "W", "o") => (3, "without"),
        ("w", "in") => (3, "within"),
        ("c", "o") => (3, "care of"),
        ("n", "a") | ("N", "A") => (3, "not applicable"),
        ("w" | "W", _) => return Some((2, "with".to_owned())),
        _ => return None,
    };
    view.ends(used).then(|| (used, words.to_owned()))
}
