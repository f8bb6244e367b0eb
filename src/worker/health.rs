//! `/healthz`, `/readyz`, `/metrics` of a pod.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::slots::Slots;
use crate::telemetry::metrics::Metrics;

/// What the probes look at.
#[derive(Clone, Debug)]
pub struct Health {
    /// Not ready once draining.
    pub slots: Slots,
    /// Registered with LiveKit, and the catalogue.
    pub metrics: Arc<Metrics>,
}

/// Serves the probes until `stop`.
///
/// # Errors
/// The address cannot be bound, or accepting failed.
pub async fn serve(
    listen: SocketAddr,
    health: Health,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    tracing::info!(listen = %listener.local_addr()?, "probes listen");
    let app = Router::new()
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health);
    axum::serve(listener, app)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

/// Ready: registered, and not draining. A full pod stays ready; it is LiveKit that must not choose it.
async fn ready(State(health): State<Health>) -> StatusCode {
    if health.metrics.is_registered() && !health.slots.is_draining() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn metrics(State(health): State<Health>) -> Result<String, StatusCode> {
    health
        .metrics
        .slots(health.slots.free(), health.slots.used());
    health.metrics.encode().map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "encode metrics");
        StatusCode::INTERNAL_SERVER_ERROR
    })
}
