//! What comes after the agent's leg: `POST /twilio/dial-done`.

use std::sync::Arc;

use axum::extract::State;
use tokio::time::Instant;

use super::{
    links::{self, CallRef},
    request::SignedForm,
    twiml::{Twiml, say},
};
use crate::{
    dispatch::wall_clock,
    domain::{call::NextStep, tenant::TenantProfile},
    gateway::{Gateway, error::GatewayError},
};

/// The agent's leg ended: the caller goes where the call said, or to the fallback. Asked twice, it answers the same.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's or names no call.
pub async fn dial_done(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<Twiml, GatewayError> {
    let call = CallRef::from_query(&form)?;
    let next = match gateway.store.load(call.tenant, call.call).await {
        Ok(record) => record.and_then(|record| record.next),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "next step unknown"
            );
            None
        }
    };
    release(&gateway, call).await;
    // A leg that ended without a word of the call's own was cut: by us, by LiveKit or by the caller, who then hears nothing of this.
    if !matches!(next, None | Some(NextStep::Fallback)) {
        return Ok(next_step(&gateway, call, next.as_ref(), None));
    }
    tracing::warn!(status = form.field("DialCallStatus"), "call falls back");
    let clinic = match form.dialled() {
        Some(dialled) => {
            let patience = Instant::now() + gateway.voice_deadline;
            gateway
                .directory
                .find(&dialled, patience)
                .await
                .ok()
                .flatten()
        }
        None => None,
    };
    let profile = clinic.as_ref().map(|clinic| &*clinic.profile);
    Ok(fallback(
        &gateway,
        profile.filter(|profile| profile.id == call.tenant),
    ))
}

/// What Twilio is told for a call's next step.
pub(super) fn next_step(
    gateway: &Gateway,
    call: CallRef,
    next: Option<&NextStep>,
    profile: Option<&TenantProfile>,
) -> Twiml {
    match next {
        Some(NextStep::HangUp) => Twiml::hang_up(),
        Some(NextStep::Transfer { to }) => {
            let public = &gateway.public_url;
            Twiml::transfer(
                to,
                &links::person_done(public, Some(call)),
                &links::whisper(public, call),
            )
        }
        Some(NextStep::Fallback) | None => fallback(gateway, profile),
    }
}

/// A caller whom we cannot serve: to the clinic's own people, or an apology.
pub(super) fn fallback(gateway: &Gateway, profile: Option<&TenantProfile>) -> Twiml {
    match profile.and_then(|profile| profile.fallback_number.as_ref()) {
        Some(number) => Twiml::dial_person(number, &links::person_done(&gateway.public_url, None)),
        None => Twiml::say_goodbye(say::CANNOT_TAKE),
    }
}

/// Best effort: an unreleased slot expires.
async fn release(gateway: &Gateway, call: CallRef) {
    match gateway
        .store
        .release_leg(call.tenant, call.call, call.returns, wall_clock())
        .await
    {
        Ok(freed) => {
            if freed {
                gateway.dispatcher.end_room_of(call.tenant, call.call);
            }
            tracing::debug!(freed, "call released");
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "call not released"
            );
        }
    }
}
