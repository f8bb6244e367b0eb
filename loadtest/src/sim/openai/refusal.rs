//! Error answers, in OpenAI's and in Azure's form.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Why a request gets no completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    kind: &'static str,
    code: Option<String>,
    param: Option<String>,
    message: String,
    retry_after_ms: Option<u64>,
}

impl Refusal {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code: code.map(str::to_owned),
            param: None,
            message: message.into(),
            retry_after_ms: None,
        }
    }

    pub(super) fn invalid(param: &str, message: impl Into<String>) -> Self {
        let param = (!param.is_empty()).then(|| param.to_owned());
        Self {
            param,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_request_error",
                None,
                message,
            )
        }
    }

    pub(super) fn key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            Some("invalid_api_key"),
            "Incorrect API key provided.",
        )
    }

    pub(super) fn azure_key() -> Self {
        let message = "Access denied due to invalid subscription key or wrong API endpoint.";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            Some("401"),
            message,
        )
    }

    pub(super) fn model(name: &str) -> Self {
        let message = format!("The model `{name}` does not exist or you do not have access to it.");
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("model_not_found"),
            message,
        )
    }

    pub(super) fn deployment() -> Self {
        let message = "The API deployment for this resource does not exist.";
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("DeploymentNotFound"),
            message,
        )
    }

    pub(super) fn api_version() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("404"),
            "Resource not found",
        )
    }

    /// A refusal that was ordered as a fault.
    pub(super) fn ordered(status: u16, code: Option<String>, retry_after_ms: Option<u64>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, usual, message) = match (status.as_u16(), code.as_deref()) {
            (429, Some("insufficient_quota")) => (
                "insufficient_quota",
                None,
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            (429, _) => (
                "requests",
                Some("rate_limit_exceeded"),
                "Rate limit reached for requests per min.",
            ),
            (401, _) => (
                "invalid_request_error",
                Some("invalid_api_key"),
                "Incorrect API key provided.",
            ),
            (400..=499, _) => ("invalid_request_error", None, "The request was refused."),
            (503, _) => (
                "server_error",
                None,
                "The engine is currently overloaded, please try again later.",
            ),
            _ => (
                "server_error",
                None,
                "The server had an error while processing your request.",
            ),
        };
        let refusal = Self::new(status, kind, code.as_deref().or(usual), message);
        Self {
            retry_after_ms,
            ..refusal
        }
    }

    fn body(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(ms) = self.retry_after_ms {
            let headers = response.headers_mut();
            headers.insert(
                HeaderName::from_static("retry-after"),
                HeaderValue::from(ms.div_ceil(1_000)),
            );
            headers.insert(
                HeaderName::from_static("retry-after-ms"),
                HeaderValue::from(ms),
            );
        }
        response
    }
}
