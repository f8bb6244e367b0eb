//! One newtype per id, so that mixing two kinds does not compile.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An id that is not of its form.
#[derive(Debug, thiserror::Error)]
#[error("malformed {kind}")]
pub struct InvalidId {
    kind: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh id; version 7, so that ids sort by their time of birth.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id as stored.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId { kind: stringify!($name) })
            }
        }
    )+};
}

uuid_id! {
    /// A clinic.
    TenantId,
    /// One phone call, whatever number of workers it passes through.
    CallId,
    /// A practitioner whose time is booked.
    ProviderId,
    /// A clinic's site.
    LocationId,
    /// A booked appointment.
    BookingId,
    /// A patient of one tenant.
    PatientId,
}

/// How often a call has been dispatched: a worker that holds an older epoch is fenced out of every write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch of a call's first dispatch.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How often the caller came back to us from a person who did not take the call. Each time the call has a new leg and a new room: this says which of them is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Returns(pub u32);

impl Returns {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A worker pod, fresh at each start of the process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodId(String);

impl PodId {
    /// A pod id from the host's name (for people) and a random part (for uniqueness over restarts).
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self(format!(
            "{host}-{}",
            &Uuid::new_v4().simple().to_string()[..8]
        ))
    }

    /// A pod by its id, as read from Redis.
    #[must_use]
    pub const fn named(id: String) -> Self {
        Self(id)
    }

    /// The id as written to Redis and logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Twilio's name of a call leg (`CA` and 32 hex digits).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TwilioCallSid(String);

impl FromStr for TwilioCallSid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = text.strip_prefix("CA").unwrap_or_default();
        let valid = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        valid.then(|| Self(text.to_owned())).ok_or(InvalidId {
            kind: "TwilioCallSid",
        })
    }
}

impl TwilioCallSid {
    /// The sid as Twilio writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// LiveKit's name of a SIP leg (`sip.callID`: `SCL_` and a random part).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SipCallId(String);

impl FromStr for SipCallId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let random = text.strip_prefix("SCL_").unwrap_or_default();
        let valid =
            (8..=64).contains(&random.len()) && random.bytes().all(|b| b.is_ascii_alphanumeric());
        valid
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidId { kind: "SipCallId" })
    }
}

/// The leg that brought the caller to us, as those who carry it name it. One leg is one call, however often we are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LegId {
    /// From Twilio's voice webhook.
    Twilio(TwilioCallSid),
    /// From LiveKit's SIP gateway, for a call by an elastic trunk.
    Sip(SipCallId),
}

impl LegId {
    /// The name; two kinds never share one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Twilio(sid) => sid.as_str(),
            Self::Sip(id) => &id.0,
        }
    }
}

/// A LiveKit room of ours.
///
/// Either we made its name: `call-` and 128 random bits in hex. It is then also the SIP user that Twilio dials, so it must not be guessable. Or LiveKit's dispatch
/// rule made it for a call by an elastic trunk: our prefix, the clinic's number, and its own random part; nobody can dial it. Neither says anything of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomName(String);

impl RoomName {
    /// The prefix of rooms that LiveKit makes for elastic trunks.
    pub const TRUNK_PREFIX: &str = "neurality-trunk";

    /// A fresh unguessable room.
    #[must_use]
    pub fn generate() -> Self {
        Self(format!("call-{}", Uuid::new_v4().simple()))
    }

    /// Whether LiveKit made it for an elastic trunk.
    #[must_use]
    pub fn is_of_trunk(&self) -> bool {
        is_trunk_room(&self.0)
    }

    /// The name as LiveKit knows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        (is_own_room(text) || is_trunk_room(text))
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidId { kind: "RoomName" })
    }
}

fn is_own_room(text: &str) -> bool {
    let hex = text.strip_prefix("call-").unwrap_or_default();
    hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `<prefix>_<the number that was dialled>_<12 random characters>`.
fn is_trunk_room(text: &str) -> bool {
    let rest = text.strip_prefix(RoomName::TRUNK_PREFIX);
    let Some((number, random)) = rest
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|rest| rest.rsplit_once('_'))
    else {
        return false;
    };
    let digits = number.strip_prefix('+').unwrap_or(number);
    (1..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && random.len() == 12
        && random.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_name_survives_its_own_parser_and_others_do_not() {
        let room = RoomName::generate();
        assert_eq!(room.as_str().parse::<RoomName>().expect("own form"), room);
        for bad in [
            "",
            "call-",
            "call-xyz",
            "room-00000000000000000000000000000000",
        ] {
            assert!(bad.parse::<RoomName>().is_err(), "{bad}");
        }
        assert!(!room.is_of_trunk());
    }

    #[test]
    fn a_trunks_room_carries_the_number_that_was_dialled() {
        for good in [
            "neurality-trunk_+12125550100_4fRz8KqLmN2p",
            "neurality-trunk_2125550100_4fRz8KqLmN2p",
        ] {
            let room: RoomName = good.parse().expect("a trunk's room");
            assert!(room.is_of_trunk(), "{good}");
        }
        for bad in [
            "neurality-trunk_+12125550100",
            "neurality-trunk_+12125550100_4fRz",
            "neurality-trunk_anonymous_4fRz8KqLmN2p",
            "neurality-trunk_212 5550100_4fRz8KqLmN2p",
            "neurality-trunk_+_4fRz8KqLmN2p",
            "trunk_+12125550100_4fRz8KqLmN2p",
        ] {
            assert!(bad.parse::<RoomName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn livekits_name_of_a_leg_is_its_prefix_and_letters() {
        assert!("SCL_4fRz8KqLmN2p".parse::<SipCallId>().is_ok());
        for bad in ["", "SCL_", "SCL_4f:z8KqLmN2p", "PA_4fRz8KqLmN2p"] {
            assert!(bad.parse::<SipCallId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_twilio_sid_is_ca_and_32_hex_digits() {
        assert!(
            "CA00000000000000000000000000000abc"
                .parse::<TwilioCallSid>()
                .is_ok()
        );
        assert!("CA1234567890ABCDE".parse::<TwilioCallSid>().is_err());
    }
}
