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

/// A LiveKit room: `call-` and 128 random bits in hex. It is also the SIP user that Twilio dials, so it must not be guessable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomName(String);

impl RoomName {
    /// A fresh unguessable room.
    #[must_use]
    pub fn generate() -> Self {
        Self(format!("call-{}", Uuid::new_v4().simple()))
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
        let hex = text.strip_prefix("call-").unwrap_or_default();
        let valid = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        valid
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidId { kind: "RoomName" })
    }
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
