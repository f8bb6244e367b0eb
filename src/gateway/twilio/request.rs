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
    domain::{e164::E164, ids::TwilioCallSid, phi::Phi},
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

    /// The number that was dialled; `None` if it is not a phone number.
    #[must_use]
    pub fn dialled(&self) -> Option<E164> {
        self.field("To")?.parse().ok()
    }

    /// The caller's number; `None` if withheld.
    #[must_use]
    pub fn caller(&self) -> Option<Phi<E164>> {
        caller_id::number(self.field("From")?)
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
        ] {
            assert!(form(from).caller().is_none(), "{from}");
        }
        let caller = form("From=%2B14158675309").caller().expect("a number");
        assert_eq!(caller.expose().as_str(), "+14158675309");
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
