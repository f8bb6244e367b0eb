//! `/healthz`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
};

use super::{Gateway, error::GatewayError};
use crate::dispatch::wall_clock;

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

/// All metrics, in Prometheus's text form. Those of the pool are what Redis holds now, and left out if it does not say.
///
/// # Errors
/// [`GatewayError::Internal`] if the encoder refused one.
pub(super) async fn metrics(
    State(gateway): State<Arc<Gateway>>,
) -> Result<impl IntoResponse, GatewayError> {
    let figures = gateway.dispatcher.figures(wall_clock()).await;
    let text = match figures {
        Ok(figures) => gateway.metrics.encode_with_pool(&figures),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "pool unknown");
            gateway.metrics.encode()
        }
    };
    let text = text.map_err(|error| GatewayError::Internal(Box::new(error)))?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}
