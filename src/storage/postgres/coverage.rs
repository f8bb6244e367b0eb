//! Insurance plans and what they pay.

use super::{Db, StorageError};
use crate::domain::{
    coverage::{Coverage, Meant, Plan, meant},
    ids::TenantId,
};

impl Db {
    /// Whether the plan a caller names pays for a procedure. Only a rule of the clinic's says yes or no.
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
            let plan = match meant(&plans, payer, plan) {
                Meant::One(plan) => plan,
                Meant::Perhaps(some) => return Ok(Coverage::UnknownPlan { candidates: some.into_iter().cloned().collect() }),
            };
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
                None => Coverage::NoRule { plan },
            })
        })
        .await
    }
}
