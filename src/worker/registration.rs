//! The agent protocol's rules, without a socket: what is answered to each message of the server, and when.

use std::{collections::HashMap, time::Duration};

use livekit_protocol::{
    AvailabilityRequest, AvailabilityResponse, Job, JobAssignment, JobStatus, JobType,
    RegisterWorkerRequest, UpdateJobStatus, UpdateWorkerStatus, WorkerMessage, WorkerStatus,
    server_message::Message as FromServer, worker_message::Message as ToServer,
};

use tokio::sync::mpsc;

use super::{
    calls::RunningCalls,
    slots::{Slot, Slots},
    standing::agent_identity,
};
use crate::domain::{job::JobMetadata, placement::ProjectName};

/// LiveKit's name of one dispatch attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobId(String);

impl JobId {
    /// As in logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The way to one LiveKit project: its jobs come by it and are reported over it.
#[derive(Clone, Debug)]
pub struct Link {
    /// Which project.
    pub project: ProjectName,
    /// The jobs of this project that run.
    pub calls: RunningCalls,
    /// Takes the states of jobs.
    pub outbox: mpsc::Sender<JobReport>,
}

/// A job's state, to be told to the server.
#[derive(Debug)]
pub struct JobReport {
    /// The attempt.
    pub job: JobId,
    /// Its state.
    pub status: JobStatus,
    /// A fixed text, for a failure.
    pub error: &'static str,
}

/// A job that was assigned to this pod.
#[derive(Debug)]
pub struct Assignment {
    /// Where it came from.
    pub link: Link,
    /// The attempt.
    pub job: JobId,
    /// Which call.
    pub metadata: JobMetadata,
    /// The room to join.
    pub room: String,
    /// The token to join it with.
    pub token: String,
    /// The slot it holds.
    pub slot: Slot,
}

/// What the shell has to do.
#[derive(Debug)]
pub enum Action {
    /// Send this message.
    Send(Box<WorkerMessage>),
    /// The server accepted the registration.
    Registered,
    /// Serve this call.
    Start(Box<Assignment>),
    /// Leave this job's room.
    Terminate(JobId),
    /// The server is going away: register elsewhere, calls go on.
    Reconnect,
}

/// An assignment that comes later than this after our answer is not ours any more (the server gives up after 10 s).
const ASSIGNMENT_DEADLINE: Duration = Duration::from_secs(12);

/// One registration's state. Time is since the process start.
#[derive(Debug)]
pub struct Registration {
    slots: Slots,
    agent_name: String,
    link: Link,
    reserved: HashMap<JobId, Reserved>,
}

#[derive(Debug)]
struct Reserved {
    slot: Slot,
    metadata: JobMetadata,
    until: Duration,
}

impl Registration {
    /// Nothing reserved.
    #[must_use]
    pub fn new(agent_name: &str, slots: Slots, link: Link) -> Self {
        Self {
            slots,
            link,
            agent_name: agent_name.to_owned(),
            reserved: HashMap::new(),
        }
    }

    /// The first message on a fresh socket. Without named permissions the server grants what an agent needs: publish, subscribe, data, metadata.
    #[must_use]
    pub fn register(&self) -> WorkerMessage {
        wrap(ToServer::Register(RegisterWorkerRequest {
            r#type: JobType::JtRoom.into(),
            agent_name: self.agent_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..Default::default()
        }))
    }

    /// The periodic report. The load is always in it: the server takes a missing one for 0.
    #[must_use]
    pub fn status(&self) -> WorkerMessage {
        let full = self.slots.free() == 0;
        let status = if full {
            WorkerStatus::WsFull
        } else {
            WorkerStatus::WsAvailable
        };
        wrap(ToServer::UpdateWorker(UpdateWorkerStatus {
            status: Some(status.into()),
            load: self.slots.load(),
            job_count: self.slots.used(),
            draining: self.slots.is_draining(),
            ..Default::default()
        }))
    }

    /// Takes a message of the server.
    pub fn handle(&mut self, now: Duration, message: FromServer) -> Vec<Action> {
        match message {
            FromServer::Register(_) => {
                vec![Action::Registered, Action::Send(Box::new(self.status()))]
            }
            FromServer::Availability(request) => {
                vec![Action::Send(Box::new(self.answer(now, request)))]
            }
            FromServer::Assignment(assignment) => self.assigned(assignment).into_iter().collect(),
            FromServer::Termination(t) => vec![Action::Terminate(JobId(t.job_id))],
            FromServer::GoAway(_) => vec![Action::Reconnect],
            FromServer::Pong(_) => Vec::new(),
        }
    }

    /// Frees slots whose assignment never came.
    pub fn expire(&mut self, now: Duration) {
        self.reserved.retain(|_, reserved| reserved.until > now);
    }

    /// Reserves before it answers, so that a burst of requests cannot be promised more than there is.
    fn answer(&mut self, now: Duration, request: AvailabilityRequest) -> WorkerMessage {
        let Some(job) = request.job else {
            return decline(String::new());
        };
        let Some(metadata) = JobMetadata::from_json(&job.metadata) else {
            return decline(job.id);
        };
        self.expire(now);
        if self.reserved.len() >= self.slots.most_promised() {
            tracing::debug!(
                livekit.project = %self.link.project,
                promised = self.reserved.len(),
                "a project offers more jobs than it assigns"
            );
            return decline(job.id);
        }
        let Some(slot) = self.slots.reserve() else {
            return decline(job.id);
        };
        let answer = accept(&job, metadata);
        self.reserved.insert(
            JobId(job.id),
            Reserved {
                slot,
                metadata,
                until: now + ASSIGNMENT_DEADLINE,
            },
        );
        answer
    }

    fn assigned(&mut self, assignment: JobAssignment) -> Option<Action> {
        let job = assignment.job?;
        let id = JobId(job.id);
        let reserved = self.reserved.remove(&id)?;
        Some(Action::Start(Box::new(Assignment {
            link: self.link.clone(),
            job: id,
            metadata: reserved.metadata,
            room: job.room.map(|room| room.name).unwrap_or_default(),
            token: assignment.token,
            slot: reserved.slot,
        })))
    }
}

/// A job's state for the server.
#[must_use]
pub fn job_status(job: &JobId, status: JobStatus, error: &'static str) -> WorkerMessage {
    wrap(ToServer::UpdateJob(UpdateJobStatus {
        job_id: job.0.clone(),
        status: status.into(),
        error: error.to_owned(),
    }))
}

fn accept(job: &Job, metadata: JobMetadata) -> WorkerMessage {
    wrap(ToServer::Availability(AvailabilityResponse {
        job_id: job.id.clone(),
        available: true,
        participant_identity: agent_identity(metadata.call, metadata.epoch),
        participant_name: "agent".to_owned(),
        ..Default::default()
    }))
}

fn decline(job_id: String) -> WorkerMessage {
    wrap(ToServer::Availability(AvailabilityResponse {
        job_id,
        available: false,
        ..Default::default()
    }))
}

fn wrap(message: ToServer) -> WorkerMessage {
    WorkerMessage {
        message: Some(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{CallId, Epoch, TenantId};

    fn registration(slots: Slots) -> Registration {
        let link = Link {
            project: ProjectName::default(),
            calls: RunningCalls::default(),
            outbox: mpsc::channel(1).0,
        };
        Registration::new("n", slots, link)
    }

    fn job(id: &str) -> Job {
        let metadata = JobMetadata {
            tenant: TenantId::generate(),
            call: CallId::generate(),
            epoch: Epoch::FIRST,
        };
        Job {
            id: id.to_owned(),
            metadata: metadata.to_json(),
            ..Default::default()
        }
    }

    fn ask(registration: &mut Registration, job: Job) -> bool {
        ask_at(Duration::ZERO, registration, job)
    }

    fn ask_at(now: Duration, registration: &mut Registration, job: Job) -> bool {
        let actions = registration.handle(
            now,
            FromServer::Availability(AvailabilityRequest {
                job: Some(job),
                resuming: false,
            }),
        );
        let [Action::Send(message)] = actions.as_slice() else {
            panic!("one answer expected, got {actions:?}")
        };
        let Some(ToServer::Availability(answer)) = &message.message else {
            panic!("an answer expected, got {message:?}")
        };
        answer.available
    }

    #[test]
    fn promises_no_more_jobs_than_slots() {
        let mut registration = registration(Slots::new(2));
        let answers: Vec<bool> = ["a", "b", "c"]
            .map(|id| ask(&mut registration, job(id)))
            .to_vec();
        assert_eq!(answers, [true, true, false]);
    }

    #[test]
    fn a_promise_without_assignment_frees_its_slot() {
        let slots = Slots::new(1);
        let mut registration = registration(slots.clone());
        assert!(ask(&mut registration, job("a")));
        registration.expire(Duration::from_secs(11));
        assert_eq!(slots.used(), 1);
        registration.expire(Duration::from_secs(13));
        assert_eq!(slots.used(), 0);
    }

    #[test]
    fn a_project_that_never_assigns_leaves_slots_to_the_others() {
        let slots = Slots::new(8).with_most_promised(2);
        let (mut bad, mut good) = (registration(slots.clone()), registration(slots.clone()));
        let at = Duration::from_secs;
        let offers = |seconds: u64, project: &mut Registration| {
            let names = ["a", "b", "c"].map(|name| format!("{name}{seconds}"));
            names
                .iter()
                .filter(|id| ask_at(at(seconds), project, job(id)))
                .count()
        };
        assert_eq!(offers(0, &mut bad), 2);
        assert_eq!(offers(5, &mut bad), 0, "two are still promised");
        assert_eq!(offers(5, &mut good), 2);
        assert_eq!(slots.used(), 4);
        assert_eq!(offers(13, &mut bad), 2, "the first two have lapsed");
        let assignment = JobAssignment {
            job: Some(job("a5")),
            token: "t".into(),
            url: None,
        };
        let started = good.handle(at(6), FromServer::Assignment(assignment));
        assert!(matches!(started.as_slice(), [Action::Start(_)]));
        assert!(
            ask_at(at(6), &mut good, job("d")),
            "a job that was assigned is promised no more"
        );
    }

    #[test]
    fn an_assignment_without_a_promise_is_not_served() {
        let mut registration = registration(Slots::new(1));
        let unasked = JobAssignment {
            job: Some(job("x")),
            token: "t".into(),
            url: None,
        };
        assert!(
            registration
                .handle(Duration::ZERO, FromServer::Assignment(unasked))
                .is_empty()
        );
    }

    #[test]
    fn foreign_jobs_are_declined() {
        let mut registration = registration(Slots::new(1));
        assert!(!ask(
            &mut registration,
            Job {
                id: "x".into(),
                metadata: "hello".into(),
                ..Default::default()
            }
        ));
    }

    #[test]
    fn the_full_status_carries_load_one() {
        let slots = Slots::new(1);
        let registration = registration(slots.clone());
        let _held = slots.reserve();
        let Some(ToServer::UpdateWorker(status)) = registration.status().message else {
            panic!("a status")
        };
        assert_eq!(status.status, Some(WorkerStatus::WsFull.into()));
        assert!((status.load - 1.0).abs() < f32::EPSILON);
    }
}
