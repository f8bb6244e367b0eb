//! What the model can do: typed, validated, idempotent. One file per tool.
//!
//! [`ToolSet::run`] answers every request, whatever the model wrote: an unknown tool, malformed arguments or a failing database become JSON that the model reads.
//! Calls that the model makes at once are a step ([`ToolSet::run_step`]): what changes bookings runs one after the other there, and stops at the first refusal.
//! What changes bookings runs under an idempotency key of ours ([`idempotency`]) and Postgres decides; dropping the future of a running mutation rolls it back,
//! so the session lets it finish despite barge-in and hang-up.

mod answer;
mod arguments;
mod book_appointment;
mod cancel_appointment;
mod catalogue;
mod check_insurance_coverage;
mod find_available_slots;
pub mod hand_over;
mod idempotency;
mod identity;
mod list_my_appointments;
pub mod outcome;
mod reschedule_appointment;
mod slot_id;
mod step;
mod update_phone_number;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use tokio::time::{Instant, sleep, timeout};

use self::{
    answer::{Answer, Answered, Refusal},
    catalogue::Tool,
    hand_over::Refer,
    outcome::ToolOutcome,
};
use crate::{
    domain::{
        call_time::CallTime,
        caller::Attestation,
        conversation::{ToolRequest, ToolSpec},
        e164::E164,
        ids::CallId,
        phi::Phi,
        tenant::TenantProfile,
    },
    storage::postgres::{Clinic, Db, StorageError},
};

/// Before a tool that only reads is tried once more: long enough for a new connection, too short to be heard.
const READ_AGAIN: Duration = Duration::from_millis(150);

/// Where the present comes from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The names of all tools.
pub fn names() -> impl Iterator<Item = &'static str> {
    Tool::ALL.iter().map(|tool| tool.name())
}

/// The tools of one call; a cheap clone.
#[derive(Clone)]
pub struct ToolSet {
    db: Db,
    clinic: Clinic,
    call: CallId,
    caller: Option<Phi<E164>>,
    attestation: Attestation,
    clock: Clock,
    refer: Option<Refer>,
}

impl ToolSet {
    /// Tools that act for this caller of this clinic. Nobody vouches for the caller's number, unless [`Self::with_attestation`] says so.
    #[must_use]
    pub fn new(
        db: Db,
        clinic: Clinic,
        call: CallId,
        caller: Option<Phi<E164>>,
        clock: Clock,
    ) -> Self {
        // The clinic's own number identifies nobody.
        let caller = caller.filter(|number| !clinic.is_own(number.expose()));
        Self {
            db,
            clinic,
            call,
            caller,
            attestation: Attestation::Unknown,
            clock,
            refer: None,
        }
    }

    /// With what the network says of the caller's number.
    #[must_use]
    pub fn with_attestation(mut self, attestation: Attestation) -> Self {
        self.attestation = attestation;
        self
    }

    /// With a network that transfers the caller while the call lives.
    #[must_use]
    pub fn with_refer(mut self, refer: Option<Refer>) -> Self {
        self.refer = refer;
        self
    }

    /// The tools as the model sees them; the clinic's procedure codes are a closed set in the schemas. Equal for all calls of a clinic.
    #[must_use]
    pub fn specs(&self) -> Vec<ToolSpec> {
        Tool::ALL
            .iter()
            .map(|tool| tool.spec(&self.clinic.profile))
            .collect()
    }

    /// Whether a tool of this name changes something: it must run to its end, and never on speculation.
    #[must_use]
    pub fn is_mutating(&self, name: &str) -> bool {
        let refers = self.refer.is_some();
        Tool::by_name(name)
            .is_some_and(|tool| tool.is_mutating() || refers && tool == Tool::TransferToHuman)
    }

    /// Whether a tool of this name ends the conversation: beside one that changes something it must wait for the result.
    #[must_use]
    pub fn is_closing(&self, name: &str) -> bool {
        Tool::by_name(name).is_some_and(Tool::is_closing)
    }

    /// Runs one request and answers it, within the tool's deadline.
    pub async fn run(&self, request: ToolRequest, turn: u32, at: CallTime) -> ToolOutcome {
        let started = Instant::now();
        let answer = match Tool::by_name(&request.name) {
            Some(tool) => {
                match timeout(tool.deadline(), self.attempt(tool, &request, turn)).await {
                    Ok(result) => result.unwrap_or_else(|refusal| self.refuse(tool, refusal)),
                    Err(_) => Answer::failed(),
                }
            }
            None => Answer::invalid("unknown_tool", "There is no such tool."),
        };
        outcome(request, answer, started.elapsed(), turn, at)
    }

    /// A tool that only reads is tried once more when storage failed in passing. One that changes something is not: whether it did is in doubt.
    async fn attempt(&self, tool: Tool, request: &ToolRequest, turn: u32) -> Answered {
        match self.dispatch(tool, request, turn).await {
            Err(Refusal::Storage(error)) if !tool.is_mutating() && is_transient(&error) => {
                tracing::warn!(
                    tool = tool.name(),
                    error = &error as &dyn std::error::Error,
                    "tool is tried once more"
                );
                sleep(READ_AGAIN).await;
                self.dispatch(tool, request, turn).await
            }
            result => result,
        }
    }

    async fn dispatch(&self, tool: Tool, request: &ToolRequest, turn: u32) -> Answered {
        let arguments = request.arguments.expose();
        match tool {
            Tool::CheckInsuranceCoverage => {
                self.check_insurance_coverage(arguments::parse(arguments)?)
                    .await
            }
            Tool::FindAvailableSlots => {
                self.find_available_slots(arguments::parse(arguments)?)
                    .await
            }
            Tool::BookAppointment => {
                self.book_appointment(arguments::parse(arguments)?, turn)
                    .await
            }
            Tool::CancelAppointment => self.cancel_appointment(arguments::parse(arguments)?).await,
            Tool::RescheduleAppointment => {
                self.reschedule_appointment(arguments::parse(arguments)?)
                    .await
            }
            Tool::UpdatePhoneNumber => self.update_phone_number(arguments::parse(arguments)?).await,
            Tool::ListMyAppointments => {
                self.list_my_appointments(arguments::parse(arguments)?)
                    .await
            }
            Tool::TransferToHuman => self.transfer_to_human(arguments::parse(arguments)?).await,
            Tool::EndCall => self.end_call(arguments::parse(arguments)?),
        }
    }

    /// The one place where a storage failure inside a tool is logged.
    fn refuse(&self, tool: Tool, refusal: Refusal) -> Answer {
        match refusal {
            Refusal::Invalid { code, message } => Answer::invalid(code, &message),
            Refusal::Declined(content) => Answer::declined(content),
            Refusal::Storage(error) => {
                tracing::error!(
                    tool = tool.name(),
                    error = &error as &dyn std::error::Error,
                    "tool failed"
                );
                Answer::failed()
            }
        }
    }

    fn profile(&self) -> &TenantProfile {
        &self.clinic.profile
    }

    fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    fn today(&self) -> NaiveDate {
        self.now()
            .with_timezone(&self.profile().time_zone)
            .date_naive()
    }
}

/// Later, and perhaps on another connection, the same may succeed.
fn is_transient(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Unavailable(_) | StorageError::Deadline | StorageError::Conflict(_)
    )
}

/// Logs how a request went and gives it its answer.
fn outcome(
    request: ToolRequest,
    answer: Answer,
    took: Duration,
    turn: u32,
    at: CallTime,
) -> ToolOutcome {
    tracing::info!(
        tool = Tool::by_name(&request.name).map_or("unknown", Tool::name),
        status = answer.status.as_str(),
        turn,
        at_ms = at.as_millis(),
        took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "tool ran"
    );
    ToolOutcome {
        id: request.id,
        content: Phi::new(answer.content),
        status: answer.status,
        effect: answer.effect,
        took,
    }
}
