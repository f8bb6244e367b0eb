//! `check_insurance_coverage`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments,
};
use crate::domain::{
    coverage::{Coverage, Plan, says_nothing},
    spoken::spoken_money,
    tenant::Procedure,
};

const CANNOT_TELL: &str = "The clinic has nothing written down on this plan and procedure. Do not say that it is covered, nor that it is not. Say that you cannot tell, \
                           and that the clinic's staff will check it.";
const WHICH_PLAN: &str = "The plan was not recognised for certain. Ask the caller whether they mean one of these candidates, and call this tool again with its payer and plan \
                          exactly as written here. If it is none of them, say that you cannot tell, and that the clinic's staff will check it.";
const NO_SUCH_PLAN: &str = "The clinic does not know this plan. That does not mean that it is not covered: say that you cannot tell, and that the clinic's staff will check it. \
                            Perhaps the name was misheard: you may ask once how it is written on the card.";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CoverageArgs {
    /// Insurance company, as the caller says it.
    payer: String,
    /// Name of the plan, as the caller says it.
    plan: String,
    /// Code of the procedure.
    procedure_code: String,
}

/// A name as the caller said it; empty if they said none.
fn named(field: &str, text: &str) -> Result<String, Refusal> {
    if says_nothing(text) {
        return Ok(String::new());
    }
    let text = arguments::text(field, text)?;
    if !text.chars().any(char::is_alphabetic) {
        return Err(Refusal::arguments(format!(
            "{field} must be a name, in words, as the caller says it."
        )));
    }
    Ok(text)
}

/// Models that read cents may say cents.
fn in_words(cents: i32) -> String {
    spoken_money(cents.unsigned_abs())
}

fn unknown_plan(payer: &str, plan: &str, candidates: &[Plan]) -> Value {
    let offered: Vec<Value> = candidates
        .iter()
        .map(|known| json!({ "payer": known.payer, "plan": known.plan }))
        .collect();
    let message = if offered.is_empty() {
        NO_SUCH_PLAN
    } else {
        WHICH_PLAN
    };
    json!({
        "status": "unknown_plan", "copay_cents": null, "payer": payer, "plan": plan, "note": null, "candidates": offered, "message": message,
    })
}

impl ToolSet {
    pub(super) async fn check_insurance_coverage(&self, args: CoverageArgs) -> Answered {
        let (code, _) = self.procedure(&args.procedure_code)?;
        let payer = named("payer", &args.payer)?;
        let plan = named("plan", &args.plan)?;
        if payer.is_empty() && plan.is_empty() {
            return Err(Refusal::arguments(
                "payer and plan say nothing. Ask the caller for the name of the insurance company and of the plan, as on their card.",
            ));
        }
        let coverage = self
            .db
            .coverage(self.profile().id, &payer, &plan, code)
            .await?;
        Ok(match coverage {
            Coverage::Covered {
                plan,
                copay_cents,
                note,
            } => Answer::done(json!({
                "status": "covered", "copay_cents": copay_cents, "copay_spoken": copay_cents.map(in_words), "payer": plan.payer, "plan": plan.plan,
                "note": note,
            })),
            Coverage::NotCovered { plan, note } => Answer::declined(json!({
                "status": "not_covered", "copay_cents": null, "payer": plan.payer, "plan": plan.plan, "note": note,
            })),
            Coverage::NoRule { plan } => Answer::declined(json!({
                "status": "cannot_tell", "copay_cents": null, "payer": plan.payer, "plan": plan.plan, "note": null, "message": CANNOT_TELL,
            })),
            Coverage::UnknownPlan { candidates } => {
                Answer::declined(unknown_plan(&payer, &plan, &candidates))
            }
        })
    }

    /// A procedure that this clinic offers.
    pub(super) fn procedure(&self, code: &str) -> Result<(&str, &Procedure), Refusal> {
        let code = code.trim().to_ascii_uppercase();
        self.profile()
            .procedures
            .get_key_value(&code)
            .map(|(code, procedure)| (code.as_str(), procedure))
            .ok_or_else(|| {
                let known: Vec<&str> = self
                    .profile()
                    .procedures
                    .keys()
                    .map(String::as_str)
                    .collect();
                Refusal::invalid(
                    "unknown_procedure",
                    format!("procedure_code must be one of: {}.", known.join(", ")),
                )
            })
    }
}
