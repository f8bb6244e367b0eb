//! `POST /twilio/person-done`: a person was dialled. Who was not taken comes back to an agent.

use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    links::CallRef,
    people,
    request::SignedForm,
    twiml::{Twiml, say},
    voice::to_agent,
};
use crate::{
    dispatch::wall_clock,
    domain::{
        call::{NextStep, TransferResult},
        e164::E164,
        ids::RoomName,
        placement::ProjectName,
    },
    gateway::{Gateway, error::GatewayError},
    storage::redis::{Return, StoredCall},
};

/// A caller who came back talks to an agent, who writes the artifact of the whole call. Should Redis be lost meanwhile, the copy of its first part waits for that.
const LONGER_THAN_ANY_CALL: TimeDelta = TimeDelta::hours(2);

/// Hangs up after a person took the call; else sends the caller back to an agent, or tells them that nobody is there.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's.
pub async fn person_done(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<Twiml, GatewayError> {
    if form.query("call").is_none() {
        return Ok(after_fallback(&form));
    }
    let call = CallRef::from_query(&form)?;
    let record = transferred(&gateway, call).await;
    let result = result(&form, record.as_ref().and_then(|record| record.transfer));
    let project = project(&gateway, record.as_ref());
    let to = record.and_then(|record| record.next).and_then(number);
    Ok(match result {
        TransferResult::Accepted | TransferResult::Abandoned => {
            settle(&gateway, call, to, result).await;
            Twiml::hang_up()
        }
        _ => bring_back(&gateway, call, &project, to, result).await,
    })
}

async fn transferred(gateway: &Gateway, call: CallRef) -> Option<StoredCall> {
    match gateway.store.load(call.tenant, call.call).await {
        Ok(record) => record,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "transfer unknown");
            None
        }
    }
}

/// The caller comes back to the LiveKit project that the call was placed in.
fn project(gateway: &Gateway, record: Option<&StoredCall>) -> ProjectName {
    let placement = record.and_then(|record| record.placement.clone());
    placement
        .unwrap_or_else(|| gateway.dispatcher.projects().usual())
        .project
}

/// Where a step leads to, if to a person.
pub(super) fn number(next: NextStep) -> Option<E164> {
    match next {
        NextStep::Transfer { to } => Some(to),
        NextStep::HangUp | NextStep::Fallback => None,
    }
}

/// The clinic's fallback number was dialled: for a call that no agent had.
fn after_fallback(form: &SignedForm) -> Twiml {
    let is_unbridged = form.field("DialBridged") == Some("false");
    match form.field("DialCallStatus") {
        Some("completed") if !is_unbridged && !people::nobody_spoke(form) => Twiml::hang_up(),
        _ => Twiml::say_goodbye(say::NOBODY_ANSWERED),
    }
}

/// Twilio calls a leg completed that was answered, also by a mailbox: only the key, or the bridge, says that a person took the call.
fn result(form: &SignedForm, noted: Option<TransferResult>) -> TransferResult {
    let is_bridged = form.field("DialBridged") == Some("true") && !people::nobody_spoke(form);
    if noted == Some(TransferResult::Accepted) || is_bridged {
        return TransferResult::Accepted;
    }
    if form.field("CallStatus") == Some("completed") {
        return TransferResult::Abandoned;
    }
    match form.field("DialCallStatus") {
        Some("completed") if !people::nobody_spoke(form) => TransferResult::Declined,
        _ => TransferResult::NoAnswer,
    }
}

async fn bring_back(
    gateway: &Gateway,
    call: CallRef,
    project: &ProjectName,
    to: Option<E164>,
    result: TransferResult,
) -> Twiml {
    let room = RoomName::generate();
    let (tenant, id, returns) = (call.tenant, call.call, call.returns);
    let returned = gateway
        .dispatcher
        .bring_back(tenant, id, returns, result, &room)
        .await;
    let next_leg = CallRef {
        returns: returns.next(),
        ..call
    };
    match returned {
        Ok(Return::Back) => {
            note(gateway, call, to, result);
            reschedule(gateway, call, wall_clock() + LONGER_THAN_ANY_CALL);
            to_agent(gateway, next_leg, project, &room)
        }
        Ok(Return::Repeated(room)) => to_agent(gateway, next_leg, project, &room),
        Ok(Return::Over) => {
            settle(gateway, call, to, result).await;
            Twiml::say_goodbye(say::NOBODY_ANSWERED)
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the caller cannot come back"
            );
            Twiml::say_goodbye(say::NOBODY_ANSWERED)
        }
    }
}

/// The copy of the artifact in Postgres goes into the chain then, unless another one of the call does before. Beside the answer; undone, the copy goes when its time comes.
fn reschedule(gateway: &Gateway, call: CallRef, due_at: DateTime<Utc>) {
    let db = gateway.db.clone();
    gateway.dispatcher.beside(async move {
        let done = db.reschedule_artifact(call.tenant, call.call, due_at).await;
        if let Err(error) = done {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a transferred call's artifact keeps its time"
            );
        }
    });
}

/// The end of a transfer that does not lead back, also if Redis has forgotten the call. Best effort: the artifact is held for a limited time only.
pub(super) async fn settle(
    gateway: &Gateway,
    call: CallRef,
    to: Option<E164>,
    result: TransferResult,
) {
    reschedule(gateway, call, wall_clock());
    let settled = gateway
        .store
        .settle_transfer(call.tenant, call.call, result)
        .await;
    match settled {
        Ok(true) => note(gateway, call, to, result),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a transfer is not settled"
            );
        }
    }
}

/// Counts the result and writes it into the call's row, beside the answer: a caller does not wait for Postgres.
fn note(gateway: &Gateway, call: CallRef, to: Option<E164>, result: TransferResult) {
    tracing::info!(transfer = result.as_str(), "a transfer is over");
    gateway.metrics.transfer(result);
    let db = gateway.db.clone();
    gateway.dispatcher.beside(async move {
        let noted = db
            .note_transfer(call.tenant, call.call, to.as_ref(), result)
            .await;
        if let Err(error) = noted {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a transfer's result is not noted"
            );
        }
    });
}
