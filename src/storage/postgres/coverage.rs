//! Insurance plans and what they pay.

use super::{Db, StorageError};
use crate::domain::{
    coverage::{Coverage, Plan, match_plan},
    ids::TenantId,
};

impl Db {
    /// Whether the plan a caller names pays for a procedure. A known plan without a rule for it does not cover it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn coverage(
        &self,
        tenant: TenantId,
        payer: &str,
        plan: &str,
        procedure: &str,
    ) -> Result<Coverage, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let plans = sqlx::query!("SELECT plan_id, payer, plan, aliases FROM insurance_plans").fetch_all(tx.connection()).await?;
            let plans: Vec<Plan> =
                plans.into_iter().map(|row| Plan { id: row.plan_id, payer: row.payer, plan: row.plan, aliases: row.aliases }).collect();
            let Some(plan) = match_plan(&plans, payer, plan) else { return Ok(Coverage::UnknownPlan) };
            let rule = sqlx::query!(
                "SELECT covered, copay_cents, note FROM coverage_rules WHERE plan_id = $1 AND procedure_code = $2",
                plan.id,
                procedure
            )
            .fetch_optional(tx.connection())
            .await?;
            let plan = plan.clone();
            Ok(match rule {
                Some(rule) if rule.covered => Coverage::Covered { plan, copay_cents: rule.copay_cents, note: rule.note },
                Some(rule) => Coverage::NotCovered { plan, note: rule.note },
                None => Coverage::NotCovered { plan, note: None },
            })
        })
        .await
    }
}
