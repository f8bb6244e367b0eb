//! The token with which livekit-sip would join.

use std::time::Duration;

use livekit_api::access_token::{AccessToken, AccessTokenError, VideoGrants};
use rand::{Rng, distr::Alphanumeric};
use sha2::{Digest, Sha256};

/// The prefix that the product's rule for elastic trunks gives to rooms.
const TRUNK_PREFIX: &str = "neurality-trunk";

/// The way a leg came.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    /// Twilio dialled the room as a SIP user; the callee rule put it there.
    Dialled,
    /// An elastic trunk brought a call to this number; a callee rule that hides the caller's number made a room for it.
    Trunk {
        /// The number dialled.
        to: &'a str,
    },
}

/// A phone leg as the room shows it.
pub(super) struct SipParticipant<'a> {
    /// The room.
    pub(super) room: &'a str,
    /// `sip`; anything else is no phone to the agent and the server.
    pub(super) kind: &'a str,
    /// The caller's number.
    pub(super) from: &'a str,
    /// livekit-sip's name of the leg.
    pub(super) call_id: &'a str,
    /// Says what else livekit-sip tells of it.
    pub(super) way: Way<'a>,
}

/// The room that a callee rule with randomness makes for a call to this number.
pub(super) fn trunk_room(to: &str) -> String {
    let random: String = rand::rng()
        .sample_iter(Alphanumeric)
        .take(12)
        .map(char::from)
        .collect();
    format!("{TRUNK_PREFIX}_{to}_{random}")
}

fn last_digits(from: &str) -> &str {
    &from[from.len().saturating_sub(4)..]
}

impl SipParticipant<'_> {
    fn identity(&self) -> String {
        match self.way {
            Way::Dialled => format!("sip_{}_{}", self.from, &self.call_id[4..]),
            Way::Trunk { .. } => {
                let hash = Sha256::digest(self.from);
                format!("sip_{}", hex::encode(&hash[..8]))
            }
        }
    }

    fn name(&self) -> String {
        match self.way {
            Way::Dialled => format!("Phone {}", self.from),
            Way::Trunk { .. } => format!("Phone {}", last_digits(self.from)),
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let numbers = match self.way {
            // On this route the dialled "number" is the SIP user, which is the room.
            Way::Dialled => [
                ("sip.phoneNumber", self.from.to_owned()),
                ("sip.trunkPhoneNumber", self.room.to_owned()),
            ],
            Way::Trunk { to } => [
                (
                    "neurality.sipFrom",
                    format!("<sip:{}@carrier.test>;tag=1", self.from),
                ),
                ("neurality.sipTo", format!("<sip:{to}@sip.test>")),
            ],
        };
        let mut attributes = Vec::from(numbers);
        attributes.push(("sip.callID", self.call_id.to_owned()));
        attributes.push(("sip.callStatus", "ringing".to_owned()));
        attributes
    }
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
    AccessToken::with_api_key(key, secret)
        .with_identity(&who.identity())
        .with_name(&who.name())
        .with_kind(who.kind)
        .with_attributes(who.attributes())
        .with_grants(grants)
        .with_ttl(Duration::from_secs(3_600))
        .to_jwt()
}
