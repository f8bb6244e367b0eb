//! What an insurance plan pays, and which plan a caller means.

mod likely;

use uuid::Uuid;

use super::fold::fold;

/// A plan that a clinic knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its row.
    pub id: Uuid,
    /// The insurer, as the clinic writes it.
    pub payer: String,
    /// The plan, as the clinic writes it.
    pub plan: String,
    /// Other names, of the plan alone or of insurer and plan together.
    pub aliases: Vec<String>,
}

/// The answer to "does my plan pay for this?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It pays.
    Covered {
        /// The plan that was recognised.
        plan: Plan,
        /// What the patient pays, in cents; the clinic may not know it.
        copay_cents: Option<i32>,
        /// Conditions in the clinic's words.
        note: Option<String>,
    },
    /// It does not.
    NotCovered {
        /// The plan that was recognised.
        plan: Plan,
        /// Conditions in the clinic's words.
        note: Option<String>,
    },
    /// The clinic knows the plan, and has nothing written down for this procedure. That is not a no.
    NoRule {
        /// The plan that was recognised.
        plan: Plan,
    },
    /// The clinic has no such plan on file.
    UnknownPlan {
        /// Plans that may be meant, for a question; often none.
        candidates: Vec<Plan>,
    },
}

/// Which plan a caller means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant<'a> {
    /// This one: it was named as the clinic names it.
    One(&'a Plan),
    /// Perhaps one of these: to be asked.
    Perhaps(Vec<&'a Plan>),
}

/// Words that callers and recognisers add or leave out.
const FILLERS: [&str; 8] = [
    "the",
    "my",
    "a",
    "insurance",
    "plan",
    "health",
    "company",
    "from",
];

/// What models write when the caller named nothing.
const NOTHING: [&str; 17] = [
    "",
    "unknown",
    "unsure",
    "not sure",
    "none",
    "null",
    "na",
    "not specified",
    "unspecified",
    "not provided",
    "not given",
    "any",
    "dont know",
    "i dont know",
    "does not know",
    "standard",
    "no plan",
];

/// Whether a text stands for a name that was not given.
#[must_use]
pub fn says_nothing(text: &str) -> bool {
    let plain: String = fold(text)
        .chars()
        .filter(|c| c.is_alphanumeric() || c.is_whitespace())
        .collect();
    NOTHING.contains(
        &plain
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .as_str(),
    )
}

/// Finds the plan a caller means, or those that it may be.
#[must_use]
pub fn meant<'a>(plans: &'a [Plan], payer: &str, plan: &str) -> Meant<'a> {
    match match_plan(plans, payer, plan) {
        Some(plan) => Meant::One(plan),
        None => Meant::Perhaps(likely::plans(plans, payer, plan)),
    }
}

/// Finds the plan a caller means: case, punctuation, spaces and filler words do not matter, aliases count. `None` if no plan fits or several do.
fn match_plan<'a>(plans: &'a [Plan], payer: &str, plan: &str) -> Option<&'a Plan> {
    let said = Said {
        payer: compact(payer),
        plan: compact(plan),
    };
    let mut fits = plans.iter().filter(|known| said.means(known));
    let first = fits.next()?;
    fits.next().is_none().then_some(first)
}

struct Said {
    payer: String,
    plan: String,
}

impl Said {
    /// The two together are a name of the plan; or one of them is, and the insurer is not another.
    fn means(&self, known: &Plan) -> bool {
        let names = full_names(known);
        let known_payer = compact(&known.payer);
        let same_payer = !self.payer.is_empty()
            && (known_payer.contains(&self.payer) || self.payer.contains(&known_payer));
        let named = |text: &String| !text.is_empty() && names.contains(text);
        named(&format!("{}{}", self.payer, self.plan))
            || same_payer && (named(&self.plan) || named(&self.payer))
    }
}

/// Each way to say insurer and plan together; an alias may or may not hold the insurer.
fn full_names(plan: &Plan) -> Vec<String> {
    let payer = compact(&plan.payer);
    let mut names = vec![format!("{payer}{}", compact(&plan.plan))];
    for alias in &plan.aliases {
        let alias = compact(alias);
        names.push(format!("{payer}{alias}"));
        names.push(alias);
    }
    names
}

/// Letters and digits of the words that matter, in lower case, joined: `P.P.O.` is `PPO`.
fn compact(text: &str) -> String {
    fold(text)
        .split(|c: char| c.is_whitespace() || c == '-' || c == '/' || c == ',')
        .map(|word| {
            word.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<String>()
        })
        .filter(|word| !FILLERS.contains(&word.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans() -> Vec<Plan> {
        let plan = |payer: &str, plan: &str, aliases: &[&str]| Plan {
            id: Uuid::new_v4(),
            payer: payer.into(),
            plan: plan.into(),
            aliases: aliases.iter().map(|alias| (*alias).into()).collect(),
        };
        vec![
            plan("Delta Dental", "PPO", &["Preferred Provider", "Delta PPO"]),
            plan("Delta Dental", "HMO", &["DeltaCare USA"]),
            plan(
                "Blue Cross Blue Shield",
                "Dental Blue",
                &["BCBS Dental Blue"],
            ),
        ]
    }

    #[test]
    fn a_plan_is_found_however_it_is_said() {
        let plans = plans();
        for (payer, plan, expected) in [
            ("Delta Dental", "PPO", "PPO"),
            ("delta dental", "P.P.O.", "PPO"),
            ("Delta-Dental insurance", "the PPO plan", "PPO"),
            ("Delta Dental", "Delta Dental PPO", "PPO"),
            ("delta dental", "preferred provider", "PPO"),
            ("Delta", "PPO", "PPO"),
            ("Delta Dental", "DeltaCare USA", "HMO"),
            ("BCBS", "dental blue", "Dental Blue"),
        ] {
            let found = match_plan(&plans, payer, plan).map(|plan| plan.plan.as_str());
            assert_eq!(found, Some(expected), "{payer} / {plan}");
        }
    }

    #[test]
    fn an_unknown_or_ambiguous_plan_is_not_guessed() {
        let plans = plans();
        for (payer, plan) in [
            ("Cigna", "PPO"),
            ("Cigna", "Preferred Provider"),
            ("Delta Dental", ""),
            ("", ""),
            ("Delta Dental", "Gold"),
            ("Aetna", "Dental Blue Plus"),
        ] {
            assert_eq!(match_plan(&plans, payer, plan), None, "{payer} / {plan}");
        }
        let twice = [plans[0].clone(), plans[0].clone()];
        assert_eq!(match_plan(&twice, "Delta Dental", "PPO"), None);
    }
}
