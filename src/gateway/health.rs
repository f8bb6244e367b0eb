//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};

use super::{Gateway, error::GatewayError};

/// The process runs.
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Calls can be taken: not draining, Redis and Postgres answer.
pub(super) async fn readyz(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    let (redis, postgres) = tokio::join!(gateway.store.ping(), gateway.directory.ping());
    let draining = gateway.drain.is_cancelled();
    let ready = redis.is_ok() && postgres.is_ok() && !draining;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = serde_json::json!({ "redis": redis.is_ok(), "postgres": postgres.is_ok(), "draining": draining });
    (status, Json(report))
}

/// All metrics, in Prometheus's text form.
///
/// # Errors
/// [`GatewayError::Internal`] if the encoder refused one.
pub(super) async fn metrics(
    State(gateway): State<Arc<Gateway>>,
) -> Result<impl IntoResponse, GatewayError> {
    let text = gateway
        .metrics
        .encode()
        .map_err(|error| GatewayError::Internal(Box::new(error)))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}
