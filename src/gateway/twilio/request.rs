//! A webhook whose signature was checked.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use url::form_urlencoded;

use super::signature::{Signed, public_form};
use crate::{
    domain::{
        caller::{Attestation, CallOrigin},
        e164::E164,
        ids::TwilioCallSid,
        phi::Phi,
        phone,
    },
    gateway::{Gateway, caller_id, error::GatewayError},
};

/// The header that carries the signature.
const SIGNATURE: &str = "x-twilio-signature";
/// Time that a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(5);
/// The fields of a form that Twilio signed. Fields and query may hold patient data: no `Debug`.
pub struct SignedForm {
    fields: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl SignedForm {
    /// A field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        first(&self.fields, name)
    }

    /// A query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.query, name)
    }

    /// Twilio's name of the caller's leg.
    ///
    /// # Errors
    /// [`GatewayError::Malformed`] if there is none.
    pub fn call_sid(&self) -> Result<TwilioCallSid, GatewayError> {
        let sid = self.field("CallSid").and_then(|sid| sid.parse().ok());
        sid.ok_or(GatewayError::Malformed("CallSid"))
    }

    /// The number that was dialled, also in an address of a SIP domain or a messenger; `None` if it holds no phone number.
    #[must_use]
    pub fn dialled(&self) -> Option<E164> {
        phone::from_network(self.field("To")?)
    }

    /// The caller's number; `None` if withheld.
    #[must_use]
    pub fn caller(&self) -> Option<Phi<E164>> {
        caller_id::number(self.field("From")?)
    }

    /// What came with the caller's number.
    #[must_use]
    pub fn origin(&self) -> CallOrigin {
        CallOrigin {
            attestation: self
                .field("StirVerstat")
                .map(Attestation::from_verstat)
                .unwrap_or_default(),
            forwarded_from: self.field("ForwardedFrom").and_then(caller_id::number),
        }
    }
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.as_str())
}

impl FromRequest<Arc<Gateway>> for SignedForm {
    type Rejection = GatewayError;

    async fn from_request(request: Request, gateway: &Arc<Gateway>) -> Result<Self, GatewayError> {
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        let headers = request.headers().clone();
        let body = read_body(request, gateway).await?;
        let signed = Signed {
            url: &public_form(&gateway.public_url, &target),
            body: &body,
            signature: signature(&headers),
        };
        if !gateway.verifier.accepts(signed) {
            return Err(GatewayError::Forged);
        }
        let query = target.split_once('?').map_or("", |(_, query)| query);
        Ok(Self {
            fields: pairs(&body),
            query: pairs(query.as_bytes()),
        })
    }
}

fn signature(headers: &HeaderMap) -> &str {
    headers
        .get(SIGNATURE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// The whole body, within the router's size limit and a deadline.
///
/// # Errors
/// [`GatewayError::BodyTooLarge`], [`GatewayError::SlowBody`], or [`GatewayError::Malformed`] if the connection broke.
pub async fn read_body(request: Request, gateway: &Arc<Gateway>) -> Result<Bytes, GatewayError> {
    match tokio::time::timeout(BODY_DEADLINE, Bytes::from_request(request, gateway)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(GatewayError::BodyTooLarge)
        }
        Ok(Err(rejection)) => {
            tracing::debug!(status = %rejection.into_response().status(), "request body not read");
            Err(GatewayError::Malformed("body"))
        }
        Err(_) => Err(GatewayError::SlowBody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &str) -> SignedForm {
        SignedForm {
            fields: pairs(fields.as_bytes()),
            query: Vec::new(),
        }
    }

    #[test]
    fn a_withheld_number_is_none_and_a_real_one_is_guarded() {
        for from in [
            "",
            "From=",
            "From=anonymous",
            "From=%2B266696687",
            "From=%2B7378742833",
            "From=client%3Abob",
            "From=266696687",
            "From=Anonymous",
            "From=+266696687",
            "From=Private",
            "From=unavailable",
            "From=sip%3Aanonymous%40anonymous.invalid",
        ] {
            assert!(form(from).caller().is_none(), "{from}");
        }
        // C37: an unescaped plus arrives as a space.
        for from in [
            "From=%2B14158675309",
            "From=+14158675309",
            "From=14158675309",
            "From=4158675309",
            "From=whatsapp%3A%2B14158675309",
            "From=sip%3A%2B14158675309%40carrier.example",
        ] {
            let caller = form(from).caller().expect("a number");
            assert_eq!(caller.expose().as_str(), "+14158675309", "{from}");
        }
    }

    // C36: the clinic's number was in it, and the caller heard that it is not in service.
    #[test]
    fn a_dialled_number_is_read_in_an_address() {
        for to in [
            "To=%2B12125550100",
            "To=+12125550100",
            "To=12125550100",
            "To=2125550100",
            "To=sip%3A%2B12125550100%40clinic.sip.twilio.com",
            "To=SIP%3A12125550100%40clinic.sip.twilio.com%3Buser%3Dphone",
            "To=whatsapp%3A%2B12125550100",
            "To=tel%3A%2B1-212-555-0100",
        ] {
            let number = form(to).dialled();
            assert_eq!(
                number.as_ref().map(E164::as_str),
                Some("+12125550100"),
                "{to}"
            );
        }
    }

    #[test]
    fn what_the_network_says_of_a_caller_is_read() {
        let signed =
            form("StirVerstat=TN-Validation-Passed-A&ForwardedFrom=%2B12125550199").origin();
        assert_eq!(signed.attestation, Attestation::Verified);
        let forwarder = signed.forwarded_from.expect("a number");
        assert_eq!(forwarder.expose().as_str(), "+12125550199");
        let spoofed = form("StirVerstat=TN-Validation-Failed-C&ForwardedFrom=anonymous").origin();
        assert_eq!(spoofed.attestation, Attestation::Failed);
        assert!(spoofed.forwarded_from.is_none());
        assert_eq!(form("From=x").origin(), CallOrigin::default());
    }

    #[test]
    fn a_webhook_without_a_call_sid_is_malformed() {
        assert!(
            form("CallSid=CA00000000000000000000000000000abc")
                .call_sid()
                .is_ok()
        );
        assert!(matches!(
            form("CallSid=x").call_sid(),
            Err(GatewayError::Malformed("CallSid"))
        ));
        assert!(form("To=sip%3Aalice%40example.com").dialled().is_none());
    }
}
