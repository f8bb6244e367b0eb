//! What comes after the agent's leg: `POST /twilio/dial-done`.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use tokio::time::{Instant, timeout_at};

use super::{
    links::{self, CallRef},
    people,
    request::SignedForm,
    transfer,
    twiml::{PersonLeg, Twiml, say},
};
use crate::{
    dispatch::wall_clock,
    domain::{
        call::{NextStep, TransferResult},
        e164::E164,
        tenant::TenantProfile,
    },
    gateway::{Gateway, error::GatewayError},
    storage::{postgres::Clinic, redis::through_failover},
};

/// Twilio waits 15 s for an answer; the caller hears nothing meanwhile.
const FAILOVER: Duration = Duration::from_secs(8);

/// The agent's leg ended: the caller goes where the call said, or to the fallback. Asked twice, it answers the same.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's or names no call.
pub async fn dial_done(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<Twiml, GatewayError> {
    let call = CallRef::from_query(&form)?;
    let next = next_of(&gateway, call).await;
    release(&gateway, call).await;
    if next == Some(NextStep::HangUp) {
        return Ok(Twiml::hang_up());
    }
    let clinic = clinic(&gateway, &form, call).await;
    let profile = clinic.as_ref().map(|clinic| &*clinic.profile);
    // A leg that ended without a word of the call's own was cut: by us, by LiveKit or by the caller, who then hears nothing of this.
    if !matches!(next, Some(NextStep::Transfer { .. })) {
        tracing::warn!(status = form.field("DialCallStatus"), "call falls back");
    }
    Ok(next_step(&gateway, &form, call, next.as_ref(), profile).await)
}

/// What the call said of what comes next. A Redis that fails over is waited for: without an answer somebody would be dialled for a caller whose errand is done.
async fn next_of(gateway: &Gateway, call: CallRef) -> Option<NextStep> {
    let load = || gateway.store.load(call.tenant, call.call);
    match through_failover(FAILOVER, "next step not known yet", |_| true, load).await {
        Ok(record) => record.and_then(|record| record.next),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "next step unknown"
            );
            None
        }
    }
}

/// The call's clinic, as far as Postgres or the cache knows it in time: by the number that was dialled, else by its id, which Twilio has signed. A number may be moved
/// or withdrawn during a call.
async fn clinic(gateway: &Gateway, form: &SignedForm, call: CallRef) -> Option<Clinic> {
    let patience = Instant::now() + gateway.voice_deadline;
    let by_number = async {
        let found = gateway.directory.find(&form.dialled()?, patience).await;
        found.ok().flatten()
    };
    if let Some(clinic) = by_number.await.filter(|c| c.profile.id == call.tenant) {
        return Some(clinic);
    }
    match timeout_at(patience, gateway.db.clinic(call.tenant)).await {
        Ok(Ok(clinic)) => clinic,
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the call's clinic is not known"
            );
            None
        }
        Err(_) => {
            tracing::error!("the call's clinic is not known in time");
            None
        }
    }
}

/// Redis says whom to dial, and whoever can write there must not choose: a clinic has one number for people. Of a clinic that is not known nobody can say whether it is
/// that number, so nobody is dialled.
fn is_the_clinics(to: &E164, profile: Option<&TenantProfile>) -> bool {
    let Some(profile) = profile else {
        tracing::error!("a transfer for a clinic that is not known just now");
        return false;
    };
    let is_its_own = profile
        .transfer
        .as_ref()
        .is_some_and(|desk| desk.number == *to);
    if !is_its_own {
        tracing::error!("a transfer to a number that is not the clinic's");
    }
    is_its_own
}

/// What Twilio is told for a call's next step.
pub(super) async fn next_step(
    gateway: &Gateway,
    form: &SignedForm,
    call: CallRef,
    next: Option<&NextStep>,
    profile: Option<&TenantProfile>,
) -> Twiml {
    match next {
        Some(NextStep::HangUp) => Twiml::hang_up(),
        Some(NextStep::Transfer { to }) if is_the_clinics(to, profile) => {
            if people::leads_back(gateway, form, to).await {
                let failed = TransferResult::Failed;
                transfer::settle(gateway, call, Some(to.clone()), failed).await;
                return Twiml::say_goodbye(say::NOBODY_ANSWERED);
            }
            let public = &gateway.public_url;
            Twiml::dial_person(PersonLeg {
                number: to,
                action: &links::person_done(public, Some(call)),
                whisper: Some(&links::whisper(public, call)),
                shown: people::shown(form).as_ref(),
            })
        }
        Some(NextStep::Transfer { .. } | NextStep::Fallback) | None => {
            fallback(gateway, form, profile).await
        }
    }
}

/// A caller whom we cannot serve: to the clinic's own people, or an apology.
pub(super) async fn fallback(
    gateway: &Gateway,
    form: &SignedForm,
    profile: Option<&TenantProfile>,
) -> Twiml {
    let number = profile.and_then(|profile| profile.fallback_number.as_ref());
    match number {
        Some(number) if !people::leads_back(gateway, form, number).await => {
            Twiml::dial_person(PersonLeg {
                number,
                action: &links::person_done(&gateway.public_url, None),
                whisper: None,
                shown: people::shown(form).as_ref(),
            })
        }
        _ => Twiml::say_goodbye(say::CANNOT_TAKE),
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
