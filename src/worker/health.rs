//! `/healthz`, `/readyz`, `/metrics` of a pod.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{registered::Registered, slots::Slots};
use crate::{
    storage::{postgres::Db, redis::Store},
    telemetry::metrics::Metrics,
};

/// What the probes look at.
#[derive(Clone)]
pub struct Health {
    /// Not ready once draining.
    pub slots: Slots,
    /// Not ready unless registered.
    pub registered: Registered,
    /// Not ready without Redis: no call could be claimed.
    pub store: Store,
    /// Not ready without Postgres: no clinic could be loaded.
    pub db: Db,
    /// The catalogue.
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

/// Ready: a call that LiveKit gave this pod now could be served. A full pod stays ready; it is LiveKit that must not choose it.
async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let (redis, postgres) = tokio::join!(health.store.ping(), health.db.ping());
    let registered = health.registered.is_any();
    let draining = health.slots.is_draining();
    let ready = registered && redis.is_ok() && postgres.is_ok() && !draining;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = serde_json::json!({
        "livekit": registered,
        "redis": redis.is_ok(),
        "postgres": postgres.is_ok(),
        "draining": draining,
    });
    (status, Json(report))
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
