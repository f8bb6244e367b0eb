//! Deepgram's two websockets: honest, instant, and told by the test what is said.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Path, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::{Line, Lines};

/// Bytes of 20 ms at 16 kHz.
const FRAME: usize = 640;
/// A text sounds no longer.
const MOST_FRAMES: usize = 12;
/// The vendor's own endpointing.
const ENDPOINTING: Duration = Duration::from_millis(150);
const FAR: Duration = Duration::from_secs(3_600);

pub(super) async fn listen(
    State(lines): State<Lines>,
    Path(seed): Path<u64>,
    upgrade: WebSocketUpgrade,
) -> Response {
    match lines.get(seed) {
        Some(line) => upgrade.on_upgrade(move |socket| hear(line, socket)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn speak(
    State(lines): State<Lines>,
    Path(seed): Path<u64>,
    upgrade: WebSocketUpgrade,
) -> Response {
    match lines.get(seed) {
        Some(line) => upgrade.on_upgrade(move |socket| say(line, socket)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn kind(text: &str) -> (String, Value) {
    let order: Value = serde_json::from_str(text).unwrap_or_default();
    let kind = order["type"].as_str().unwrap_or_default().to_owned();
    (kind, order)
}

async fn close(mut socket: WebSocket) {
    let frame = CloseFrame {
        code: 1_000,
        reason: "".into(),
    };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    if tokio::time::timeout(Duration::from_secs(2), goodbye)
        .await
        .is_err()
    {
        tracing::debug!("the client did not answer the close frame");
    }
}

async fn hear(line: Arc<Line>, mut socket: WebSocket) {
    let begun = Instant::now();
    let mut owed: Option<(String, Instant)> = None;
    loop {
        let due = owed
            .as_ref()
            .map_or_else(|| Instant::now() + FAR, |(_, due)| *due);
        let results = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match kind(text.as_str()).0.as_str() {
                    "Finalize" => {
                        let text = owed.take().map_or_else(String::new, |(text, _)| text);
                        results(begun, &text, [true, false, true])
                    }
                    "CloseStream" => return close(socket).await,
                    _ => continue,
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            text = line.words() => {
                let interim = results(begun, &text, [false; 3]);
                let before = owed.take().map_or_else(String::new, |(text, _)| text + " ");
                owed = Some((before + &text, Instant::now() + ENDPOINTING));
                interim
            }
            () = sleep_until(due) => {
                let text = owed.take().map_or_else(String::new, |(text, _)| text);
                results(begun, &text, [true, true, false])
            }
        };
        if socket
            .send(Message::text(results.to_string()))
            .await
            .is_err()
        {
            return;
        }
    }
}

fn results(
    begun: Instant,
    text: &str,
    [is_final, speech_final, from_finalize]: [bool; 3],
) -> Value {
    let now = begun.elapsed().as_secs_f64();
    let start = (now - 0.2).max(0.0);
    let words: Vec<Value> = text
        .split_whitespace()
        .map(|word| json!({ "word": word, "punctuated_word": word, "start": start, "end": now, "confidence": 0.98 }))
        .collect();
    json!({
        "type": "Results", "channel_index": [0, 1], "start": start, "duration": now - start,
        "is_final": is_final, "speech_final": speech_final, "from_finalize": from_finalize,
        "channel": { "alternatives": [{ "transcript": text, "confidence": 0.98, "words": words }] },
    })
}

async fn say(line: Arc<Line>, mut socket: WebSocket) {
    let (mut words, mut flushed, mut cleared) = (0_usize, 0_u32, 0_u32);
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else {
            continue;
        };
        let (kind, order) = kind(text.as_str());
        let mut answers = Vec::new();
        match kind.as_str() {
            "Speak" => {
                let text = order["text"].as_str().unwrap_or_default();
                line.spoken(text);
                words += text.split_whitespace().count();
            }
            "Flush" => {
                let frames = std::mem::take(&mut words).clamp(1, MOST_FRAMES);
                let sound = 8_000_i16.to_le_bytes().repeat(frames * FRAME / 2);
                answers.push(Message::binary(sound));
                answers.push(Message::text(
                    json!({ "type": "Flushed", "sequence_id": flushed }).to_string(),
                ));
                flushed += 1;
            }
            "Clear" => {
                words = 0;
                answers.push(Message::text(
                    json!({ "type": "Cleared", "sequence_id": cleared }).to_string(),
                ));
                cleared += 1;
            }
            "Close" => return close(socket).await,
            _ => {}
        }
        for answer in answers {
            if socket.send(answer).await.is_err() {
                return;
            }
        }
    }
}
