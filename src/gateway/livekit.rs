//! `POST /livekit/webhook`: what happens in the rooms. May be late, doubled, out of order, or about rooms that are not ours.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
};
use livekit_api::webhooks::WebhookError;
use livekit_protocol::WebhookEvent;

use super::{
    Gateway,
    error::GatewayError,
    trunk,
    twilio::{links::CallRef, request::read_body},
};
use crate::{
    dispatch::wall_clock,
    domain::{call::CallPhase, ids::RoomName, placement::ProjectName},
    storage::redis::StoreError,
};

/// Follows rooms that belong to calls. Idempotent.
///
/// # Errors
/// [`GatewayError`] for a request that LiveKit did not sign, or while Redis is away: LiveKit then sends it again.
pub(super) async fn webhook(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
) -> Result<StatusCode, GatewayError> {
    let token = token(request.headers())?;
    let body = read_body(request, &gateway).await?;
    let (project, event) = verified(&gateway, &token, &body)?;
    let Some(room) = event.room.as_ref().and_then(|room| room.name.parse().ok()) else {
        return Ok(StatusCode::OK);
    };
    match follow(&gateway, project, &room, &event).await {
        Ok(()) => Ok(StatusCode::OK),
        Err(error) => Err(GatewayError::unavailable("redis", error)),
    }
}

fn token(headers: &HeaderMap) -> Result<String, GatewayError> {
    let value = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = value.ok_or(GatewayError::Unauthorized)?;
    Ok(token.strip_prefix("Bearer ").unwrap_or(token).to_owned())
}

/// The token is one of our projects' and carries this body's hash.
fn verified<'a>(
    gateway: &'a Gateway,
    token: &str,
    body: &[u8],
) -> Result<(&'a ProjectName, WebhookEvent), GatewayError> {
    let body = std::str::from_utf8(body).map_err(|_| GatewayError::Malformed("webhook"))?;
    for (name, project) in &gateway.projects {
        match project.webhooks.receive(body, token) {
            Ok(event) => return Ok((name, event)),
            Err(WebhookError::InvalidData(_)) => return Err(GatewayError::Malformed("webhook")),
            // Another project's, or nobody's.
            Err(
                WebhookError::InvalidAuth(_)
                | WebhookError::InvalidSignature
                | WebhookError::InvalidBase64(_),
            ) => {}
        }
    }
    Err(GatewayError::Unauthorized)
}

async fn follow(
    gateway: &Gateway,
    project: &ProjectName,
    room: &RoomName,
    event: &WebhookEvent,
) -> Result<(), StoreError> {
    let caller = event.participant.as_ref().filter(|p| trunk::is_caller(p));
    let is_caller = caller.is_some();
    let Some((tenant, call)) = gateway.store.room_owner(room).await? else {
        return match caller {
            Some(caller) if room.is_of_trunk() && event.event == "participant_joined" => {
                trunk::arrived(gateway, project, room, caller).await
            }
            _ => Ok(()),
        };
    };
    CallRef::first(tenant, call).record();
    let record = gateway.store.load(tenant, call).await?;
    // A call that came back from a person has left its first room.
    let Some(record) = record.filter(|record| record.room == *room) else {
        return Ok(());
    };
    // Whoever has a project's keys has no say in rooms of another.
    if record
        .placement
        .as_ref()
        .is_some_and(|placement| placement.project != *project)
    {
        tracing::warn!(livekit.project = %project, "an event of a room in another project");
        return Ok(());
    }
    match event.event.as_str() {
        // A leg that came back to a room whose call ended while LiveKit was away.
        "participant_joined" if is_caller && record.phase == CallPhase::Ended => {
            gateway.dispatcher.end_room_of(tenant, call);
            tracing::info!("a caller is back after the end");
        }
        "participant_joined" if is_caller => {
            let held = gateway.store.renew_slot(tenant, call, wall_clock()).await?;
            tracing::info!(held, "caller is in the room");
        }
        // While it rings, nobody needs a worker any more. Later the worker sees it itself.
        "participant_left" if is_caller => {
            let waited = gateway.store.give_up(tenant, call, wall_clock()).await?;
            if waited {
                gateway.dispatcher.end_room_of(tenant, call);
            }
            tracing::info!(waited, "caller left the room");
        }
        // A restarting LiveKit closes rooms whose callers are back in a moment: the worker waits for them, and ends the call if they stay away.
        "room_finished" if record.phase.is_served() => {
            tracing::info!("room of a served call is closed")
        }
        "room_finished" => {
            let freed = gateway
                .store
                .release_leg(tenant, call, record.returns, wall_clock())
                .await?;
            tracing::info!(freed, "room is closed");
        }
        _ => {}
    }
    Ok(())
}
