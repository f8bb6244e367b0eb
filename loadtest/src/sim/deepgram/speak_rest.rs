//! `POST /v1/speak`: one text in, its audio streamed back.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Refusal, authorise,
    player::{Played, Player},
    query::Query,
    random_uuid, set,
    speak_params::SpeakParams,
};
use crate::{
    sim::{
        fault::{Armed, FaultKind, Service, extra_delay, hangs, refusal},
        state::Shared,
        streaming,
    },
    speech::{Pcm, wav},
};

const FAR: Duration = Duration::from_secs(24 * 3_600);

#[derive(Deserialize)]
struct SpeakBody {
    text: String,
}

struct Order {
    params: SpeakParams,
    text: String,
    /// WAV header first.
    container: bool,
}

pub(super) async fn speak(
    State(shared): State<Arc<Shared>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let stream = shared.request(Service::TtsRest, &query.0, &headers);
    let mut rng = shared.rng(stream);
    let request_id = random_uuid(&mut rng);
    let mut armed = shared.faults.on_request(Service::TtsRest);
    let refused =
        refusal(&mut armed).map(|(status, code, retry)| Refusal::ordered(status, code, retry));
    let order = match refused {
        Some(refusal) => Err(refusal),
        None => parse(&shared, &query, &headers, &body),
    };
    if hangs(&armed) {
        tokio::time::sleep(FAR).await;
    }
    let order = match order {
        Ok(order) => order,
        Err(refusal) => {
            shared.refused(Service::TtsRest);
            return refusal.response(request_id);
        }
    };
    let ttfb = shared.config.tts.ttfb.sample(&mut rng) + extra_delay(&armed);
    shared.delayed(stream, Service::TtsRest, "ttfb", ttfb);
    shared.said(stream, Service::TtsRest, &order.text);
    let (chars, model, kind) = (
        order.text.chars().count(),
        order.params.model.clone(),
        content_type(&order),
    );
    let (sender, body) = streaming::body();
    shared
        .tasks
        .clone()
        .spawn(play(shared, order, ttfb, armed, sender));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    set(headers, "content-type", &kind);
    set(headers, "dg-request-id", &request_id.to_string());
    set(headers, "dg-model-name", &model);
    set(headers, "dg-char-count", &chars.to_string());
    response
}

fn parse(
    shared: &Shared,
    query: &Query,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Order, Refusal> {
    authorise(headers, &shared.config.tts.api_keys)?;
    if query.first("encoding").is_none() {
        return Err(Refusal::parameter(
            "the service's default here is mp3; the simulator needs encoding=linear16, mulaw or alaw",
        ));
    }
    let params = SpeakParams::parse(query)?;
    let body: SpeakBody = serde_json::from_slice(body).map_err(|e| {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "INVALID_JSON",
            format!("Invalid JSON submitted: {e}"),
        )
    })?;
    let limit = shared.config.tts.max_text_chars;
    if body.text.chars().count() > limit {
        let message = format!("Input text exceeds maximum character limit of {limit}.");
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Input text exceeds maximum length",
            message,
        ));
    }
    if body.text.trim().is_empty() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "INVALID_JSON",
            "No text to speak",
        ));
    }
    let container = match query.first("container") {
        Some("none") => false,
        None | Some("wav") => true,
        Some(other) => {
            return Err(super::query::bad(
                "container",
                other,
                "expected none or wav",
            ));
        }
    };
    // Only linear16 can be put into the WAV files that this simulator writes.
    let container = container && params.encoding == super::audio::Encoding::Linear16;
    Ok(Order {
        params,
        text: body.text,
        container,
    })
}

fn content_type(order: &Order) -> String {
    match (order.container, order.params.encoding) {
        (true, _) => "audio/wav".into(),
        (false, super::audio::Encoding::Linear16) => {
            format!("audio/l16;rate={};channels=1", order.params.sample_rate)
        }
        (false, super::audio::Encoding::Mulaw) => "audio/mulaw".into(),
        (false, super::audio::Encoding::Alaw) => "audio/alaw".into(),
    }
}

async fn play(
    shared: Arc<Shared>,
    order: Order,
    ttfb: Duration,
    armed: Vec<Armed>,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    let stop = shared.stop.clone();
    let mut player = Player::new(shared, order.params.clone());
    player.odd_bytes = armed.iter().any(|a| a.kind == FaultKind::OddBytes);
    player.speak(&order.text, ttfb);
    player.flush();
    // A streamed WAV does not know its length: the header says "as long as possible".
    let mut header = order
        .container
        .then(|| streamed_wav_header(order.params.sample_rate));
    let cut = armed
        .iter()
        .find(|a| a.kind == FaultKind::Cut)
        .map(|a| Instant::now() + ttfb + a.after);
    loop {
        let played = tokio::select! {
            played = player.next() => played,
            () = stop.cancelled() => return,
        };
        let piece = match played {
            Played::Flushed => return,
            Played::Failed(error) => Err(io::Error::other(error)),
            Played::Audio(_) if cut.is_some_and(|at| Instant::now() >= at) => {
                Err(io::Error::other("cut by order"))
            }
            Played::Audio(bytes) => Ok(bytes),
        };
        let failed = piece.is_err();
        if let Some(header) = header.take()
            && sender.send(Ok(header)).await.is_err()
        {
            return;
        }
        if sender.send(piece).await.is_err() || failed {
            return;
        }
    }
}

fn streamed_wav_header(rate: u32) -> Bytes {
    let mut header = wav::encode(&Pcm {
        samples: Vec::new(),
        rate,
    });
    header[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    header[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    Bytes::from(header)
}
