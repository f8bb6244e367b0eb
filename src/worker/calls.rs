//! The calls that run on this pod, by LiveKit's job.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::registration::JobId;

/// Which jobs run, and how each is told to leave. Cheap to clone. A std-style lock: it is held for a map access, never over an await.
#[derive(Clone, Debug, Default)]
pub struct RunningCalls {
    jobs: Arc<Mutex<HashMap<JobId, CancellationToken>>>,
}

impl RunningCalls {
    /// Enters a job; it is taken out when the guard is dropped.
    #[must_use]
    pub fn enter(&self, job: JobId, leave: CancellationToken) -> RunningCall {
        self.jobs.lock().insert(job.clone(), leave);
        RunningCall {
            calls: self.clone(),
            job,
        }
    }

    /// LiveKit ended the job (our agent left, or the dispatch was deleted): its call leaves the room.
    pub fn terminate(&self, job: &JobId) {
        if let Some(leave) = self.jobs.lock().get(job) {
            leave.cancel();
        }
    }

    /// The jobs that run now.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobId> {
        self.jobs.lock().keys().cloned().collect()
    }
}

/// A job's entry.
#[derive(Debug)]
pub struct RunningCall {
    calls: RunningCalls,
    job: JobId,
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        self.calls.jobs.lock().remove(&self.job);
    }
}
