//! `check_insurance_coverage`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered, Refusal},
    arguments,
};
use crate::domain::{coverage::Coverage, spoken::spoken_money, tenant::Procedure};

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

/// Cents read as dollars would be a hundred times too much.
fn copay_spoken(cents: Option<i32>) -> Option<String> {
    cents
        .and_then(|cents| u32::try_from(cents).ok())
        .map(spoken_money)
}

impl ToolSet {
    pub(super) async fn check_insurance_coverage(&self, args: CoverageArgs) -> Answered {
        let payer = arguments::text("payer", &args.payer)?;
        let plan = arguments::text("plan", &args.plan)?;
        let (code, _) = self.procedure(&args.procedure_code)?;
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
                "status": "covered", "copay_cents": copay_cents, "copay_spoken": copay_spoken(copay_cents),
                "payer": plan.payer, "plan": plan.plan, "note": note,
            })),
            Coverage::NotCovered { plan, note } => Answer::declined(json!({
                "status": "not_covered", "copay_cents": null, "payer": plan.payer, "plan": plan.plan, "note": note,
            })),
            Coverage::UnknownPlan => Answer::declined(json!({
                "status": "unknown_plan", "copay_cents": null, "payer": payer, "plan": plan, "note": null,
            })),
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
