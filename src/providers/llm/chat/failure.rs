//! A refused or broken request as a [`Fault`]. Of an error body only its code is read; its text is never kept.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use crate::providers::{
    Fault, ProviderError, Vendor,
    transport::{TransportError, fault_of_status},
};

/// An error body that is longer or later is not read to its end: the status must do.
const LARGEST_BODY: usize = 16 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Body {
    error: WireError,
}

/// OpenAI's error object, without its message.
#[derive(Deserialize)]
pub(super) struct WireError {
    /// Azure sends numbers, too.
    code: Option<serde_json::Value>,
    r#type: Option<String>,
}

impl WireError {
    fn is(&self, name: &str) -> bool {
        let code = self.code.as_ref().and_then(serde_json::Value::as_str);
        code == Some(name) || self.r#type.as_deref() == Some(name)
    }
}

/// An error event in the middle of a stream.
pub(super) fn of_event(error: &WireError) -> Fault {
    let bad = ["invalid_request_error", "context_length_exceeded"];
    if error.is("insufficient_quota") {
        Fault::Refused
    } else if error.is("rate_limit_exceeded") {
        Fault::RateLimited(None)
    } else if bad.iter().any(|name| error.is(name)) {
        Fault::BadRequest
    } else {
        Fault::Unavailable
    }
}

/// An answer with a status of failure.
pub(super) async fn of_answer(vendor: Vendor, answer: reqwest::Response) -> ProviderError {
    let status = answer.status();
    let by_status = fault_of_status(status, answer.headers());
    let fault = match by_status {
        // Waiting does not bring money.
        Fault::RateLimited(_)
            if error_of(answer)
                .await
                .is_some_and(|e| e.is("insufficient_quota")) =>
        {
            Fault::Refused
        }
        fault => fault,
    };
    ProviderError::new(vendor, fault).because(TransportError::Status(status.as_u16()))
}

async fn error_of(mut answer: reqwest::Response) -> Option<WireError> {
    let mut text = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = answer.chunk().await {
            if text.len() + chunk.len() > LARGEST_BODY {
                return;
            }
            text.extend_from_slice(&chunk);
        }
    };
    timeout(BODY_DEADLINE, reading).await.ok()?;
    serde_json::from_slice::<Body>(&text)
        .ok()
        .map(|body| body.error)
}

/// The request did not get through, or the answer broke off.
pub(super) fn of_transport(vendor: Vendor, error: reqwest::Error) -> ProviderError {
    let fault = if error.is_timeout() {
        Fault::Timeout
    } else if error.is_builder() {
        Fault::BadRequest
    } else {
        // No body is decoded here, so a "decode" error is a body that broke off.
        Fault::Unavailable
    };
    ProviderError::new(vendor, fault).because(error.without_url())
}
