//! A refused or broken request as a [`Fault`]. Of an error body only its code is read; its text is never kept.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::wire_error::{FILTERED, WireError};
use crate::providers::{
    Fault, ProviderError, Vendor,
    transport::{TransportError, fault_of_status},
};

/// An error body that is longer or later is not read to its end: the status must do.
const LARGEST_BODY: usize = 16 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(1);

/// An answer with a status of failure: what it means, and what its body says of the request.
pub(super) async fn of_answer(
    vendor: Vendor,
    answer: reqwest::Response,
) -> (ProviderError, Option<WireError>) {
    let status = answer.status();
    let by_status = fault_of_status(status, answer.headers());
    let says_more = matches!(
        by_status,
        Fault::RateLimited(_) | Fault::BadRequest | Fault::Refused
    );
    let error = if says_more {
        error_of(answer).await
    } else {
        None
    };
    let is_any = |names: &[&str]| error.as_ref().is_some_and(|e| e.is_any(names));
    let fault = match by_status {
        // Waiting does not bring money.
        Fault::RateLimited(_) if is_any(&["insufficient_quota"]) => Fault::Refused,
        Fault::BadRequest | Fault::Refused if is_any(&FILTERED) => Fault::Filtered,
        fault => fault,
    };
    let failure =
        ProviderError::new(vendor, fault).because(TransportError::Status(status.as_u16()));
    (failure, error)
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
    let body: Value = serde_json::from_slice(&text).ok()?;
    // Some wrap it into a list.
    let body = body.get(0).cloned().unwrap_or(body);
    Some(WireError::of_body(body))
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
