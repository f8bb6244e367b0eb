//! Which plans a caller may mean who named none of them as the clinic writes it. They are offered, never chosen: the caller knows.

use super::{Plan, compact, says_nothing};
use crate::domain::{fold::fold, likeness::alike};

/// More than these are no question but a list.
const OFFERED: usize = 5;

/// Words that insurers share: by these alone nobody is recognised.
const SHARED: [&str; 40] = [
    "dental",
    "health",
    "healthcare",
    "care",
    "medical",
    "life",
    "vision",
    "insurance",
    "plan",
    "plans",
    "group",
    "company",
    "of",
    "the",
    "and",
    "inc",
    "my",
    "a",
    "from",
    "with",
    "through",
    "ppo",
    "hmo",
    "epo",
    "pos",
    "hdhp",
    "dhmo",
    "dppo",
    "gold",
    "silver",
    "bronze",
    "platinum",
    "basic",
    "plus",
    "premier",
    "choice",
    "select",
    "advantage",
    "i",
    "have",
];

/// Short forms that are said instead of an insurer's name.
const SHORT_FORMS: [(&str, &str); 4] = [
    ("bcbs", "blue cross blue shield"),
    ("bxbs", "blue cross blue shield"),
    ("uhc", "united healthcare"),
    ("uhg", "united healthcare"),
];

/// How well a name fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    None,
    /// Parts of it, or something that sounds like it.
    Partly,
    /// The same name.
    Whole,
}

/// The plans that may be meant, best first, at most [`OFFERED`].
pub(super) fn plans<'a>(plans: &'a [Plan], payer: &str, plan: &str) -> Vec<&'a Plan> {
    let (said_payer, said_plan) = (said(payer), said(plan));
    let both = format!("{said_payer} {said_plan}");
    // `PPO` is many insurers' plan, `Dental Silver` may be one's alone.
    let named_by_itself = has_own_word(if said_plan.is_empty() {
        &said_payer
    } else {
        &said_plan
    });
    let mut found: Vec<(Fit, Fit, &Plan)> = plans
        .iter()
        .map(|known| {
            let insurer =
                payer_fit(&said_payer, known).max(payer_fit(&both, known).min(Fit::Partly));
            (
                insurer,
                plan_fit(&said_plan, known).max(plan_fit(&both, known)),
                known,
            )
        })
        .filter(|(insurer, name, _)| *insurer > Fit::None || *name == Fit::Whole && named_by_itself)
        .collect();
    // A plan that was named counts only if one fits: of an insurer whose plan is not known all are offered.
    let best_insurer = found.iter().map(|(insurer, ..)| *insurer).max();
    found.retain(|(insurer, ..)| Some(*insurer) == best_insurer);
    let best_name = found.iter().map(|(_, name, _)| *name).max();
    found.retain(|(_, name, _)| Some(*name) == best_name);
    found
        .into_iter()
        .map(|(.., known)| known)
        .take(OFFERED)
        .collect()
}

/// What was said, without words for nothing and with short forms written out.
fn said(text: &str) -> String {
    if says_nothing(text) {
        return String::new();
    }
    let words = words(text).into_iter().map(|word| {
        let long = SHORT_FORMS.iter().find(|(short, _)| *short == word);
        long.map_or(word.clone(), |(_, long)| (*long).to_owned())
    });
    words.collect::<Vec<_>>().join(" ")
}

fn payer_fit(said: &str, known: &Plan) -> Fit {
    let names = std::iter::once(&known.payer).chain(&known.aliases);
    names.map(|name| fit(said, name)).max().unwrap_or(Fit::None)
}

fn plan_fit(said: &str, known: &Plan) -> Fit {
    let names = std::iter::once(&known.plan).chain(&known.aliases);
    let whole = names.clone().any(|name| compact(name) == compact(said));
    let held = |name: &String| {
        let (name, said) = (words(name), words(said));
        !name.is_empty()
            && name
                .iter()
                .all(|word| said.iter().any(|other| alike(word, other)))
    };
    match said.trim() {
        "" => Fit::None,
        _ if whole => Fit::Whole,
        _ if held(&known.plan) || names.skip(1).any(held) => Fit::Partly,
        _ => Fit::None,
    }
}

/// Each word of one is, or sounds like, a word of the other, and one of them is the insurer's own.
fn fit(said: &str, known: &str) -> Fit {
    if !said.trim().is_empty() && compact(said) == compact(known) {
        return Fit::Whole;
    }
    let (said, known) = (words(said), words(known));
    let own = |word: &&String| !SHARED.contains(&word.as_str());
    let holds = |all: &[String], some: &[String]| {
        let matched = |word: &&String| {
            all.iter()
                .any(|other| is_begun_by(other, word) || alike(other, word))
        };
        let mut own = some.iter().filter(own).peekable();
        own.peek().is_some() && own.all(|word| matched(&word))
    };
    let joined = said.iter().any(|word| own(&word)) && alike(&said.concat(), &known.concat());
    let initials: String = known
        .iter()
        .filter_map(|word| word.chars().next())
        .collect();
    let short = known.len() >= 3 && said.contains(&initials);
    if joined || short || holds(&known, &said) || holds(&said, &known) {
        Fit::Partly
    } else {
        Fit::None
    }
}

/// `united` begins `unitedhealthcare`, and the other way round.
fn is_begun_by(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.chars().count() >= 4 && long.starts_with(short)
}

/// Folded words; letters one by one are one word: `P P O`.
fn words(text: &str) -> Vec<String> {
    let folded = fold(&text.replace('.', ""));
    let mut words: Vec<String> = Vec::new();
    let mut letters = false;
    for word in folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let single = word.chars().count() == 1 && word != "a";
        match words.last_mut() {
            Some(last) if single && letters => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
        letters = single;
    }
    words
}

fn has_own_word(said: &str) -> bool {
    words(said)
        .iter()
        .any(|word| !SHARED.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::coverage::{Meant, meant};

    fn clinic() -> Vec<Plan> {
        let plan = |payer: &str, plan: &str, aliases: &[&str]| Plan {
            id: Uuid::new_v4(),
            payer: payer.into(),
            plan: plan.into(),
            aliases: aliases.iter().map(|alias| (*alias).into()).collect(),
        };
        vec![
            plan(
                "Blue Cross",
                "PPO",
                &[
                    "Blue Cross Blue Shield PPO",
                    "BCBS PPO",
                    "Preferred Provider",
                ],
            ),
            plan("Aetna", "HMO", &["Aetna Dental HMO"]),
            plan("Cigna", "Silver", &["Dental Silver"]),
            plan("Delta Dental", "PPO", &["Delta PPO"]),
            plan("UnitedHealthcare", "Choice Plus", &[]),
            plan("MetLife", "PDP Plus", &[]),
            plan("Kaiser Permanente", "Gold HMO", &[]),
            plan("Guardian", "DentalGuard", &[]),
        ]
    }

    fn offered(payer: &str, plan: &str) -> Vec<String> {
        let plans = clinic();
        match meant(&plans, payer, plan) {
            Meant::One(chosen) => panic!("{payer} / {plan}: {chosen:?} was chosen"),
            Meant::Perhaps(some) => some
                .iter()
                .map(|plan| format!("{} {}", plan.payer, plan.plan))
                .collect(),
        }
    }

    // C23: nothing was offered for these.
    #[test]
    fn what_a_recogniser_makes_of_an_insurer_is_offered_back() {
        for (payer, plan, expected) in [
            ("Etna", "HMO", "Aetna HMO"),
            ("Edna", "H M O", "Aetna HMO"),
            ("Etna", "", "Aetna HMO"),
            ("Etna Dental", "unknown", "Aetna HMO"),
            ("Signa", "Silver", "Cigna Silver"),
            ("Signa", "the silver one", "Cigna Silver"),
            ("Blue Cross", "unknown", "Blue Cross PPO"),
            ("Blue Cross", "Blue Cross", "Blue Cross PPO"),
            ("Blue Cross Blue Shield of Texas", "PPO", "Blue Cross PPO"),
            ("Blue Shield", "PPO", "Blue Cross PPO"),
            ("BCBS", "", "Blue Cross PPO"),
            ("B C B S", "not sure", "Blue Cross PPO"),
            ("United", "", "UnitedHealthcare Choice Plus"),
            (
                "United Health Care",
                "choice",
                "UnitedHealthcare Choice Plus",
            ),
            ("UHC", "N/A", "UnitedHealthcare Choice Plus"),
            ("Delta Dental of New York", "PPO", "Delta Dental PPO"),
            ("Delta", "Premier", "Delta Dental PPO"),
            ("Met Life", "", "MetLife PDP Plus"),
            ("Kayser", "gold", "Kaiser Permanente Gold HMO"),
            ("Gardian", "Dental Guard", "Guardian DentalGuard"),
            ("unknown", "Cigna silver dental", "Cigna Silver"),
            ("", "Aetna", "Aetna HMO"),
        ] {
            assert_eq!(offered(payer, plan), [expected], "{payer} / {plan}");
        }
    }

    #[test]
    fn a_plan_named_as_people_say_it_is_found_at_once() {
        let plans = clinic();
        for (payer, plan, expected) in [
            ("BCBS", "P P O", "Blue Cross"),
            ("Met Life", "PDP Plus", "MetLife"),
            ("united healthcare", "choice plus", "UnitedHealthcare"),
            ("Aetna", "H.M.O.", "Aetna"),
        ] {
            match meant(&plans, payer, plan) {
                Meant::One(found) => assert_eq!(found.payer, expected),
                other => panic!("{payer} / {plan}: {other:?}"),
            }
        }
    }

    #[test]
    fn several_plans_that_may_be_meant_are_all_offered_and_one_that_was_named_is_offered_alone() {
        let mut plans = clinic();
        plans.push(Plan {
            plan: "PPO".into(),
            aliases: Vec::new(),
            ..plans[1].clone()
        });
        let names = |payer: &str, plan: &str| match meant(&plans, payer, plan) {
            Meant::One(plan) => vec![plan.plan.clone()],
            Meant::Perhaps(some) => some.iter().map(|plan| plan.plan.clone()).collect(),
        };
        assert_eq!(names("Etna", ""), ["HMO", "PPO"]);
        assert_eq!(names("Etna", "PPO"), ["PPO"]);
        assert_eq!(names("Aetna", "Gold"), ["HMO", "PPO"]);
    }

    #[test]
    fn for_an_insurer_that_sounds_like_none_nothing_is_offered() {
        for (payer, plan) in [
            ("Acme", "Gold"),
            ("Dental", "PPO"),
            ("", ""),
            ("Humana", "HMO"),
            ("Sunrise", "Basic"),
            ("insurance", "silver plan"),
        ] {
            let found = offered(payer, plan);
            let silver = plan.contains("silver");
            assert!(
                found.is_empty() || silver && found == ["Cigna Silver"],
                "{payer} / {plan}: {found:?}"
            );
        }
    }

    #[test]
    fn no_more_is_offered_than_can_be_asked() {
        let mut plans = clinic();
        for number in 0..20 {
            plans.push(Plan {
                plan: format!("Plan {number}"),
                aliases: Vec::new(),
                ..plans[1].clone()
            });
        }
        match meant(&plans, "Etna", "") {
            Meant::Perhaps(some) => assert_eq!(some.len(), OFFERED),
            other => panic!("{other:?}"),
        }
    }
}
