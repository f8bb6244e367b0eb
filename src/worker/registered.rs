//! With which LiveKit projects the pod is registered right now.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::watch;

use crate::{domain::placement::ProjectName, telemetry::metrics::Metrics};

/// Shared by the pod's agent links; a cheap clone.
#[derive(Clone, Debug)]
pub struct Registered {
    projects: Arc<watch::Sender<BTreeSet<ProjectName>>>,
    metrics: Arc<Metrics>,
}

impl Registered {
    /// With none.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            projects: Arc::default(),
            metrics,
        }
    }

    /// A link was accepted, or is gone.
    pub fn set(&self, project: &ProjectName, yes: bool) {
        let metrics = &self.metrics;
        self.projects.send_if_modified(|projects| {
            let is_new = if yes {
                projects.insert(project.clone())
            } else {
                projects.remove(project)
            };
            metrics.registered(!projects.is_empty());
            is_new
        });
    }

    /// Calls can come from somewhere.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.projects.borrow().is_empty()
    }

    /// The projects.
    #[must_use]
    pub fn projects(&self) -> Vec<ProjectName> {
        self.projects.borrow().iter().cloned().collect()
    }

    /// Learns of each change; several changes at once are one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<BTreeSet<ProjectName>> {
        self.projects.subscribe()
    }
}
