//! Money: `$45.5`, `-$20`, `$20-$40`, `$1.2 million`, `$.50`, `50¢`.

use super::{
    Reading,
    figure::{Figure, figure},
    lexer::View,
    measure::unit_at,
    numbers::{amount, digits},
};

/// A currency's sign, its unit, and its hundredth.
const CURRENCIES: [(char, [&str; 2], [&str; 2]); 3] = [
    ('$', ["dollar", "dollars"], ["cent", "cents"]),
    ('€', ["euro", "euros"], ["cent", "cents"]),
    ('£', ["pound", "pounds"], ["penny", "pence"]),
];

/// Any amount of money.
pub(super) fn money(view: View<'_>) -> Reading {
    let (used, words) = cents_only(view)
        .or_else(|| sign_behind(view))
        .or_else(|| with_name(view))
        .or_else(|| signed(view))?;
    let (used, words) = per(view, used, words);
    let plus = view.glued(used).is_some_and(|t| t.is('+')) && view.ends(used + 1);
    if plus {
        return Some((used + 1, format!("{words} or more")));
    }
    view.ends_or_hyphen(used).then_some((used, words))
}

/// `50¢`
fn cents_only(view: View<'_>) -> Reading {
    let figure = figure(view)?;
    let sign = view.tok(figure.used).is('¢');
    let unit = if figure.is_one() { "cent" } else { "cents" };
    sign.then(|| (figure.used + 1, format!("{} {unit}", figure.words())))
}

/// `20$`
fn sign_behind(view: View<'_>) -> Reading {
    let figure = figure(view)?;
    let end = figure.used + 1;
    let sign = view.tok(figure.used).is('$') && view.tok(end).digits().is_none();
    let (_, unit, cent) = CURRENCIES[0];
    (sign && view.ends(end)).then(|| (end, exact_words(&figure, unit, cent)))
}

/// `45.50 dollars`, `45.50 USD`: the word does not stand between dollars and cents.
fn with_name(view: View<'_>) -> Reading {
    let figure = figure(view)?;
    let name = view.tok(figure.used);
    let counts = name.is_word(&["dollars"]) || name.text == "USD";
    let exact = figure.decimals.as_ref().is_none_or(|d| d.len() == 2);
    (counts && exact).then(|| {
        let (_, unit, cent) = CURRENCIES[0];
        (figure.used + 1, exact_words(&figure, unit, cent))
    })
}

/// `$20`, `-$20`, `$20-40`, `$1.2 million`, `US$5`.
fn signed(view: View<'_>) -> Reading {
    let minus = (view.tok(0).is_dash() && view.is_apart()) || view.tok(0).is('+');
    let mut k = usize::from(minus);
    let name = view.tok(k).text;
    k += usize::from(matches!(name, "US" | "USD"));
    let first = match one(view, k) {
        None if name == "USD" => read(view, k, CURRENCIES[0])?,
        first => first?,
    };
    let mut words = first.words();
    let mut used = first.used;
    if let Some(second) = second(view, used, &first) {
        words = between(&first, &second);
        used = second.used;
    }
    let sign = match view.tok(0) {
        _ if !minus => "",
        t if t.is('+') => "plus ",
        _ => "minus ",
    };
    let twice = words.ends_with("dollars") && view.tok(used).is_word(&["dollars", "USD"]);
    Some((used + usize::from(twice), format!("{sign}{words}")))
}

/// An amount with its sign.
struct Sum {
    figure: Figure,
    currency: (char, [&'static str; 2], [&'static str; 2]),
    scale: Option<&'static str>,
    used: usize,
}

fn one(view: View<'_>, k: usize) -> Option<Sum> {
    let sign = view.tok(k).symbol()?;
    let currency = CURRENCIES.into_iter().find(|(c, ..)| *c == sign)?;
    read(view, k + 1, currency)
}

fn read(
    view: View<'_>,
    k: usize,
    currency: (char, [&'static str; 2], [&'static str; 2]),
) -> Option<Sum> {
    let figure = figure(view.ahead(k))?;
    let mut used = k + figure.used;
    let scale = scale(view, used);
    used += usize::from(scale.is_some());
    Some(Sum {
        figure,
        currency,
        scale,
        used,
    })
}

fn scale(view: View<'_>, k: usize) -> Option<&'static str> {
    let token = view.tok(k);
    let names = ["hundred", "thousand", "million", "billion", "trillion"];
    if let Some(name) = names.into_iter().find(|n| token.is_word(&[n])) {
        return Some(name);
    }
    match view.glued(k)?.text {
        "k" | "K" => Some("thousand"),
        "M" | "m" | "MM" | "mm" => Some("million"),
        "B" | "b" | "bn" => Some("billion"),
        _ => None,
    }
}

/// The other end of a range: `-$40`, `–40`, ` - $40`.
fn second(view: View<'_>, k: usize, first: &Sum) -> Option<Sum> {
    if !view.is_range_dash(k) {
        return None;
    }
    let sum = match one(view, k + 1) {
        Some(sum) => sum,
        None => {
            let sum = read(view, k + 1, first.currency)?;
            let other = sum.scale.is_none() && unit_at(view, sum.used).is_some();
            (!other).then_some(sum)?
        }
    };
    view.ends_or_hyphen(sum.used).then_some(sum)
}

fn between(first: &Sum, second: &Sum) -> String {
    let whole = |sum: &Sum| sum.figure.decimals.is_none();
    let same_scale = first.scale == second.scale || first.scale.is_none();
    if same_scale && ((whole(first) && whole(second)) || second.scale.is_some()) {
        return format!("{} to {}", first.figure.words(), second.words());
    }
    format!("{} to {}", first.words(), second.words())
}

impl Sum {
    fn words(&self) -> String {
        let (_, unit, cent) = self.currency;
        match (self.scale, self.figure.decimals.as_ref().map(String::len)) {
            (Some(scale), _) => format!("{} {scale} {}", self.figure.words(), unit[1]),
            (None, Some(3..)) => format!("{} {}", self.figure.words(), unit[1]),
            _ => exact_words(&self.figure, unit, cent),
        }
    }
}

/// Dollars and cents; `$45.5` is forty-five dollars and fifty cents.
fn exact_words(figure: &Figure, unit: [&str; 2], cent: [&str; 2]) -> String {
    let name = |n: &str, names: [&str; 2]| names[usize::from(n != "1")].to_owned();
    let decimals = figure.decimals.as_deref().unwrap_or("");
    let cents = format!("{decimals:0<2}");
    let cents = cents.trim_start_matches('0');
    let no_dollars = figure.whole.bytes().all(|b| b == b'0');
    let whole = match figure.whole.as_str() {
        zeros if no_dollars && zeros.len() > 1 => digits(zeros),
        whole => amount(whole),
    };
    let dollars = format!("{whole} {}", name(&figure.whole, unit));
    match (no_dollars, cents) {
        (_, "") => dollars,
        (true, cents) => format!("{} {}", amount(cents), name(cents, cent)),
        (false, cents) => format!("{dollars} and {} {}", amount(cents), name(cents, cent)),
    }
}

/// `$20/visit`
fn per(view: View<'_>, used: usize, words: String) -> (usize, String) {
    let slash = view.glued(used).is_some_and(|t| t.is('/'));
    match view
        .glued(used + 1)
        .and_then(|t| t.word())
        .filter(|_| slash)
    {
        Some(word) => {
            let word = match word {
                "mo" => "month",
                "yr" => "year",
                "wk" => "week",
                "hr" => "hour",
                word => word,
            };
            (used + 2, format!("{words} per {word}"))
        }
        None => (used, words),
    }
}
