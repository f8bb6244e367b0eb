//! The pod: what its calls share, and one owned task per assigned job.

use std::sync::Arc;

use livekit_protocol::JobStatus;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{
    call, guard,
    registration::{Assignment, JobId, JobReport},
};
use crate::{
    config::Config,
    dispatch::{Projects, Rooms},
    domain::{ids::PodId, job::JobMetadata, placement::ProjectName},
    providers::Providers,
    storage::{postgres::Db, redis::Store},
    telemetry::metrics::Metrics,
};

/// What the calls of a pod share; a cheap clone.
#[derive(Clone)]
pub struct PodDeps {
    /// The configuration.
    pub config: Arc<Config>,
    /// This pod.
    pub pod: PodId,
    /// Redis.
    pub store: Store,
    /// Postgres.
    pub db: Db,
    /// The server APIs of LiveKit's projects.
    pub projects: Projects,
    /// That of the call's project.
    pub rooms: Rooms,
    /// Hears, thinks, speaks.
    pub providers: Providers,
    /// The catalogue.
    pub metrics: Arc<Metrics>,
    /// Owns every task of every call.
    pub tasks: TaskTracker,
    /// Cancelled when calls should go on elsewhere.
    pub drain: CancellationToken,
    /// Cancelled when calls must end now.
    pub hard: CancellationToken,
}

impl PodDeps {
    /// What a call of this project needs.
    fn at(&self, project: &ProjectName) -> Self {
        let mut deps = self.clone();
        // The links are made from the same configuration.
        if let Ok(rooms) = self.projects.of(project) {
            deps.rooms = rooms.clone();
        }
        deps
    }
}

/// Serves assignments.
pub struct Pod {
    deps: PodDeps,
}

impl Pod {
    /// A pod without calls.
    #[must_use]
    pub const fn new(deps: PodDeps) -> Self {
        Self { deps }
    }

    /// Starts a task per assignment until the channel closes.
    pub async fn run(self, mut assigned: mpsc::Receiver<Assignment>) {
        while let Some(assignment) = assigned.recv().await {
            self.start(assignment);
        }
    }

    fn start(&self, assignment: Assignment) {
        let JobMetadata {
            tenant,
            call,
            epoch,
        } = assignment.metadata;
        let span =
            tracing::info_span!("call", tenant.id = %tenant, call.id = %call, call.epoch = epoch.0);
        let leave = CancellationToken::new();
        let deps = self.deps.at(&assignment.link.project);
        let outbox = assignment.link.outbox.clone();
        let entry = assignment
            .link
            .calls
            .enter(assignment.job.clone(), leave.clone());
        let assignment = Arc::new(assignment);
        self.deps.tasks.spawn(
            async move {
                let _entry = entry;
                report(&outbox, &assignment.job, JobStatus::JsRunning, "").await;
                let (status, error) = serve(deps, Arc::clone(&assignment), leave).await;
                // The slot is freed after LiveKit was told: a drained pod closes its socket when the last slot is free.
                report(&outbox, &assignment.job, status, error).await;
            }
            .instrument(span),
        );
    }
}

async fn serve(
    deps: PodDeps,
    assignment: Arc<Assignment>,
    leave: CancellationToken,
) -> (JobStatus, &'static str) {
    let (tasks, store, rooms) = (deps.tasks.clone(), deps.store.clone(), deps.rooms.clone());
    let give_back = guard::give_back(&store, assignment.metadata);
    let give_up = guard::give_up(&store, &rooms, assignment.metadata);
    let work = call::serve(deps, Arc::clone(&assignment), leave);
    match guard::guarded(&tasks, work, give_back, give_up).await {
        Ok(()) => (JobStatus::JsSuccess, ""),
        Err(told) => (JobStatus::JsFailed, told),
    }
}

/// Waits for room in the outbox; a closed outbox means the pod is gone.
async fn report(
    outbox: &mpsc::Sender<JobReport>,
    job: &JobId,
    status: JobStatus,
    error: &'static str,
) {
    let report = JobReport {
        job: job.clone(),
        status,
        error,
    };
    if outbox.send(report).await.is_err() {
        tracing::debug!("job report after the agent link's end");
    }
}
