//! Who the caller is, how they are insured, and what they want done.

use super::{
    dates,
    words::{Words, small},
};

/// Payers that any receptionist knows; those in the system prompt come on top.
const PAYERS: [&str; 14] = [
    "Blue Cross Blue Shield",
    "Blue Cross",
    "Aetna",
    "Cigna",
    "Delta Dental",
    "United Healthcare",
    "Humana",
    "Medicaid",
    "Medicare",
    "MetLife",
    "Guardian",
    "Kaiser",
    "Sunrise",
    "Anthem",
];
const PLANS: [&str; 14] = [
    "PPO", "HMO", "EPO", "POS", "HDHP", "Gold", "Silver", "Bronze", "Platinum", "Basic", "Premium",
    "Choice", "Standard", "Plus",
];
/// Words for the same thing, in a caller's mouth and in a price list.
const PROCEDURES: [&[&str]; 10] = [
    &["cleaning", "clean", "cleaned", "prophylaxis", "hygiene"],
    &["exam", "checkup", "check", "evaluation", "examination"],
    &[
        "filling",
        "fillings",
        "cavity",
        "composite",
        "restoration",
        "amalgam",
    ],
    &["root", "canal", "endodontic"],
    &["xray", "xrays", "radiograph", "bitewing"],
    &["crown", "crowns"],
    &["whitening", "bleaching"],
    &["extraction", "wisdom", "pulled"],
    &["physical"],
    &["vaccination", "vaccine", "shot"],
];
const NOT_NAMES: [&str; 22] = [
    "born", "and", "my", "date", "i", "im", "a", "the", "calling", "phone", "birthday", "on",
    "was", "am", "it", "is", "its", "yes", "sure", "okay", "of", "not",
];

/// Payer as it is written, the longest that was said.
pub(super) fn payer(words: &Words, from_prompt: &[String]) -> Option<String> {
    let known = from_prompt.iter().map(String::as_str).chain(PAYERS);
    known
        .filter(|name| words.has(&Words::new(name).0.join(" ")))
        .max_by_key(|name| name.len())
        .map(str::to_owned)
}

pub(super) fn plan(words: &Words) -> Option<String> {
    PLANS
        .iter()
        .find(|plan| words.has(&plan.to_lowercase()))
        .map(|plan| (*plan).to_owned())
}

/// Index of the procedure that was mentioned.
pub(super) fn procedure(words: &Words, procedures: &[(String, String)]) -> Option<usize> {
    let said = PROCEDURES
        .iter()
        .filter(|group| group.iter().any(|w| words.has(w)));
    for group in said {
        let same = |name: &Words| group.iter().any(|w| name.has(w));
        if let Some(index) = procedures
            .iter()
            .position(|(name, _)| same(&Words::new(name)))
        {
            return Some(index);
        }
    }
    let full = |name: &str| words.has(&Words::new(name).0.join(" "));
    procedures.iter().position(|(name, _)| full(name))
}

/// Whether something was mentioned that clinics do, listed or not.
pub(super) fn mentions_procedure(words: &Words) -> bool {
    PROCEDURES
        .iter()
        .any(|group| group.iter().any(|w| words.has(w)))
}

/// First and last name. A bare name counts only when it was `asked` for.
pub(super) fn name(words: &Words, asked: bool) -> Option<String> {
    let after = |phrase: &str| words.find(phrase).map(|at| at + phrase.split(' ').count());
    let start = ["my name is", "name is", "this is", "i am called"]
        .iter()
        .find_map(|p| after(p));
    let start = match start {
        Some(start) => start,
        None => {
            let born = words.find("born");
            let alone = asked && words.0.len() <= 4 && !dates::names_a_month(words);
            (born.is_some() || alone)
                .then(|| words.0.iter().position(|w| may_be_name(w)))
                .flatten()?
        }
    };
    let parts: Vec<String> = words
        .0
        .get(start..)?
        .iter()
        .take_while(|w| may_be_name(w))
        .take(3)
        .map(|w| capital(w))
        .collect();
    (parts.len() >= 2).then(|| parts.join(" "))
}

fn may_be_name(word: &str) -> bool {
    word.chars().all(char::is_alphabetic) && !NOT_NAMES.contains(&word) && !dates::is_month(word)
}

pub(super) fn phone(words: &Words) -> Option<String> {
    words.find("phone").or_else(|| words.find("number is"))?;
    let mut digits = String::new();
    for word in &words.0 {
        if let Some(digit) = small(word).filter(|d| *d < 10) {
            digits.push_str(&digit.to_string());
        } else if word.chars().any(|c| c.is_ascii_digit()) {
            digits.extend(word.chars().filter(char::is_ascii_digit));
        }
    }
    (digits.len() >= 7).then_some(digits)
}

/// Letters and digits that were spelt after "code".
pub(super) fn confirmation_code(text: &str) -> Option<String> {
    let plain = text
        .to_lowercase()
        .replace(|c: char| !c.is_alphanumeric(), " ");
    let words = plain
        .split_whitespace()
        .skip_while(|w| *w != "code")
        .skip(1)
        .skip_while(|w| *w == "is");
    let mut code = String::new();
    for word in words {
        match small(word) {
            Some(digit) if digit < 10 => code.push_str(&digit.to_string()),
            _ if word.len() == 1 || word.chars().any(|c| c.is_ascii_digit()) => {
                code.push_str(&word.to_uppercase())
            }
            _ => break,
        }
    }
    (code.len() >= 4).then_some(code)
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_understood() {
        let w = Words::new;
        assert_eq!(
            name(
                &w("My name is Maria Lopez, born March third nineteen eighty five."),
                false
            )
            .as_deref(),
            Some("Maria Lopez")
        );
        assert_eq!(
            name(
                &w("James Carter, born July nineteenth nineteen seventy two."),
                false
            )
            .as_deref(),
            Some("James Carter")
        );
        assert_eq!(name(&w("josé núñez"), true).as_deref(), Some("José Núñez"));
        assert_eq!(
            (
                name(&w("I was born on July nineteenth"), true),
                name(&w("Yes, please."), true)
            ),
            (None, None)
        );
        assert_eq!(
            payer(&w("my Blue Cross P P O plan"), &[]).as_deref(),
            Some("Blue Cross")
        );
        assert_eq!(
            payer(&w("i have blue cross blue shield gold"), &[]).as_deref(),
            Some("Blue Cross Blue Shield")
        );
        assert_eq!(plan(&w("my Blue Cross P P O plan")).as_deref(), Some("PPO"));
        assert_eq!(
            phone(&w("My phone number is five five five, zero one four two.")).as_deref(),
            Some("5550142")
        );
        assert_eq!(
            confirmation_code("My confirmation code is K, seven, M two, thanks").as_deref(),
            Some("K7M2")
        );
    }

    #[test]
    fn procedures_match_by_meaning() {
        let list = [
            ("Adult prophylaxis".to_owned(), "D1110".to_owned()),
            ("Periodic oral evaluation".to_owned(), "D0120".to_owned()),
        ];
        assert_eq!(
            procedure(&Words::new("cover a dental cleaning"), &list),
            Some(0)
        );
        assert_eq!(procedure(&Words::new("book a dental exam"), &list), Some(1));
        assert_eq!(procedure(&Words::new("a root canal"), &list), None);
    }
}
