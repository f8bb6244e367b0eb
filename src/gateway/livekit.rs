//! `POST /livekit/webhook`: what happens in the rooms. May be late, doubled, out of order, or about rooms that are not ours.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
};
use livekit_api::webhooks::WebhookError;
use livekit_protocol::{DisconnectReason, ParticipantInfo, WebhookEvent};

use super::{
    Gateway,
    error::GatewayError,
    trunk,
    twilio::{links::CallRef, request::read_body},
};
use crate::{
    dispatch::wall_clock,
    domain::{
        call::{CallPhase, Route},
        ids::RoomName,
        placement::ProjectName,
    },
    storage::redis::{StoreError, StoredCall},
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
        "participant_left" => {
            if let Some(caller) = caller {
                caller_left(gateway, &record, departure(caller)).await?;
            }
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

/// How a caller went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Departure {
    /// They hung up, or their leg was ended.
    Goodbye,
    /// LiveKit does not say.
    Untold,
    /// A fault, which LiveKit's SIP service repairs by joining again.
    Vanished,
}

fn departure(caller: &ParticipantInfo) -> Departure {
    match caller.disconnect_reason() {
        DisconnectReason::UnknownReason => Departure::Untold,
        DisconnectReason::ClientInitiated
        | DisconnectReason::ParticipantRemoved
        | DisconnectReason::RoomDeleted
        | DisconnectReason::RoomClosed
        | DisconnectReason::UserUnavailable
        | DisconnectReason::UserRejected
        | DisconnectReason::SipTrunkFailure => Departure::Goodbye,
        _ => Departure::Vanished,
    }
}

/// While nobody has the call, nobody needs to any more. A worker that has it sees that itself, if it is in the room already: one that is still on its way would find nobody and wait, so
/// the record tells it, and the end of the room.
async fn caller_left(
    gateway: &Gateway,
    record: &StoredCall,
    departure: Departure,
) -> Result<(), StoreError> {
    let (tenant, call) = (record.tenant, record.call);
    let is_over = match (record.phase, departure) {
        (CallPhase::Ended, _) | (_, Departure::Vanished) => false,
        (_, Departure::Goodbye) => true,
        (phase, Departure::Untold) => !phase.is_served(),
    };
    // The worker of a conversation ends its room when it is done; a webhook call's end is Twilio's to tell.
    let is_talking = record.phase == CallPhase::Active;
    if !is_over || (is_talking && record.route == Route::Webhook) {
        tracing::info!(?departure, "caller left the room");
        return Ok(());
    }
    let freed = gateway
        .store
        .release_leg(tenant, call, record.returns, wall_clock())
        .await?;
    if freed && !is_talking {
        gateway.dispatcher.end_room_of(tenant, call);
    }
    tracing::info!(?departure, freed, "the call is over: its caller left");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_hangs_up_is_told_from_whose_line_broke() {
        let cases = [
            (DisconnectReason::ClientInitiated, Departure::Goodbye),
            (DisconnectReason::UserRejected, Departure::Goodbye),
            (DisconnectReason::UnknownReason, Departure::Untold),
            (DisconnectReason::ServerShutdown, Departure::Vanished),
            (DisconnectReason::SignalClose, Departure::Vanished),
            (DisconnectReason::Migration, Departure::Vanished),
        ];
        for (reason, expected) in cases {
            let caller = ParticipantInfo {
                disconnect_reason: reason as i32,
                ..ParticipantInfo::default()
            };
            assert_eq!(departure(&caller), expected, "{reason:?}");
        }
    }
}
