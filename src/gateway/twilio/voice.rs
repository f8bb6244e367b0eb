//! `POST /voice`: a call comes in. Answered within `gateway.voice_deadline_ms`, whatever is away behind us.

use std::sync::Arc;

use axum::extract::State;
use tokio::time::Instant;

use super::{
    after,
    links::{self, CallRef},
    request::SignedForm,
    twiml::{SipLeg, Twiml, say},
};
use crate::{
    dispatch::{Candidate, Decision, wall_clock},
    domain::{
        call::CallPhase,
        e164::E164,
        ids::{CallId, RoomName, TwilioCallSid},
        phi::Phi,
    },
    gateway::{Gateway, error::GatewayError},
    storage::{postgres::Clinic, redis::StoredCall},
    telemetry::labels::Admission,
};

/// Admits the call and sends it to its room, or says why not.
///
/// # Errors
/// [`GatewayError`] for a request that Twilio did not sign or that is not a call. Nothing else: a caller is never met by an error.
pub async fn voice(
    State(gateway): State<Arc<Gateway>>,
    form: Result<SignedForm, GatewayError>,
) -> Result<Twiml, GatewayError> {
    let began = Instant::now();
    let answered = match form {
        Ok(form) => answer(&gateway, &form, began + gateway.voice_deadline).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok((result, twiml)) => {
            gateway.metrics.admission(result, began.elapsed());
            Ok(twiml)
        }
        Err(error) => {
            if matches!(error, GatewayError::Forged) {
                gateway
                    .metrics
                    .admission(Admission::Forged, began.elapsed());
            }
            Err(error)
        }
    }
}

async fn answer(
    gateway: &Gateway,
    form: &SignedForm,
    deadline: Instant,
) -> Result<(Admission, Twiml), GatewayError> {
    let sid = form.call_sid()?;
    let Some(dialled) = form.dialled() else {
        return Ok((
            Admission::UnknownNumber,
            Twiml::say_goodbye(say::UNKNOWN_NUMBER),
        ));
    };
    // Postgres gets half of the time, so that Redis has its share.
    let patience = deadline - gateway.voice_deadline / 2;
    Ok(match gateway.directory.find(&dialled, patience).await {
        Ok(Some(clinic)) => {
            let caller = form.caller();
            let newcomer = Newcomer {
                sid,
                dialled,
                caller,
            };
            admit(gateway, &clinic, newcomer, deadline).await
        }
        Ok(None) => (
            Admission::UnknownNumber,
            Twiml::say_goodbye(say::UNKNOWN_NUMBER),
        ),
        Err(_) => (Admission::Unavailable, Twiml::say_goodbye(say::CANNOT_TAKE)),
    })
}

struct Newcomer {
    sid: TwilioCallSid,
    dialled: E164,
    caller: Option<Phi<E164>>,
}

async fn admit(
    gateway: &Gateway,
    clinic: &Clinic,
    newcomer: Newcomer,
    deadline: Instant,
) -> (Admission, Twiml) {
    let (tenant, call) = (clinic.profile.id, CallId::generate());
    CallRef { tenant, call }.record();
    let candidate = Candidate {
        tenant: &clinic.profile,
        call,
        sid: newcomer.sid,
        caller: newcomer
            .caller
            .map(|number| StoredCall::seal_caller(&clinic.sealer, call, &number)),
        dialled: newcomer.dialled,
    };
    match gateway
        .dispatcher
        .admit(candidate, wall_clock(), deadline)
        .await
    {
        Ok(Decision::Admitted { room }) => {
            tracing::info!("call admitted");
            (
                Admission::Admitted,
                to_agent(gateway, CallRef { tenant, call }, &room),
            )
        }
        Ok(Decision::Repeated { call, room }) => {
            let call = CallRef { tenant, call };
            call.record();
            (
                Admission::Repeated,
                again(gateway, clinic, call, &room).await,
            )
        }
        Ok(Decision::Refused(refusal)) => {
            tracing::warn!(?refusal, "call refused");
            (
                Admission::Limited,
                after::fallback(gateway, Some(&clinic.profile)),
            )
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "call not admitted"
            );
            (
                Admission::Unavailable,
                after::fallback(gateway, Some(&clinic.profile)),
            )
        }
    }
}

/// The same answer as the first time, unless the call is over by now: its room would ring for nobody.
async fn again(gateway: &Gateway, clinic: &Clinic, call: CallRef, room: &RoomName) -> Twiml {
    match gateway.store.load(call.tenant, call.call).await {
        Ok(Some(record)) if record.phase == CallPhase::Ended => {
            after::next_step(gateway, record.next.as_ref(), Some(&clinic.profile))
        }
        _ => to_agent(gateway, call, room),
    }
}

fn to_agent(gateway: &Gateway, call: CallRef, room: &RoomName) -> Twiml {
    Twiml::dial_sip(SipLeg {
        uri: &links::sip_uri(room, &gateway.livekit),
        username: &gateway.livekit.sip_username,
        password: gateway.livekit.sip_password.expose(),
        timeout_secs: gateway.dial_timeout_secs,
        action: &links::dial_done(&gateway.public_url, call),
        status_callback: &links::sip_status(&gateway.public_url, call),
    })
}
