//! A span per request: route, status, time, the call's ids. Never the query, a header or the body.

use axum::{extract::Request, middleware::Next, response::Response};
use tokio::time::Instant;
use tracing::{Instrument, field::Empty};

/// Runs the request in its span.
pub(super) async fn request(request: Request, next: Next) -> Response {
    // Our routes have no parameters in the path; what is no route of ours may hold anything.
    let route = ROUTES
        .into_iter()
        .find(|route| *route == request.uri().path())
        .unwrap_or("other");
    let span = tracing::info_span!(
        "request",
        http.method = %request.method(),
        http.route = route,
        tenant.id = Empty,
        call.id = Empty,
    );
    async move {
        let began = Instant::now();
        let response = next.run(request).await;
        let took = began.elapsed();
        tracing::debug!(
            http.status = response.status().as_u16(),
            http.took_ms = took.as_millis() as u64,
            "answered"
        );
        response
    }
    .instrument(span)
    .await
}

/// The routes of [`super::router`].
pub(super) const ROUTES: [&str; 10] = [
    "/voice",
    "/twilio/dial-done",
    "/twilio/person-done",
    "/twilio/whisper",
    "/twilio/sip-status",
    "/twilio/call-status",
    "/livekit/webhook",
    "/healthz",
    "/readyz",
    "/metrics",
];
