//! The token with which livekit-sip would join.

use std::time::Duration;

use livekit_api::access_token::{AccessToken, AccessTokenError, VideoGrants};

/// A phone leg as the room shows it.
pub(super) struct SipParticipant<'a> {
    /// The SIP user.
    pub(super) room: &'a str,
    /// `sip`; anything else is no phone to the agent and the server.
    pub(super) kind: &'a str,
    /// Unique in the room.
    pub(super) identity: &'a str,
    /// The caller's number.
    pub(super) from: &'a str,
    /// livekit-sip's name of the leg.
    pub(super) call_id: &'a str,
}

/// Signs it with the server's key, as livekit-sip does.
pub(super) fn sip_token(
    key: &str,
    secret: &str,
    who: &SipParticipant<'_>,
) -> Result<String, AccessTokenError> {
    let grants = VideoGrants {
        room_join: true,
        room: who.room.to_owned(),
        can_update_own_metadata: Some(true),
        ..VideoGrants::default()
    };
    let attributes = [
        ("sip.phoneNumber", who.from),
        // On this route the dialled "number" is the SIP user, which is the room.
        ("sip.trunkPhoneNumber", who.room),
        ("sip.callID", who.call_id),
        ("sip.callStatus", "ringing"),
    ];
    AccessToken::with_api_key(key, secret)
        .with_identity(who.identity)
        .with_name(&format!("Phone {}", who.from))
        .with_kind(who.kind)
        .with_attributes(attributes)
        .with_grants(grants)
        .with_ttl(Duration::from_secs(3_600))
        .to_jwt()
}
