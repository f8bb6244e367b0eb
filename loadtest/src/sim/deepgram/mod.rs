//! Deepgram on one server: `/v1/listen` (websocket) and `/v1/speak` (websocket and POST).

mod audio;
mod listen;
mod listen_params;
mod listen_stream;
mod listen_wire;
mod player;
mod query;
mod speak;
mod speak_params;
mod speak_rest;

use std::sync::Arc;

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rand::Rng;
use serde_json::json;
use uuid::Uuid;

use super::state::Shared;

/// All routes.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/listen", get(listen::handshake))
        .route("/v1/speak", get(speak::handshake).post(speak_rest::speak))
        .with_state(shared)
}

/// Why a request gets no stream.
#[derive(Debug, Clone)]
struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    retry_after_ms: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            retry_after_ms: None,
        }
    }

    fn parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_QUERY_PARAMETER", message)
    }

    fn credentials() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTH",
            "Invalid credentials.",
        )
    }

    fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TOO_MANY_REQUESTS",
            "Too many requests. Please try again later",
        )
    }

    /// A refusal that was ordered as a fault.
    fn ordered(status: u16, code: Option<String>, retry_after_ms: Option<u64>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let usual = match status.as_u16() {
            401 => "INVALID_AUTH",
            402 => "ASR_PAYMENT_REQUIRED",
            403 => "INSUFFICIENT_PERMISSIONS",
            429 => "TOO_MANY_REQUESTS",
            _ => "INTERNAL_SERVER_ERROR",
        };
        let message = status.canonical_reason().unwrap_or("Error");
        Self {
            retry_after_ms,
            ..Self::new(status, code.as_deref().unwrap_or(usual), message)
        }
    }

    fn response(&self, request_id: Uuid) -> Response {
        let body =
            json!({"err_code": self.code, "err_msg": self.message, "request_id": request_id});
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        set(headers, "dg-request-id", &request_id.to_string());
        set(headers, "dg-error", &self.message);
        if let Some(ms) = self.retry_after_ms {
            set(headers, "retry-after", &ms.div_ceil(1_000).to_string());
        }
        response
    }
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// `Authorization: Token k`, `Bearer k`, or the websocket sub-protocols `token, k`.
fn authorise(headers: &HeaderMap, keys: &[String]) -> Result<(), Refusal> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|v: &HeaderValue| v.to_str().ok())
    };
    let by_header = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        ["token", "bearer"]
            .contains(&scheme.to_ascii_lowercase().as_str())
            .then(|| key.trim())
    });
    let by_protocol = || {
        let (scheme, key) = text(header::SEC_WEBSOCKET_PROTOCOL)?.split_once(',')?;
        ["token", "bearer"]
            .contains(&scheme.trim())
            .then(|| key.trim())
    };
    match by_header.or_else(by_protocol) {
        Some(key) if keys.iter().any(|k| k == key) => Ok(()),
        _ => Err(Refusal::credentials()),
    }
}

/// An id that follows from the seed.
fn random_uuid(rng: &mut impl Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.random()).into_uuid()
}
