//! Units behind figures.

use super::lexer::{Token, View};

/// A unit in the text.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) singular: String,
    pub(super) plural: String,
    /// The token after it.
    pub(super) end: usize,
    /// Whether its last token is the full stop of a short form.
    dotted: bool,
}

impl Unit {
    /// Whether it measures lengths, so that `4 x 6` of it is an area.
    pub(super) fn is_length(&self) -> bool {
        ["inch", "foot", "yard", "mile", "meter"]
            .iter()
            .any(|l| self.singular.ends_with(l))
            || matches!(self.singular.as_str(), "inches" | "feet")
    }

    /// The sentence's stop, if the short form took it.
    pub(super) fn stop(&self, view: View<'_>) -> &'static str {
        if self.dotted { view.stop(self.end) } else { "" }
    }
}

/// How a unit may stand to its figure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Glued, with a space, or with a hyphen.
    Anyhow,
    /// With a space only before a full stop: as a word it means something else.
    GluedOrDotted,
    /// Only glued.
    Glued,
}

/// Short forms in their exact case, singular, plural.
type Entry = (&'static [&'static str], &'static str, &'static str, Stands);

const UNITS: &[Entry] = &[
    (
        &["mg", "MG", "Mg", "mgs"],
        "milligram",
        "milligrams",
        Stands::Anyhow,
    ),
    (
        &["mcg", "MCG", "µg", "μg", "ug"],
        "microgram",
        "micrograms",
        Stands::Anyhow,
    ),
    (
        &["kg", "KG", "kgs"],
        "kilogram",
        "kilograms",
        Stands::Anyhow,
    ),
    (&["g", "gm", "gms"], "gram", "grams", Stands::Anyhow),
    (
        &["mL", "ml", "ML", "mls"],
        "milliliter",
        "milliliters",
        Stands::Anyhow,
    ),
    (&["dL", "dl"], "deciliter", "deciliters", Stands::Anyhow),
    (&["L"], "liter", "liters", Stands::Anyhow),
    (
        &["cc", "ccs"],
        "cubic centimeter",
        "cubic centimeters",
        Stands::Anyhow,
    ),
    (
        &["mmHg"],
        "millimeter of mercury",
        "millimeters of mercury",
        Stands::Anyhow,
    ),
    (&["mmol"], "millimole", "millimoles", Stands::Anyhow),
    (
        &["mEq"],
        "milliequivalent",
        "milliequivalents",
        Stands::Anyhow,
    ),
    (
        &["IU"],
        "international unit",
        "international units",
        Stands::Anyhow,
    ),
    (&["oz"], "ounce", "ounces", Stands::Anyhow),
    (&["lb", "lbs"], "pound", "pounds", Stands::Anyhow),
    (&["tsp", "tsps"], "teaspoon", "teaspoons", Stands::Anyhow),
    (
        &["tbsp", "tbsps", "Tbsp"],
        "tablespoon",
        "tablespoons",
        Stands::Anyhow,
    ),
    (&["tab", "tabs"], "tablet", "tablets", Stands::Anyhow),
    (&["cap", "caps"], "capsule", "capsules", Stands::Anyhow),
    (&["ft"], "foot", "feet", Stands::Anyhow),
    (&["in"], "inch", "inches", Stands::GluedOrDotted),
    (&["yd", "yds"], "yard", "yards", Stands::Anyhow),
    (&["mi"], "mile", "miles", Stands::Anyhow),
    (&["km", "kms"], "kilometer", "kilometers", Stands::Anyhow),
    (&["cm", "cms"], "centimeter", "centimeters", Stands::Anyhow),
    (&["mm"], "millimeter", "millimeters", Stands::Anyhow),
    (&["hr", "hrs", "Hr", "Hrs"], "hour", "hours", Stands::Anyhow),
    (&["h"], "hour", "hours", Stands::Glued),
    (&["min", "mins", "Min"], "minute", "minutes", Stands::Anyhow),
    (&["sec", "secs"], "second", "seconds", Stands::Anyhow),
    (&["wk", "wks"], "week", "weeks", Stands::Anyhow),
    (&["mo", "mos"], "month", "months", Stands::GluedOrDotted),
    (&["yr", "yrs"], "year", "years", Stands::Anyhow),
    (&["x", "X", "×"], "time", "times", Stands::Glued),
    (&["mph"], "mile per hour", "miles per hour", Stands::Anyhow),
    (
        &["bpm"],
        "beat per minute",
        "beats per minute",
        Stands::Anyhow,
    ),
    (&["kcal"], "kilocalorie", "kilocalories", Stands::Anyhow),
    (&["cal"], "calorie", "calories", Stands::Anyhow),
    (&["appts"], "appointment", "appointments", Stands::Anyhow),
];

/// Words that are units by themselves and make a figure before them an amount.
const WORDS: [&str; 62] = [
    "dollars",
    "dollar",
    "cents",
    "percent",
    "milligrams",
    "milligram",
    "micrograms",
    "grams",
    "milliliters",
    "milliliter",
    "liters",
    "liter",
    "ounces",
    "ounce",
    "pounds",
    "pound",
    "tablets",
    "tablet",
    "pills",
    "pill",
    "capsules",
    "capsule",
    "drops",
    "drop",
    "units",
    "puffs",
    "hours",
    "hour",
    "minutes",
    "minute",
    "seconds",
    "days",
    "day",
    "weeks",
    "week",
    "months",
    "month",
    "years",
    "year",
    "miles",
    "mile",
    "feet",
    "foot",
    "inches",
    "inch",
    "degrees",
    "times",
    "calories",
    "steps",
    "patients",
    "people",
    "visits",
    "teaspoons",
    "teaspoon",
    "tablespoons",
    "tablespoon",
    "cups",
    "cup",
    "doses",
    "dose",
    "appointments",
    "slots",
];

/// The unit at token `k`, which follows a figure. The dash of a range may stand behind it.
pub(super) fn unit_at(view: View<'_>, k: usize) -> Option<Unit> {
    let hyphen = view.glued(k).is_some_and(Token::is_dash) && view.glued(k + 1).is_some();
    if view.tok(k).is_word(&WORDS) {
        let text = view.tok(k).text.to_owned();
        let unit = Unit {
            singular: text.clone(),
            plural: text,
            end: k + 1,
            dotted: false,
        };
        return per(view, unit);
    }
    let first = degrees(view, k)
        .or_else(|| inches(view, k))
        .or_else(|| square_feet(view, k))
        .or_else(|| simple(view, k + usize::from(hyphen), hyphen))?;
    per(view, first)
}

/// `%`, `°F`, `° C`, `°`.
fn degrees(view: View<'_>, k: usize) -> Option<Unit> {
    let unit = |text: &str, plural: &str, end| Unit {
        singular: text.to_owned(),
        plural: plural.to_owned(),
        end,
        dotted: false,
    };
    if view.tok(k).is('%') {
        return Some(unit("percent", "percent", k + 1));
    }
    let scale = |text: &str| match text {
        "F" => Some("Fahrenheit"),
        "C" => Some("Celsius"),
        _ => None,
    };
    let single = match view.tok(k).symbol() {
        Some('℉') => Some("Fahrenheit"),
        Some('℃') => Some("Celsius"),
        _ => None,
    };
    let (name, end) = match single {
        Some(name) => (Some(name), k + 1),
        None if matches!(view.tok(k).text, "°" | "º") => {
            let name = scale(view.tok(k + 1).text).filter(|_| may_end(view, k + 2));
            (name, k + 1 + usize::from(name.is_some()))
        }
        None => (Some(glued_scale(view, k)?), k + 1),
    };
    let name = name.map(|n| format!(" {n}")).unwrap_or_default();
    Some(unit(
        &format!("degree{name}"),
        &format!("degrees{name}"),
        end,
    ))
}

/// `98.6F`: the letter alone, where the text is about temperatures or the figure has decimals.
fn glued_scale(view: View<'_>, k: usize) -> Option<&'static str> {
    let about = ["fever", "temperature", "temp", "thermometer", "degrees"];
    let is_about = view.mentions(&about);
    let token = if is_about {
        view.tok(k)
    } else {
        view.glued(k)?
    };
    let name = match token.text {
        "F" => "Fahrenheit",
        "C" => "Celsius",
        _ => return None,
    };
    let decimals = k >= 3 && view.tok(k - 2).is('.') && view.tok(k - 1).digits().is_some();
    (view.ends(k + 1) && (decimals || is_about)).then_some(name)
}

/// `6"`, where no quotation is open.
fn inches(view: View<'_>, k: usize) -> Option<Unit> {
    let mark = view.glued(k).filter(|t| t.is_quote())?;
    let quoted = view.ahead(k).is_quoted();
    (!quoted && !mark.is_end()).then(|| Unit {
        singular: "inch".to_owned(),
        plural: "inches".to_owned(),
        end: k + 1,
        dotted: false,
    })
}

/// `sq. ft.`, `fl oz`.
fn square_feet(view: View<'_>, k: usize) -> Option<Unit> {
    let (kind, dot) = match view.tok(k).text {
        "sq" => (
            "square",
            usize::from(view.glued(k + 1).is_some_and(|t| t.is('.'))),
        ),
        "fl" => (
            "fluid",
            usize::from(view.glued(k + 1).is_some_and(|t| t.is('.'))),
        ),
        _ => return None,
    };
    let unit = simple(view, k + 1 + dot, false)?;
    Some(Unit {
        singular: format!("{kind} {}", unit.singular),
        plural: format!("{kind} {}", unit.plural),
        ..unit
    })
}

fn simple(view: View<'_>, k: usize, hyphen: bool) -> Option<Unit> {
    let token = view.tok(k);
    let (_, singular, plural, stands) = UNITS
        .iter()
        .find(|(forms, ..)| forms.contains(&token.text))?;
    let point = view.glued(k + 1).is_some_and(|t| t.is('.'))
        && !view.glued(k + 2).is_some_and(Token::is_letter_or_digit);
    let fits = match stands {
        Stands::Anyhow => true,
        Stands::GluedOrDotted => !token.spaced || (point && !view.is_last(k + 2)),
        Stands::Glued => !token.spaced && !hyphen,
    };
    let end = k + 1 + usize::from(point);
    let ends = if hyphen {
        view.ends(end)
    } else {
        may_end(view, end) || view.tok(end).is('/')
    };
    (fits && ends).then(|| Unit {
        singular: (*singular).to_owned(),
        plural: if hyphen { singular } else { plural }.to_string(),
        end,
        dotted: point,
    })
}

/// `/dL`, `/day`, `/5mL`, any number of them.
fn per(view: View<'_>, mut unit: Unit) -> Option<Unit> {
    while view.glued(unit.end).is_some_and(|t| t.is('/')) {
        let at = unit.end + 1;
        let under = view.glued(at)?;
        let (words, end, dotted) = match under.digits() {
            Some(number) => {
                let below = simple(view, at + 1, false)?;
                let words = super::numbers::amount(number);
                (format!("{words} {}", below.plural), below.end, below.dotted)
            }
            None => match simple(view, at, false) {
                Some(below) => (below.singular, below.end, below.dotted),
                None => {
                    let word = match under.word()? {
                        "d" => "day",
                        word => word,
                    };
                    (word.to_owned(), at + 1, false)
                }
            },
        };
        unit = Unit {
            singular: format!("{} per {words}", unit.singular),
            plural: format!("{} per {words}", unit.plural),
            end,
            dotted,
        };
    }
    may_end(view, unit.end).then_some(unit)
}

/// Whether a unit may end before token `k`: a range may go on there.
fn may_end(view: View<'_>, k: usize) -> bool {
    view.ends_or_hyphen(k) || view.is_range_dash(k)
}
