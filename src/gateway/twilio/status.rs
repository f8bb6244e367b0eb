//! `POST /twilio/sip-status`: progress of the agent's leg. May be late, doubled or out of order; only its end means something.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::{links::CallRef, request::SignedForm};
use crate::{
    dispatch::wall_clock,
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
