//! OpenAI chat completions and their Azure form.

mod answer;
mod brain;
mod chunks;
mod refusal;
mod request;
mod server;

use std::sync::Arc;

use axum::{Router, routing::post};

use super::state::Shared;

/// All routes.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(server::openai))
        .route(
            "/openai/deployments/{deployment}/chat/completions",
            post(server::azure),
        )
        .with_state(shared)
}
