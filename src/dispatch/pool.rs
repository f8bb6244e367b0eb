//! What the pool holds at this second, for the autoscaler and for people.

use chrono::{DateTime, Utc};

use super::{Dispatcher, supply};
use crate::{storage::redis::StoreError, telemetry::pool::PoolFigures};

impl Dispatcher {
    /// Counts calls and slots over all tenants and pods, as Redis has them now.
    ///
    /// # Errors
    /// [`StoreError`]: then nothing is known, which is not the same as nothing.
    pub async fn figures(&self, now: DateTime<Utc>) -> Result<PoolFigures, StoreError> {
        let mut all = PoolFigures::default();
        let mut oldest = None;
        for tenant in self.store.busy_tenants().await? {
            let survey = self.store.survey(tenant).await?;
            all.waiting += survey.waiting.len();
            all.orphaned += survey.orphaned.len();
            all.heirless += survey.heirless.len();
            all.served += survey.leases.len();
            let admitted = survey.waiting.first().map(|(_, at)| *at);
            oldest = oldest.into_iter().chain(admitted).min();
        }
        all.oldest_wait = oldest
            .and_then(|at| (now - at).to_std().ok())
            .unwrap_or_default();
        for report in self.store.pods().await?.into_values() {
            if supply::is_silent(&report, now) {
                continue;
            }
            all.pods += 1;
            all.draining += usize::from(report.draining);
            all.free += report.free as usize;
            all.used += report.used as usize;
        }
        Ok(all)
    }
}
