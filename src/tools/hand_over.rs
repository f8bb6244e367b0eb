//! `transfer_to_human` and `end_call`: outputs that the call performs after the agent's next words.
//!
//! A call that our webhook sent is transferred by its end: the agent says a last word, the leg ends, and the person is dialled. A call by a trunk has no such way on: there the
//! tool itself has the network refer the caller ([`Refer`]), and a refusal is an answer like any other, with which the conversation goes on.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ToolSet,
    answer::{Answer, Answered},
    arguments,
    outcome::{CallEffect, ToolTrace},
};
use crate::domain::{
    call::TransferResult, e164::E164, phi::Phi, spoken::spoken_time, tenant::TenantProfile,
};

/// Has the network connect the caller with a number; says what became of it, within [`DEADLINE`].
pub type Refer = Arc<dyn Fn(E164) -> BoxFuture<'static, TransferResult> + Send + Sync>;

/// A person's phone may ring meanwhile. Shorter than the patience of the conversation, which bridges the time with words.
pub const DEADLINE: Duration = Duration::from_secs(25);

/// The tools' names.
pub(super) const TRANSFER: &str = "transfer_to_human";
const END: &str = "end_call";

/// Nobody is dialled at this hour.
const CLOSED: &str = "closed";
/// The person is dialled when the leg has ended.
const TRANSFERRING: &str = "transferring";
/// The network has connected the caller.
const TRANSFERRED: &str = "transferred";
/// The leg ends after the goodbye.
const ENDING: &str = "ending";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferArgs {
    /// Why, in a few words.
    reason: String,
    /// What the person is told before they take the call, in one or two sentences: who calls, what they want, what was done so far.
    #[serde(default, deserialize_with = "arguments::blank_as_none")]
    summary: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndArgs {
    /// Why, in a few words.
    #[serde(default, deserialize_with = "arguments::blank_as_none")]
    reason: Option<String>,
}

/// Whom a caller can be transferred to.
enum Desk<'a> {
    Open(&'a E164),
    Closed { opens: Option<DateTime<Utc>> },
    Nobody,
}

impl ToolSet {
    pub(super) async fn transfer_to_human(&self, args: TransferArgs) -> Answered {
        arguments::text("reason", &args.reason)?;
        if let Some(summary) = &args.summary {
            arguments::summary(summary)?;
        }
        let number = match desk(self.profile(), self.now()) {
            Desk::Open(number) => number,
            Desk::Closed { opens } => return Ok(Answer::declined(closed(opens, self.profile()))),
            Desk::Nobody => {
                return Ok(Answer::declined(json!({ "status": "nobody_available" })));
            }
        };
        let Some(refer) = &self.refer else {
            return Ok(Answer::done(json!({ "status": TRANSFERRING }))
                .with_effect(CallEffect::TransferToHuman));
        };
        Ok(match refer(number.clone()).await {
            TransferResult::Accepted => Answer::done(json!({ "status": TRANSFERRED }))
                .with_effect(CallEffect::TransferToHuman),
            result => Answer::declined(not_taken(result)),
        })
    }

    pub(super) fn end_call(&self, args: EndArgs) -> Answered {
        if let Some(reason) = &args.reason {
            arguments::text("reason", reason)?;
        }
        Ok(Answer::done(json!({ "status": ENDING })).with_effect(CallEffect::EndCall))
    }
}

/// The clinic's people in their hours; the fallback number has none.
fn desk(profile: &TenantProfile, now: DateTime<Utc>) -> Desk<'_> {
    match (&profile.transfer, &profile.fallback_number) {
        (Some(desk), _) if desk.hours.is_open(now, profile.time_zone) => Desk::Open(&desk.number),
        (Some(desk), _) => Desk::Closed {
            opens: desk.hours.opens_next(now, profile.time_zone),
        },
        (None, Some(number)) => Desk::Open(number),
        (None, None) => Desk::Nobody,
    }
}

fn closed(opens: Option<DateTime<Utc>>, profile: &TenantProfile) -> Value {
    let mut answer = json!({
        "status": CLOSED,
        "message": "Nobody is at the desk now. Say so, say when somebody is, and offer what you can do yourself: coverage, free times, appointments. \
                    In an emergency tell the caller to hang up and dial 911.",
    });
    if let Some(opens) = opens {
        answer["opens"] = json!(spoken_time(opens, profile.time_zone));
    }
    answer
}

/// What the model reads when the person did not take the call: it has the caller again.
#[must_use]
pub fn not_taken(result: TransferResult) -> Value {
    json!({
        "status": result.as_str(),
        "message": "The caller was not connected and is with you. Say that nobody could take the call, and offer what you can do yourself, or to try once more later.",
    })
}

/// Whether somebody was to be given the caller.
#[must_use]
pub fn is_transfer(trace: &ToolTrace) -> bool {
    trace.request.name == TRANSFER
}

/// Whether the tool agreed to a transfer.
#[must_use]
pub fn agreed(trace: &ToolTrace) -> bool {
    let status = trace.outcome.content.expose().get("status");
    let is_agreed = status.is_some_and(|status| status == TRANSFERRING || status == TRANSFERRED);
    is_transfer(trace) && is_agreed
}

/// What a tool that has run does to the call; a restored conversation has only its trace.
#[must_use]
pub fn effect(trace: &ToolTrace) -> Option<CallEffect> {
    if agreed(trace) {
        return Some(CallEffect::TransferToHuman);
    }
    let status = trace.outcome.content.expose().get("status");
    let is_ending = trace.request.name == END && status.is_some_and(|status| status == ENDING);
    is_ending.then_some(CallEffect::EndCall)
}

/// What became of a transfer, as far as the tool knows it: not, if the person is yet to be dialled.
#[must_use]
pub fn result(trace: &ToolTrace) -> Option<TransferResult> {
    if !is_transfer(trace) {
        return None;
    }
    match trace.outcome.content.expose().get("status")?.as_str()? {
        TRANSFERRED => Some(TransferResult::Accepted),
        status => TransferResult::from_label(status),
    }
}

/// What the person is to be told.
#[must_use]
pub fn briefing(trace: &ToolTrace) -> Option<Phi<String>> {
    let args: TransferArgs = arguments::parse(trace.request.arguments.expose()).ok()?;
    args.summary.map(Phi::new)
}

/// Notes in a tool's trace that the person did not take the call after all.
pub fn declined_after_all(trace: &mut ToolTrace, result: TransferResult) {
    trace.outcome.content = Phi::new(not_taken(result));
    trace.outcome.status = super::outcome::ToolStatus::Declined;
}
