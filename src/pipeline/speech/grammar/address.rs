//! Street addresses, rooms, and postal codes.

use super::{
    Reading,
    lexer::{Token, View},
    numbers::{digits, ordinal, pairs},
};

/// Short forms of kinds of streets. The last field: whether the short form needs no full stop to be one.
const STREETS: [(&[&str], &str, bool); 16] = [
    (&["st", "str"], "Street", false),
    (&["ave", "av"], "Avenue", true),
    (&["blvd"], "Boulevard", true),
    (&["rd"], "Road", true),
    (&["dr"], "Drive", false),
    (&["ln"], "Lane", true),
    (&["ct"], "Court", false),
    (&["pl"], "Place", false),
    (&["pkwy", "pky"], "Parkway", true),
    (&["hwy"], "Highway", true),
    (&["sq"], "Square", false),
    (&["ter", "terr"], "Terrace", false),
    (&["cir"], "Circle", false),
    (&["trl"], "Trail", true),
    (&["plz"], "Plaza", true),
    (&["expy"], "Expressway", true),
];
const FULL: [&str; 22] = [
    "street",
    "avenue",
    "boulevard",
    "road",
    "drive",
    "lane",
    "court",
    "place",
    "parkway",
    "highway",
    "square",
    "terrace",
    "circle",
    "trail",
    "plaza",
    "expressway",
    "way",
    "broadway",
    "loop",
    "alley",
    "row",
    "turnpike",
];
const DIRECTIONS: [(&str, &str); 8] = [
    ("N", "North"),
    ("S", "South"),
    ("E", "East"),
    ("W", "West"),
    ("NE", "Northeast"),
    ("NW", "Northwest"),
    ("SE", "Southeast"),
    ("SW", "Southwest"),
];
/// What has a number: short or full form, and the full one.
const PLACES: [(&[&str], &str); 15] = [
    (&["ste", "suite"], "Suite"),
    (&["apt", "apartment"], "Apartment"),
    (&["rm", "room"], "Room"),
    (&["bldg", "building"], "Building"),
    (&["fl", "floor"], "Floor"),
    (&["unit"], "Unit"),
    (&["rt", "rte", "route"], "Route"),
    (&["hwy", "highway"], "Highway"),
    (&["exit"], "Exit"),
    (&["gate"], "Gate"),
    (&["box"], "Box"),
    (&["lot"], "Lot"),
    (&["bay"], "Bay"),
    (&["interstate"], "Interstate"),
    (&["dept"], "Department"),
];
/// What stands behind the name of a street that something is called after.
pub(super) const PLACE_NAMES: [&str; 9] = [
    "clinic", "pharmacy", "hospital", "station", "suite", "office", "location", "parking",
    "entrance",
];
/// States whose short form is a word or says something else.
const WORDS_TOO: [&str; 14] = [
    "in", "or", "me", "hi", "ok", "oh", "pa", "ma", "la", "de", "id", "co", "al", "md",
];
const STATES: &[(&str, &str)] = &[
    ("AL", "Alabama"),
    ("AK", "Alaska"),
    ("AZ", "Arizona"),
    ("AR", "Arkansas"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("DC", "D C"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("HI", "Hawaii"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("IA", "Iowa"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("ME", "Maine"),
    ("MD", "Maryland"),
    ("MA", "Massachusetts"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MS", "Mississippi"),
    ("MO", "Missouri"),
    ("MT", "Montana"),
    ("NE", "Nebraska"),
    ("NV", "Nevada"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NY", "New York"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("PR", "Puerto Rico"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VT", "Vermont"),
    ("VA", "Virginia"),
    ("WA", "Washington"),
    ("WV", "West Virginia"),
    ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
];

/// `1428 Elm Street`, `12 N. Main St.`, `9-12 W. 4th St.`
pub(super) fn house(view: View<'_>) -> Reading {
    let (mut k, number) = house_number(view)?;
    let (used, street) = street_at(view, k)?;
    k += used;
    Some((k, format!("{number} {street}")))
}

/// A street without its house number: `W. 4th St.`
pub(super) fn street(view: View<'_>) -> Reading {
    let begins = direction(view, 0).is_some() || view.tok(0).digits().is_some();
    if !begins {
        return None;
    }
    street_at(view, 0)
}

/// `1428`, `12A`, `9-12`.
fn house_number(view: View<'_>) -> Reading {
    let number = view.tok(0).digits().filter(|d| d.len() <= 5)?;
    let mut words = pairs(number);
    let mut k = 1;
    if let Some(letter) = view
        .glued(k)
        .filter(|t| t.is_capitals() && t.text.len() == 1)
    {
        words = format!("{words} {}", letter.text);
        k += 1;
    } else if view.glued(k).is_some_and(Token::is_dash) {
        let to = view.glued(k + 1)?;
        words = match to.digits() {
            Some(to) => format!("{words} dash {}", pairs(to)),
            None => format!("{words} {}", to.word().filter(|w| w.len() == 1)?),
        };
        k += 2;
    }
    view.tok(k).spaced.then_some((k, words))
}

/// Direction, name and kind of a street from token `from` on.
fn street_at(view: View<'_>, from: usize) -> Reading {
    let mut words: Vec<String> = Vec::new();
    let mut k = from;
    if let Some((end, name)) = direction(view, k) {
        words.push(name.to_owned());
        k = end;
    }
    let name_from = k;
    while k < name_from + 4 {
        if k > name_from
            && let Some((end, kind)) = kind(view, k, true)
        {
            words.push(kind);
            return Some((
                end - from,
                format!("{}{}", words.join(" "), stop_of(view, end)),
            ));
        }
        if view.tok(k).is_word(&["broadway"]) {
            words.push(view.tok(k).text.to_owned());
            return view.ends(k + 1).then(|| (k + 1 - from, words.join(" ")));
        }
        let (end, name) = name(view, k)?;
        words.push(name);
        k = end;
    }
    None
}

/// The sentence's stop, if the short form before token `end` took it.
fn stop_of(view: View<'_>, end: usize) -> &'static str {
    if view.tok(end - 1).is('.') {
        view.stop(end)
    } else {
        ""
    }
}

/// A word of a street's name: `Elm`, `4th`, `St.` as a saint.
fn name(view: View<'_>, k: usize) -> Option<(usize, String)> {
    let token = view.tok(k);
    if !token.spaced {
        return None;
    }
    if let Some(number) = token.digits() {
        let suffix = view.glued(k + 1)?;
        let fits = suffix.is_word(&["st", "nd", "rd", "th"]) && view.tok(k + 2).spaced;
        let value: u64 = number.parse().ok().filter(|_| fits)?;
        return Some((k + 2, ordinal(value)));
    }
    let next_is_spaced = view.tok(k + 1).spaced;
    if token.is_word(&["st"]) && view.glued(k + 1).is_some_and(|t| t.is('.')) {
        return view
            .tok(k + 2)
            .is_name()
            .then(|| (k + 2, "Saint".to_owned()));
    }
    (token.is_name() && next_is_spaced).then(|| (k + 1, token.text.to_owned()))
}

fn direction(view: View<'_>, k: usize) -> Option<(usize, &'static str)> {
    let (_, name) = DIRECTIONS
        .iter()
        .find(|(short, _)| *short == view.tok(k).text)?;
    let dotted = view.glued(k + 1).is_some_and(|t| t.is('.'));
    let end = k + 1 + usize::from(dotted);
    (view.tok(end).spaced && !view.tok(end).is_end()).then_some((end, name))
}

/// The kind of a street, short or full; `sure` if a house number tells that it is one.
fn kind(view: View<'_>, k: usize, sure: bool) -> Option<(usize, String)> {
    let token = view.tok(k);
    let capitals = token.is_capitals() && !view.ahead(k).back(1).is_capitals();
    if !token.is_name() || capitals {
        return None;
    }
    if token.is_word(&FULL) {
        return view.ends(k + 1).then(|| (k + 1, token.text.to_owned()));
    }
    let (_, name, plain) = STREETS.iter().find(|(short, ..)| token.is_word(short))?;
    let dotted = view.glued(k + 1).is_some_and(|t| t.is('.'));
    let end = k + 1 + usize::from(dotted);
    let saint = token.is_word(&["st", "dr"]) && sure && view.tok(k - 1).spaced && {
        let next = view.tok(end);
        next.is_name() && kind(view, end + 1, false).is_some()
    };
    let fits = (dotted || *plain || sure) && !saint && view.ends(end);
    fits.then(|| (end, (*name).to_owned()))
}

/// A kind of street in its short form behind a name: `on Main St.`, `Fifth Ave`.
pub(super) fn lone_kind(view: View<'_>) -> Reading {
    let before = view.back(1);
    let goes_on = view.tok(2);
    let is_place = goes_on.is_end() || goes_on.is_word(&PLACE_NAMES);
    let first = view.back(2).is_end();
    let names =
        before.is_name() && (!first || is_place) || before.is_word(&["st", "nd", "rd", "th"]);
    let (_, _, plain) = STREETS
        .iter()
        .find(|(short, ..)| view.tok(0).is_word(short))?;
    if view.tok(0).is_word(&["dr"])
        || !(names || *plain)
        || before.is_word(&["st"]) && before.is_name()
    {
        return None;
    }
    let (end, name) = kind(view, 0, false)?;
    if view.tok(0).is_word(&FULL) {
        return None;
    }
    Some((end, format!("{name}{}", stop_of(view, end))))
}

/// `Ste. 4`, `Room 204`, `Apt. 3B`, `Rt. 9`, `P.O. Box 123`, `I-95`.
pub(super) fn place(view: View<'_>) -> Reading {
    if let Some(reading) = interstate(view) {
        return Some(reading);
    }
    let token = view.tok(0);
    let (forms, full) = PLACES.iter().find(|(forms, _)| token.is_word(forms))?;
    let is_short = !token.text.eq_ignore_ascii_case(full);
    let dotted = view.glued(1).is_some_and(|t| t.is('.')) && is_short;
    let mut k = 1 + usize::from(dotted);
    if is_short && view.tok(k).is_word(&["no", "number"]) {
        return Some((k, (*full).to_owned()));
    }
    let sharp = view.tok(k).is('#');
    k += usize::from(sharp);
    let number = view.tok(k).digits();
    let name = if is_short { full } else { token.text };
    if let Some(letter) = view
        .tok(k)
        .word()
        .filter(|w| w.len() == 1 && w.to_uppercase() == *w)
    {
        let glued = view.glued(k + 1).and_then(|t| t.digits());
        let short = is_short && *forms != ["dept"];
        return match glued {
            Some(number) if view.ends(k + 2) && number.len() <= 4 => {
                Some((k + 2, format!("{name} {letter} {}", pairs(number))))
            }
            None if short && view.ends(k + 1) => Some((k + 1, format!("{name} {letter}"))),
            _ => None,
        };
    }
    let number = number.filter(|d| d.len() < 5 || !is_short)?;
    let (end, more) = room_tail(view, k + 1);
    view.ends(end)
        .then(|| (end, format!("{name} {}{more}", pairs(number))))
}

/// What belongs to a room's number from token `k` on: `B`, `-B`, `-204`.
fn room_tail(view: View<'_>, k: usize) -> (usize, String) {
    let hyphen = view.glued(k).is_some_and(Token::is_dash);
    let Some(token) = view.glued(k + usize::from(hyphen)) else {
        return (k, String::new());
    };
    let end = k + usize::from(hyphen) + 1;
    let letter = token.is_word(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    match token.digits() {
        Some(number) if hyphen => (end, format!(" dash {}", pairs(number))),
        None if letter && view.ends(end) => (end, format!(" {}", token.text.to_uppercase())),
        _ => (k, String::new()),
    }
}

/// `I-95`, `US-1`
fn interstate(view: View<'_>) -> Reading {
    let name = match view.tok(0).text {
        "I" => "I",
        "US" => "U S",
        _ => return None,
    };
    let dash = view.glued(1).is_some_and(Token::is_dash);
    let number = view.glued(2)?.digits().filter(|d| dash && d.len() <= 3)?;
    view.ends(3)
        .then(|| (3, format!("{name} {}", pairs(number))))
}

/// `NY 10001`, `10001-1234`.
pub(super) fn postal(view: View<'_>) -> Reading {
    if let Some((_, name)) = STATES.iter().find(|(short, _)| *short == view.tok(0).text) {
        let (used, code) = zip(view.ahead(1))?;
        let word = view.tok(0).is_word(&WORDS_TOO);
        if !(view.back(1).is(',') || (view.back(1).is_name() && !word)) {
            return None;
        }
        return Some((1 + used, format!("{name} {code}")));
    }
    let (used, words) = zip(view)?;
    (used > 1).then_some((used, words))
}

fn zip(view: View<'_>) -> Reading {
    let number = view.tok(0).digits().filter(|d| d.len() == 5)?;
    let dash = view.glued(1).is_some_and(Token::is_dash);
    if let Some(more) = view
        .glued(2)
        .and_then(|t| t.digits())
        .filter(|d| dash && d.len() == 4)
    {
        return view
            .ends(3)
            .then(|| (3, format!("{}, {}", digits(number), digits(more))));
    }
    view.ends(1).then(|| (1, digits(number)))
}
