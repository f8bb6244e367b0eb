//! What the pods say of themselves. Lost, it comes again with each pod's next report.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, keys};
use crate::domain::{ids::PodId, placement::ProjectName};

/// A pod's own report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodReport {
    /// When it was made, by the pod's clock.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// The name that it is registered under.
    pub agent_name: String,
    /// The LiveKit projects that it is registered with. Pods of an earlier version know one.
    #[serde(default = "only_default")]
    pub projects: Vec<ProjectName>,
    /// Calls it would take now, of all projects together; 0 while it drains, is overloaded, or is registered nowhere.
    pub free: u32,
    /// Calls it serves or has promised to.
    pub used: u32,
    /// It will go away.
    pub draining: bool,
}

fn only_default() -> Vec<ProjectName> {
    vec![ProjectName::default()]
}

impl Store {
    /// Reports a pod.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn report_pod(&self, pod: &PodId, report: &PodReport) -> Result<(), StoreError> {
        let json = serde_json::json!(report).to_string();
        self.query::<()>(
            redis::cmd("HSET")
                .arg(keys::PODS)
                .arg(pod.as_str())
                .arg(json),
        )
        .await?;
        self.query(
            redis::cmd("PEXPIRE")
                .arg(keys::PODS)
                .arg(self.session_ttl_ms()),
        )
        .await
    }

    /// A pod is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_pod(&self, pod: &PodId) -> Result<(), StoreError> {
        self.query(redis::cmd("HDEL").arg(keys::PODS).arg(pod.as_str()))
            .await
    }

    /// Every pod's last report, also those of pods that died since: look at [`PodReport::at`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pods(&self) -> Result<HashMap<PodId, PodReport>, StoreError> {
        let reports: HashMap<String, String> =
            self.query(redis::cmd("HGETALL").arg(keys::PODS)).await?;
        let read = |(pod, json): (String, String)| {
            let report = serde_json::from_str(&json).ok()?;
            Some((PodId::named(pod), report))
        };
        // A report of another version's form is left out: that pod is offered calls by back-off alone.
        Ok(reports.into_iter().filter_map(read).collect())
    }
}
