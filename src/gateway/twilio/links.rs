//! The URLs that we hand to Twilio and get back from it.

use url::Url;

use super::request::SignedForm;
use crate::{
    config::{LiveKitConfig, SipTransport},
    domain::ids::{CallId, RoomName, TenantId},
    gateway::error::GatewayError,
};

/// Where a webhook belongs: in the query of the URLs we gave to Twilio, which Twilio signs. Neither id says anything of the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRef {
    /// The clinic.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
}

impl CallRef {
    /// Reads the query, and writes both ids into the request's span.
    ///
    /// # Errors
    /// [`GatewayError::Malformed`] if an id is absent or none.
    pub fn from_query(form: &SignedForm) -> Result<Self, GatewayError> {
        let id = |name| {
            form.query(name)
                .ok_or(GatewayError::Malformed("call reference"))
        };
        let wrong = |_| GatewayError::Malformed("call reference");
        let found = Self {
            tenant: id("tenant")?.parse().map_err(wrong)?,
            call: id("call")?.parse().map_err(wrong)?,
        };
        found.record();
        Ok(found)
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

/// Where Twilio asks what comes after a person was dialled.
#[must_use]
pub fn person_done(public: &Url) -> String {
    link(public, "twilio/person-done", None)
}

fn link(public: &Url, path: &str, call: Option<CallRef>) -> String {
    let base = public.as_str().trim_end_matches('/');
    match call {
        Some(CallRef { tenant, call }) => format!("{base}/{path}?tenant={tenant}&call={call}"),
        None => format!("{base}/{path}"),
    }
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
