//! The URLs that we hand to Twilio and get back from it.

use url::Url;

use super::request::SignedForm;
use crate::{
    config::{LiveKitConfig, SipTransport},
    domain::ids::{CallId, Returns, RoomName, TenantId},
    gateway::error::GatewayError,
};

/// Where a webhook belongs: in the query of the URLs we gave to Twilio, which Twilio signs. Neither id says anything of the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRef {
    /// The clinic.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// How often it had come back from a person when the leg began: it names the leg.
    pub returns: Returns,
}

impl CallRef {
    /// Reads the query, and writes both ids into the request's span.
    ///
    /// # Errors
    /// [`GatewayError::Malformed`] if an id is absent or none.
    pub fn from_query(form: &SignedForm) -> Result<Self, GatewayError> {
        let wrong = || GatewayError::Malformed("call reference");
        let id = |name| form.query(name).ok_or_else(wrong);
        let found = Self {
            tenant: id("tenant")?.parse().map_err(|_| wrong())?,
            call: id("call")?.parse().map_err(|_| wrong())?,
            returns: match form.query("returns") {
                Some(text) => Returns(text.parse().map_err(|_| wrong())?),
                None => Returns::default(),
            },
        };
        found.record();
        Ok(found)
    }

    /// A call's first leg.
    #[must_use]
    pub const fn first(tenant: TenantId, call: CallId) -> Self {
        Self {
            tenant,
            call,
            returns: Returns(0),
        }
    }

    /// Writes both ids into the request's span.
    pub fn record(self) {
        let span = tracing::Span::current();
        span.record("tenant.id", tracing::field::display(self.tenant));
        span.record("call.id", tracing::field::display(self.call));
    }
}

/// Where Twilio asks what comes after the SIP leg.
#[must_use]
pub fn dial_done(public: &Url, call: CallRef) -> String {
    link(public, "twilio/dial-done", Some(call))
}

/// Where Twilio reports the SIP leg's progress.
#[must_use]
pub fn sip_status(public: &Url, call: CallRef) -> String {
    link(public, "twilio/sip-status", Some(call))
}

/// Where Twilio asks what comes after a person was dialled: of a call that was transferred, or of one that nobody could serve.
#[must_use]
pub fn person_done(public: &Url, transferred: Option<CallRef>) -> String {
    link(public, "twilio/person-done", transferred)
}

/// Where Twilio asks what to tell a person who picked up.
#[must_use]
pub fn whisper(public: &Url, call: CallRef) -> String {
    link(public, "twilio/whisper", Some(call))
}

/// Where Twilio posts the key that this person pressed.
#[must_use]
pub fn whisper_key(public: &Url, call: CallRef, asked: Asked) -> String {
    format!("{}&asked={}", whisper(public, call), asked.as_str())
}

/// What a person was asked for when they pressed a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To hear what the call is about.
    ToListen,
    /// To take it.
    ToTake,
}

impl Asked {
    /// Reads the query.
    #[must_use]
    pub fn from_query(form: &SignedForm) -> Option<Self> {
        [Self::ToListen, Self::ToTake]
            .into_iter()
            .find(|asked| form.query("asked") == Some(asked.as_str()))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::ToListen => "listen",
            Self::ToTake => "take",
        }
    }
}

fn link(public: &Url, path: &str, call: Option<CallRef>) -> String {
    let base = public.as_str().trim_end_matches('/');
    let Some(call) = call else {
        return format!("{base}/{path}");
    };
    let mut link = format!("{base}/{path}?tenant={}&call={}", call.tenant, call.call);
    if call.returns > Returns::default() {
        link += &format!("&returns={}", call.returns.0);
    }
    link
}

/// Where the SIP leg goes. The room is the user: unguessable, so that only a call we admitted reaches it.
#[must_use]
pub fn sip_uri(room: &RoomName, livekit: &LiveKitConfig) -> String {
    let parameters = match livekit.sip_transport {
        SipTransport::Tls => "transport=tls;secure=true",
        SipTransport::Tcp => "transport=tcp",
        SipTransport::Udp => "transport=udp",
    };
    format!("sip:{room}@{};{parameters}", livekit.sip_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_encrypted_exactly_where_signalling_is() {
        let room: RoomName = "call-00112233445566778899aabbccddeeff"
            .parse()
            .expect("room");
        let uri = |sip_transport| {
            let livekit = LiveKitConfig {
                sip_transport,
                sip_host: "sip.example".into(),
                ..LiveKitConfig::default()
            };
            sip_uri(&room, &livekit)
        };
        assert_eq!(
            uri(SipTransport::Tls),
            format!("sip:{room}@sip.example;transport=tls;secure=true")
        );
        assert_eq!(
            uri(SipTransport::Tcp),
            format!("sip:{room}@sip.example;transport=tcp")
        );
        assert_eq!(
            uri(SipTransport::Udp),
            format!("sip:{room}@sip.example;transport=udp")
        );
    }
}
