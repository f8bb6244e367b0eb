//! Letters and digits in one piece that no sentence calls a code.

use super::{
    Reading,
    code::chunk,
    lexer::{Token, View},
    measure,
    numbers::{cardinal, digits, pairs, spelled},
};

/// Letters and digits in one piece: `D1110`, `A1C`, `B12`, `K7PX-4Q`, `E11.9`.
pub(super) fn mixed(view: View<'_>) -> Reading {
    if let Some(reading) = named(view).or_else(|| letter_and_number(view)) {
        return Some(reading);
    }
    let code = chunk(view, 0)?;
    let counted = view.tok(0).digits().is_some()
        && (measure::unit_at(view, 1).is_some() || matches!(view.tok(1).text, "k" | "K"));
    if counted {
        return None;
    }
    let long = code.text.len() >= 3 && code.text.bytes().all(|b| !b.is_ascii_lowercase());
    (code.has_digit && code.has_letter && long).then(|| {
        let groups = code.text.split('-').filter(|g| !g.is_empty());
        let words: Vec<String> = groups.map(|g| spelled(g).join(" ")).collect();
        (code.end, words.join(", "))
    })
}

/// What people have a way to say: `COVID-19`, `401(k)`, `Omega-3`, `1099`.
fn named(view: View<'_>) -> Reading {
    let dash = view.glued(1).is_some_and(Token::is_dash);
    let (name, at) = (view.tok(0), 1 + usize::from(dash));
    let number = view.glued(at).and_then(|t| t.digits());
    if let Some(number) = number.filter(|d| d.len() <= 2 && view.ends(at + 1)) {
        let word = name.is_word(&["covid", "omega", "vitamin", "type"]);
        if word {
            let n = number.parse().map(cardinal).unwrap_or_default();
            return Some((at + 1, format!("{} {n}", name.text)));
        }
    }
    if let Some(reading) = every_hours(view).or_else(|| blood(view)) {
        return Some(reading);
    }
    let form = view.back(1).is_word(&["form", "forms"]) && view.ends_or_hyphen(1);
    if let Some(number) = name.digits().filter(|d| form && d.len() == 4) {
        return Some((1, pairs(number)));
    }
    let hemoglobin = name.text == "A" && view.glued(1).is_some_and(|t| t.text == "1");
    if hemoglobin && view.glued(2).is_some_and(|t| t.is_word(&["c"])) && view.ends(3) {
        return Some((3, "A one C".to_owned()));
    }
    if view.tok(0).text == "401" || view.tok(0).text == "403" {
        let bracket = view.glued(1).is_some_and(|t| t.is('('));
        let letter = view.glued(1 + usize::from(bracket))?;
        let end = 2 + 2 * usize::from(bracket);
        let fits = letter.is_word(&["k", "b"]) && view.ends(end);
        let head = if name.text == "401" {
            "four oh one"
        } else {
            "four oh three"
        };
        return fits.then(|| (end, format!("{head} {}", letter.text.to_uppercase())));
    }
    None
}

/// `q4h`, `q4-6h`: the dosing of a prescription.
fn every_hours(view: View<'_>) -> Reading {
    if !view.tok(0).is_word(&["q"]) {
        return None;
    }
    let count = |k: usize| view.glued(k)?.value().map(|n| cardinal(u64::from(n)));
    let first = count(1)?;
    let range = view.glued(2).is_some_and(Token::is_dash);
    let (end, words) = match count(3).filter(|_| range) {
        Some(second) => (4, format!("every {first} to {second} hours")),
        None => (2, format!("every {first} hours")),
    };
    let hours = view
        .glued(end)
        .is_some_and(|t| t.is_word(&["h", "hr", "hrs"]));
    (hours && view.ends(end + 1)).then_some((end + 1, words))
}

/// `O-`, `AB+` where the text is about blood.
fn blood(view: View<'_>) -> Reading {
    let group = matches!(view.tok(0).text, "A" | "B" | "AB" | "O");
    let sign = view.glued(1)?;
    let name = match sign.symbol() {
        Some('+') => "positive",
        _ if sign.is_dash() => "negative",
        _ => return None,
    };
    let fits = group && view.mentions(&["blood"]) && view.ends(2);
    fits.then(|| (2, format!("{} {name}", spelled(view.tok(0).text).join(" "))))
}

/// A letter and a short number: `B12` is "B twelve", `W-9` is "W nine", `E11.9` is "E eleven point nine".
fn letter_and_number(view: View<'_>) -> Reading {
    let letter = view.tok(0);
    if !letter.is_capitals() || letter.text.len() > 2 {
        return None;
    }
    let dash = view.glued(1).is_some_and(Token::is_dash);
    let at = 1 + usize::from(dash);
    let number = view.glued(at)?.digits()?;
    let head = spelled(letter.text).join(" ");
    let point = view.glued(at + 1).is_some_and(|t| t.is('.'));
    if point && let Some(decimals) = view.glued(at + 2).and_then(|t| t.digits()) {
        let words = format!("{head} {} point {}", digits(number), digits(decimals));
        return view.ends(at + 3).then_some((at + 3, words));
    }
    let short = number.len() <= 2 && !number.starts_with('0') && letter.text.len() == 1;
    let value = number.parse().map(cardinal).ok().filter(|_| short)?;
    view.ends_or_hyphen(at + 1)
        .then(|| (at + 1, format!("{head} {value}")))
}
