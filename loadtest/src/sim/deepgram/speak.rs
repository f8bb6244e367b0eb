//! The websocket of `/v1/speak`.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::{
        RawQuery, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::Response,
};
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Refusal, authorise,
    listen::close,
    player::{Played, Player},
    query::Query,
    random_uuid, set,
    speak_params::SpeakParams,
};
use crate::sim::{
    fault::{FaultKind, Schedule, Service, extra_delay, hangs, refusal},
    state::{Place, Shared},
};

const SEND_DEADLINE: Duration = Duration::from_secs(10);
const FAR: Duration = Duration::from_secs(24 * 3_600);

pub(super) async fn handshake(
    State(shared): State<Arc<Shared>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let stream = shared.request(Service::Tts, &query.0, &headers);
    let mut rng = shared.rng(stream);
    let request_id = random_uuid(&mut rng);
    let mut armed = shared.faults.on_request(Service::Tts);
    let refused =
        refusal(&mut armed).map(|(status, code, retry)| Refusal::ordered(status, code, retry));
    let admitted = match refused {
        Some(refusal) => Err(refusal),
        None => admit(&shared, &query, &headers),
    };
    tokio::time::sleep(shared.config.tts.handshake.sample(&mut rng) + extra_delay(&armed)).await;
    if hangs(&armed) {
        tokio::time::sleep(FAR).await;
    }
    let (params, place) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => {
            shared.refused(Service::Tts);
            return refusal.response(request_id);
        }
    };
    let metadata = json!({
        "type": "Metadata", "request_id": request_id, "model_name": params.model, "model_version": "2025-04-07.0",
        "model_uuid": random_uuid(&mut rng), "additional_model_uuids": [],
    });
    let (model, tasks) = (params.model.clone(), shared.tasks.clone());
    let mut response =
        upgrade
            .protocols(["token", "bearer"])
            .on_upgrade(move |socket| async move {
                let mut session = Session::new(shared, stream, params, rng, place);
                session.faults.add(Instant::now(), armed);
                tasks.track_future(session.run(socket, metadata)).await;
            });
    set(
        response.headers_mut(),
        "dg-request-id",
        &request_id.to_string(),
    );
    set(response.headers_mut(), "dg-model-name", &model);
    response
}

fn admit(
    shared: &Arc<Shared>,
    query: &Query,
    headers: &HeaderMap,
) -> Result<(SpeakParams, Place), Refusal> {
    let config = &shared.config.tts;
    authorise(headers, &config.api_keys)?;
    let params = SpeakParams::parse(query)?;
    let linger = Duration::from_millis(config.abandoned_slot_ms);
    let place = shared
        .open(Service::Tts, config.max_streams, linger)
        .ok_or_else(Refusal::too_many)?;
    Ok((params, place))
}

/// Why a session ends.
enum End {
    /// With a Close frame.
    Close(u16, String),
    /// The connection is gone, or is to be dropped.
    Gone,
}

type Step = Result<(), End>;

struct Session {
    shared: Arc<Shared>,
    stream: u64,
    rng: StdRng,
    place: Place,
    player: Player,
    text: String,
    flushes: VecDeque<Instant>,
    flushed: u64,
    cleared: u64,
    closing: bool,
    faults: Schedule,
    orders: watch::Receiver<u64>,
    late_ttfb: Duration,
}

impl Session {
    fn new(
        shared: Arc<Shared>,
        stream: u64,
        params: SpeakParams,
        rng: StdRng,
        place: Place,
    ) -> Self {
        let mut orders = shared.faults.watch();
        orders.mark_unchanged();
        Self {
            stream,
            rng,
            place,
            player: Player::new(shared.clone(), params),
            text: String::new(),
            flushes: VecDeque::new(),
            flushed: 0,
            cleared: 0,
            closing: false,
            faults: Schedule::default(),
            orders,
            late_ttfb: Duration::ZERO,
            shared,
        }
    }

    async fn run(mut self, mut socket: WebSocket, metadata: Value) {
        let end = match self.send_json(&mut socket, metadata).await {
            Ok(()) => self.converse(&mut socket).await,
            Err(end) => end,
        };
        if let End::Close(code, reason) = end {
            self.place.in_order();
            close(&mut socket, code, reason).await;
        }
        self.player.clear();
    }

    async fn converse(&mut self, socket: &mut WebSocket) -> End {
        let stop = self.shared.stop.clone();
        loop {
            let deadline = self
                .faults
                .deadline()
                .unwrap_or_else(|| Instant::now() + FAR);
            let step = tokio::select! {
                message = socket.recv() => self.received(socket, message).await,
                played = self.player.next() => self.played(socket, played).await,
                () = sleep_until(deadline) => self.suffer(socket).await,
                _ = self.orders.changed() => {
                    self.faults.add(Instant::now(), self.shared.faults.on_open_stream(Service::Tts));
                    Ok(())
                }
                () = stop.cancelled() => Err(End::Gone),
            };
            if let Err(end) = step {
                return end;
            }
            if self.closing && self.player.is_idle() {
                return End::Close(1_000, String::new());
            }
        }
    }

    async fn received(
        &mut self,
        socket: &mut WebSocket,
        message: Option<Result<Message, axum::Error>>,
    ) -> Step {
        match message {
            Some(Ok(Message::Text(text))) => self.command(socket, text.as_str()).await,
            Some(Ok(Message::Binary(_))) => Err(End::Close(
                1_003,
                "MESSAGE-0000 Binary messages are not supported.".into(),
            )),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
            Some(Ok(_)) => Ok(()),
        }
    }

    async fn command(&mut self, socket: &mut WebSocket, text: &str) -> Step {
        let invalid = || {
            End::Close(
                1_008,
                "DATA-0000 The payload is not a known message.".into(),
            )
        };
        let command: Value = serde_json::from_str(text).map_err(|_| invalid())?;
        match command.get("type").and_then(Value::as_str) {
            Some("Speak") => self.speak(
                command
                    .get("text")
                    .and_then(Value::as_str)
                    .ok_or_else(invalid)?,
            ),
            Some("Flush") => self.flush(socket).await,
            Some("Clear") => {
                self.text.clear();
                self.player.clear();
                self.cleared += 1;
                self.send_json(
                    socket,
                    json!({"type": "Cleared", "sequence_id": self.cleared - 1}),
                )
                .await
            }
            Some("Close") => {
                self.start_speaking(String::len);
                self.closing = true;
                Ok(())
            }
            _ => Err(invalid()),
        }
    }

    fn speak(&mut self, text: &str) -> Step {
        let config = &self.shared.config.tts;
        if text.chars().count() > config.max_text_chars {
            let reason = format!(
                "BIG-0000 Input text exceeds maximum character limit of {}.",
                config.max_text_chars
            );
            return Err(End::Close(1_009, reason));
        }
        self.text.push_str(text);
        if self.text.chars().count() >= config.auto_start_chars {
            self.start_speaking(|buffered| buffered.rfind(['.', '?', '!']).map_or(0, |at| at + 1));
        }
        Ok(())
    }

    async fn flush(&mut self, socket: &mut WebSocket) -> Step {
        let config = &self.shared.config.tts;
        let window = Duration::from_millis(config.flush_window_ms);
        let now = Instant::now();
        while self
            .flushes
            .front()
            .is_some_and(|at| now.duration_since(*at) >= window)
        {
            self.flushes.pop_front();
        }
        if self.flushes.len() >= config.flush_limit {
            let description = format!(
                "Exceeded {} Flush messages in {} seconds, this one is ignored.",
                config.flush_limit,
                window.as_secs()
            );
            return self.send_json(socket, json!({"type": "Warning", "description": description, "code": "EXCESSIVE_FLUSH"})).await;
        }
        self.flushes.push_back(now);
        self.start_speaking(String::len);
        self.player.flush();
        Ok(())
    }

    /// Speaks the buffered text up to where `until` says.
    fn start_speaking(&mut self, until: impl Fn(&String) -> usize) {
        let rest = self.text.split_off(until(&self.text));
        let text = std::mem::replace(&mut self.text, rest);
        if text.trim().is_empty() {
            return;
        }
        let ttfb =
            self.shared.config.tts.ttfb.sample(&mut self.rng) + std::mem::take(&mut self.late_ttfb);
        self.shared.delayed(self.stream, Service::Tts, "ttfb", ttfb);
        self.shared.said(self.stream, Service::Tts, text.trim());
        self.player.speak(&text, ttfb);
    }

    async fn played(&mut self, socket: &mut WebSocket, played: Played) -> Step {
        match played {
            Played::Audio(bytes) => send(socket, Message::Binary(bytes)).await,
            Played::Flushed => {
                self.flushed += 1;
                self.send_json(
                    socket,
                    json!({"type": "Flushed", "sequence_id": self.flushed - 1}),
                )
                .await
            }
            Played::Failed(error) => {
                tracing::error!(%error, "the simulator cannot speak");
                self.send_json(
                    socket,
                    json!({"type": "Error", "description": error.to_string(), "code": "SYNTHESIS"}),
                )
                .await?;
                Err(End::Close(1_011, "NET-0000".into()))
            }
        }
    }

    async fn suffer(&mut self, socket: &mut WebSocket) -> Step {
        let now = Instant::now();
        match self.faults.pop(now) {
            Some(FaultKind::Close { code, reason }) => Err(End::Close(code, reason)),
            Some(FaultKind::Cut) => Err(End::Gone),
            Some(FaultKind::Stall { ms }) => {
                self.player
                    .stall(now + ms.map_or(FAR, Duration::from_millis));
                Ok(())
            }
            Some(FaultKind::ErrorEvent { message, code }) => {
                self.send_json(
                    socket,
                    json!({"type": "Error", "description": message, "code": code}),
                )
                .await?;
                Err(End::Close(1_011, code))
            }
            Some(FaultKind::OddBytes) => {
                self.player.odd_bytes = true;
                Ok(())
            }
            Some(FaultKind::Delay { ms }) => {
                self.late_ttfb = Duration::from_millis(ms);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn send_json(&self, socket: &mut WebSocket, message: Value) -> Step {
        send(socket, Message::text(message.to_string())).await
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> Step {
    match timeout(SEND_DEADLINE, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}
