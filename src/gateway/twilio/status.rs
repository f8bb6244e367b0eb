//! `POST /twilio/sip-status`: progress of the agent's leg; `POST /twilio/call-status`: progress of the caller's own. May be late, doubled or out of order; only an end means something.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use tokio::time::Instant;

use super::{links::CallRef, request::SignedForm};
use crate::{
    dispatch::wall_clock,
    domain::ids::LegId,
    gateway::{Gateway, error::GatewayError},
};

/// How a leg ends, in Twilio's words.
const ENDED: [&str; 5] = ["completed", "busy", "failed", "no-answer", "canceled"];

/// Frees the call's slot once its leg has ended.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's or names no call, or while Redis is away.
pub async fn sip_status(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<StatusCode, GatewayError> {
    let call = CallRef::from_query(&form)?;
    let status = form
        .field("CallStatus")
        .ok_or(GatewayError::Malformed("CallStatus"))?;
    if ENDED.contains(&status) {
        let released = gateway
            .store
            .release_leg(call.tenant, call.call, call.returns, wall_clock())
            .await;
        let freed = released.map_err(|error| GatewayError::unavailable("redis", error))?;
        if freed {
            gateway.dispatcher.end_room_of(call.tenant, call.call);
        }
        tracing::debug!(freed, "sip leg ended");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a call whose caller is gone. Twilio asks this for a number with a callback for status changes; it alone tells of a caller who hung up while we were being asked what to do, because such
/// a caller gets no leg to us.
///
/// # Errors
/// [`GatewayError`] for a request that is not Twilio's or names no call, or while Redis or Postgres is away: Twilio then asks once more.
pub async fn call_status(
    State(gateway): State<Arc<Gateway>>,
    form: SignedForm,
) -> Result<StatusCode, GatewayError> {
    let leg = LegId::Twilio(form.call_sid()?);
    let status = form
        .field("CallStatus")
        .ok_or(GatewayError::Malformed("CallStatus"))?;
    let Some(dialled) = form.dialled().filter(|_| ENDED.contains(&status)) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let patience = Instant::now() + gateway.voice_deadline;
    let clinic = gateway
        .directory
        .find(&dialled, patience)
        .await
        .map_err(|error| GatewayError::unavailable("postgres", error))?;
    let Some(clinic) = clinic else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let tenant = clinic.profile.id;
    let away = |error| GatewayError::unavailable("redis", error);
    let found = gateway
        .store
        .call_of_leg(tenant, &leg)
        .await
        .map_err(away)?;
    let Some(call) = found else {
        return Ok(StatusCode::NO_CONTENT);
    };
    CallRef::first(tenant, call).record();
    let released = gateway.store.release(tenant, call, wall_clock()).await;
    let freed = released.map_err(away)?;
    if freed {
        gateway.dispatcher.end_room_of(tenant, call);
        tracing::info!("the caller's own leg has ended");
    }
    Ok(StatusCode::NO_CONTENT)
}
