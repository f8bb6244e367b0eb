//! Which sentences say what an insurance pays. Pure.

use super::{
    Kind,
    clause::{Clause, has_any},
};

/// Who pays.
const PAYERS: [&str; 31] = [
    "plan",
    "plans",
    "insurance",
    "policy",
    "coverage",
    "ppo",
    "hmo",
    "medicare",
    "medicaid",
    "carrier",
    "benefits",
    "insurer",
    "aetna",
    "cigna",
    "cross",
    "shield",
    "delta",
    "humana",
    "united",
    "metlife",
    "guardian",
    "kaiser",
    "anthem",
    "tricare",
    "it",
    "they",
    "that",
    "dental",
    "company",
    "provider",
    "silver",
];
/// Nobody's plan is spoken of, or nothing is said for certain.
const OPEN: [&str; 33] = [
    "if",
    "whether",
    "let",
    "check",
    "checking",
    "verify",
    "ask",
    "asking",
    "may",
    "might",
    "could",
    "unsure",
    "depends",
    "usually",
    "typically",
    "generally",
    "often",
    "sometimes",
    "most",
    "many",
    "some",
    "what",
    "which",
    "how",
    "unless",
    "until",
    "please",
    "want",
    "like",
    "need",
    "wonder",
    "find",
    "looking",
];
const DENIALS: [&str; 6] = ["not", "never", "cannot", "no", "nothing", "none"];
/// "I am not sure that it covers this" denies the knowledge, not the coverage.
const KNOWING: [&str; 15] = [
    "know",
    "sure",
    "tell",
    "say",
    "certain",
    "confirm",
    "see",
    "guarantee",
    "promise",
    "determine",
    "answer",
    "able",
    "information",
    "rule",
    "clear",
];
/// Things that are covered by something else than insurance.
const OTHER_COVERS: [&str; 12] = [
    "wound",
    "bandage",
    "tooth",
    "teeth",
    "area",
    "gauze",
    "topic",
    "topics",
    "parking",
    "stitches",
    "questions",
    "mouth",
];

/// What the clause says of coverage, if it does.
pub(super) fn report(clause: &Clause) -> Option<Kind> {
    let words = &clause.words;
    if clause.is_open || has_any(words, &OPEN) || has_any(words, &OTHER_COVERS) {
        return None;
    }
    let denied = has_any(words, &DENIALS);
    if costs_nothing(clause) {
        return Some(Kind::Covered);
    }
    if clause.find("pay|paid|pays out of pocket").is_some() && !denied {
        return Some(Kind::NotCovered);
    }
    if !(is_covered(clause) || pays(clause) || has_copay(clause)) {
        return None;
    }
    match denied {
        true if has_any(words, &KNOWING) => None,
        true => Some(Kind::NotCovered),
        false => Some(Kind::Covered),
    }
}

/// "It is covered", "that would be covered", "covered at eighty percent".
fn is_covered(clause: &Clause) -> bool {
    let Some(at) = clause.words.iter().position(|w| w == "covered") else {
        let by_the_plan =
            "included|paid in|under|by|with your|the plan|coverage|policy|insurance|benefits";
        return clause.find(by_the_plan).is_some();
    };
    let before = &clause.words[at.saturating_sub(5)..at];
    let is_idiom = clause.find("got|have you covered").is_some()
        || has_any(before, &["we"])
        || has_any(before, &["have", "has"]) && !has_any(before, &["been"])
        || clause.find("everything covered").is_some();
    let be = ["is", "are", "was", "were", "be", "been"];
    !is_idiom && (at == 0 || has_any(before, &be) || has_any(before, &["fully", "not", "partly"]))
}

/// "Your plan covers it", "they will pay for it".
fn pays(clause: &Clause) -> bool {
    let verb = clause.words.iter().position(|w| {
        matches!(
            w.as_str(),
            "covers" | "cover" | "pays" | "pay" | "includes" | "include"
        )
    });
    let Some(at) = verb else { return false };
    let subject = &clause.words[..at];
    let is_person = has_any(subject, &["i", "we", "he", "she", "doctor", "dr", "you"]);
    let is_infinitive = clause.words[at.saturating_sub(1)] == "to";
    let plan = ["plan", "insurance", "policy", "coverage", "benefits"];
    let includes = clause.words[at].starts_with("include") && !has_any(subject, &plan);
    has_any(subject, &PAYERS)
        && !is_person
        && !is_infinitive
        && !includes
        && !clause.reads(at + 1, "for dr|doctor")
}

/// "Your copay is twenty-five dollars."
fn has_copay(clause: &Clause) -> bool {
    let word = "copay|co-pay|copayment|co-payment|coinsurance";
    let owed = clause
        .words
        .iter()
        .position(|w| matches!(w.as_str(), "copay" | "co-pay" | "copayment"));
    let owes = owed.is_some_and(|at| {
        let before = &clause.words[at.saturating_sub(7)..at];
        has_any(before, &["you"]) && has_any(before, &["have", "pay", "owe"])
    });
    owes || ["is", "of", "would be", "will be", "comes to", "for"]
        .iter()
        .any(|verb| clause.find(&format!("{word} {verb}")).is_some())
}

fn costs_nothing(clause: &Clause) -> bool {
    let word = "copay|co-pay|copayment|cost|charge";
    [
        format!("no {word}"),
        "not have to pay".to_owned(),
        "not pay anything".to_owned(),
        "nothing to pay".to_owned(),
        "not owe anything".to_owned(),
    ]
    .iter()
    .any(|pattern| {
        clause
            .find(pattern)
            .is_some_and(|at| !has_any(&clause.words[..at], &KNOWING))
    })
}
