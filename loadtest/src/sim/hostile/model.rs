//! The model over HTTP.

use std::{io, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::sleep};

use super::{
    Lines,
    dialect::Dialect,
    improvise,
    view::{self, View},
};
use crate::sim::streaming;

pub(super) async fn openai(
    State(lines): State<Lines>,
    Path(seed): Path<u64>,
    body: Bytes,
) -> Response {
    complete(&lines, seed, &body)
}

pub(super) async fn azure(
    State(lines): State<Lines>,
    Path((seed, _)): Path<(u64, String)>,
    body: Bytes,
) -> Response {
    complete(&lines, seed, &body)
}

fn complete(lines: &Lines, seed: u64, body: &Bytes) -> Response {
    let Some(line) = lines.get(seed) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut rng = line.asked(&String::from_utf8_lossy(body));
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return refusal(400, "the body is not JSON");
    };
    if rng.random_bool(line.temper.faults) {
        let status = [400, 429, 500, 503]
            .choose(&mut rng)
            .copied()
            .unwrap_or(500);
        return refusal(status, "as it pleases");
    }
    if line.temper.is_strict
        && let Some(fault) = view::fault(&body)
    {
        return refusal(400, &fault);
    }
    let answer = improvise::answer(&line, &View::of(&body), &mut rng);
    line.wrote(&answer.text);
    let dialect = if rng.random_bool(line.temper.dialect) {
        Dialect::any(&mut rng)
    } else {
        Dialect::plain()
    };
    let events = dialect.events(&answer, &mut rng);
    stream(events, dialect, rng)
}

fn refusal(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({ "error": { "message": message, "type": "invalid_request_error", "param": null, "code": null } });
    (status, axum::Json(error)).into_response()
}

fn stream(events: Vec<Bytes>, dialect: Dialect, rng: StdRng) -> Response {
    let (sender, body) = streaming::body();
    // Ends with the stream: the client that goes away drops the receiver.
    tokio::spawn(write(events, dialect, sender, rng));
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

async fn write(
    events: Vec<Bytes>,
    dialect: Dialect,
    sender: mpsc::Sender<io::Result<Bytes>>,
    mut rng: StdRng,
) {
    let middle = events.len() / 2;
    for (place, event) in events.into_iter().enumerate() {
        if dialect.cut_after == Some(place) {
            let cut = io::Error::new(io::ErrorKind::ConnectionReset, "cut");
            // A client that is gone misses nothing.
            sender.send(Err(cut)).await.ok();
            return;
        }
        if place == middle && dialect.pause_ms > 0 {
            sleep(Duration::from_millis(dialect.pause_ms)).await;
        }
        let mut rest = event;
        while !rest.is_empty() {
            let most = dialect.most_bytes.min(rest.len());
            let take = if most < rest.len() {
                rng.random_range(1..=most)
            } else {
                most
            };
            let piece = rest.split_to(take);
            if sender.send(Ok(piece)).await.is_err() {
                return;
            }
        }
    }
}
