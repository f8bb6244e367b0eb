//! Dates that are told piece by piece.

use super::{Pause, forms::bare_words};

/// Names of months, and their short forms.
const MONTHS: &str = "january february march april may june july august september october november december jan feb mar apr \
    jun jul aug sep sept oct nov dec";

/// Whether a word names a month.
pub(super) fn is_month(word: &str) -> bool {
    MONTHS.split_whitespace().any(|known| known == word)
}

/// A date of birth is complete with its year. `groups` are the sizes of the groups of digits at the end.
pub(super) fn date_of_birth(text: &str, groups: &[usize]) -> Pause {
    let words: Vec<String> = bare_words(text).collect();
    let month = words.iter().position(|w| is_month(w));
    let digits: usize = groups.iter().sum();
    let has_year = words.iter().any(|w| is_year(w));
    let century = words
        .iter()
        .position(|w| ["nineteen", "eighteen", "thousand"].contains(&w.as_str()));
    match (month, century) {
        _ if has_year || text.contains('/') || text.trim_end().ends_with('?') => Pause::Plain,
        (_, Some(place)) if place + 1 == words.len() => Pause::Incomplete,
        (_, Some(_)) => Pause::Plain,
        // "March third twenty ten".
        (Some(month), None)
            if words[month..].iter().any(|w| w == "twenty") && words.len() > month + 3 =>
        {
            Pause::Plain
        }
        (Some(month), None) if month + 1 == words.len() => Pause::Incomplete,
        (Some(_), None) => Pause::Dictating,
        (None, None) if digits == 0 => Pause::Plain,
        (None, None) if groups.len() > 2 || digits > 5 => Pause::Plain,
        (None, None) => Pause::Dictating,
    }
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && word
            .parse()
            .is_ok_and(|year: u32| (1880..2100).contains(&year))
}
