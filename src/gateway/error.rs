//! Every way in which a webhook is refused, and what the sender is told: a stable code and a fixed text, nothing of the request.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// A request that is not served.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Twilio's signature is absent or wrong.
    #[error("wrong twilio signature")]
    Forged,
    /// LiveKit's token is absent or wrong, or signs another body.
    #[error("wrong livekit token")]
    Unauthorized,
    /// More than `gateway.max_body_bytes`.
    #[error("body too large")]
    BodyTooLarge,
    /// The body did not arrive in time.
    #[error("body too slow")]
    SlowBody,
    /// A signed request lacks something, or it is not of its form.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Something behind us is away; the sender may try again.
    #[error("{0} is unavailable")]
    Unavailable(
        &'static str,
        #[source] Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
    /// Metrics could not be encoded: a bug.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl GatewayError {
    /// Something behind us failed.
    pub fn unavailable(
        what: &'static str,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable(what, Some(Box::new(cause)))
    }

    const fn answer(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "bad_signature",
                "The signature is wrong.",
            ),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "bad_token", "The token is wrong."),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "The body is too large.",
            ),
            Self::SlowBody => (
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                "The body did not arrive in time.",
            ),
            Self::Malformed(_) => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request is malformed.",
            ),
            Self::Unavailable(..) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Try again later.",
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong.",
            ),
        }
    }
}

impl IntoResponse for GatewayError {
    fn into_response(self) -> Response {
        let (status, code, message) = self.answer();
        let error: &(dyn std::error::Error + 'static) = &self;
        if status.is_server_error() {
            tracing::error!(error, "request failed");
        } else {
            tracing::debug!(error, "request refused");
        }
        (
            status,
            Json(serde_json::json!({ "code": code, "message": message })),
        )
            .into_response()
    }
}
