//! Orders and observations over HTTP, on every simulator's own port.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};

use super::{
    fault::Fault,
    state::{Shared, StateSnapshot},
};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_control/faults", post(add).delete(clear))
        .route("/_control/state", get(state))
        .with_state(shared)
}

async fn add(State(shared): State<Arc<Shared>>, Json(fault): Json<Fault>) -> StatusCode {
    shared.faults.add(fault);
    StatusCode::NO_CONTENT
}

async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn state(State(shared): State<Arc<Shared>>) -> Json<StateSnapshot> {
    Json(shared.snapshot())
}
