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
    domain::{
        call::{CallPhase, Route},
        ids::{LegId, RoomName},
        placement::ProjectName,
    },
    gateway::{
        Gateway, Project,
        admission::{Newcomer, Verdict},
        error::GatewayError,
    },
    storage::postgres::Clinic,
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
        Ok(form) => answer(&gateway, &form).await,
        Err(error) => Err(error),
    };
    let label = match &answered {
        Ok((label, _)) => Some(*label),
        Err(GatewayError::Forged) => Some(Admission::Forged),
        Err(_) => None,
    };
    if let Some(label) = label {
        gateway.metrics.admission(label);
        gateway.metrics.voice_request(began.elapsed());
    }
    answered.map(|(_, twiml)| twiml)
}

async fn answer(gateway: &Gateway, form: &SignedForm) -> Result<(Admission, Twiml), GatewayError> {
    let room = RoomName::generate();
    let newcomer = Newcomer {
        leg: LegId::Twilio(form.call_sid()?),
        route: Route::Webhook,
        room: room.clone(),
        arrived_in: None,
        dialled: form.dialled().into_iter().collect(),
        caller: form.caller(),
        origin: form.origin(),
    };
    let verdict = gateway.decide(newcomer).await;
    let label = verdict.label();
    let twiml = match verdict {
        Verdict::Admitted(call, project) => to_agent(gateway, call, &project, &room),
        Verdict::Repeated(call, room, clinic) => again(gateway, form, &clinic, call, &room).await,
        Verdict::UnknownNumber => Twiml::say_goodbye(say::UNKNOWN_NUMBER),
        Verdict::Limited(clinic) => after::fallback(gateway, form, Some(&clinic.profile)).await,
        Verdict::Unavailable(clinic) => {
            let profile = clinic.as_ref().map(|clinic| &*clinic.profile);
            after::fallback(gateway, form, profile).await
        }
    };
    Ok((label, twiml))
}

/// The same answer as the first time, unless the call is over by now: its room would ring for nobody.
async fn again(
    gateway: &Gateway,
    form: &SignedForm,
    clinic: &Clinic,
    call: CallRef,
    room: &RoomName,
) -> Twiml {
    let record = gateway.store.load(call.tenant, call.call).await.ok();
    let placement = match record.flatten() {
        Some(record) if record.phase == CallPhase::Ended => {
            let (next, profile) = (record.next.as_ref(), Some(&*clinic.profile));
            return after::next_step(gateway, form, call, next, profile).await;
        }
        record => record.and_then(|record| record.placement),
    };
    let clinics = || clinic.profile.livekit_project.clone().unwrap_or_default();
    let project = placement.map_or_else(clinics, |placement| placement.project);
    to_agent(gateway, call, &project, room)
}

/// Sends a call's leg to its room in this project.
pub(super) fn to_agent(
    gateway: &Gateway,
    call: CallRef,
    project: &ProjectName,
    room: &RoomName,
) -> Twiml {
    let Some(Project { livekit, .. }) = gateway.projects.get(project) else {
        // It was let in by a gateway that has the project; that one has answered.
        tracing::error!(livekit.project = %project, "no such livekit project");
        return Twiml::say_goodbye(say::CANNOT_TAKE);
    };
    Twiml::dial_sip(SipLeg {
        uri: &links::sip_uri(room, livekit),
        username: &livekit.sip_username,
        password: livekit.sip_password.expose(),
        timeout_secs: gateway.dial_timeout_secs,
        limit_secs: gateway.leg_limit_secs,
        action: &links::dial_done(&gateway.public_url, call),
        status_callback: &links::sip_status(&gateway.public_url, call),
    })
}
