//! The websocket of `/v1/listen`.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::{
        RawQuery, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::Response,
};
use rand::rngs::StdRng;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Refusal,
    audio::Decoder,
    authorise,
    listen_params::ListenParams,
    listen_stream::{Event, ListenStream, Results},
    listen_wire::{Control, Identity, parse_control, transcript},
    query::Query,
    random_uuid, set,
};
use crate::sim::{
    fault::{FaultKind, Schedule, Service, extra_delay, hangs, refusal},
    state::{Place, Shared},
};

/// A client that does not read for this long is given up.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// After its Close frame the server waits this long for the client's.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
const FAR: Duration = Duration::from_secs(24 * 3_600);

const NET_0001: &str = "NET-0001 Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001";
const DATA_0000: &str =
    "DATA-0000 The payload cannot be decoded as audio. See https://dpgr.am/data0000";

pub(super) async fn handshake(
    State(shared): State<Arc<Shared>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let stream = shared.request(Service::Stt, &query.0, &headers);
    let mut rng = shared.rng(stream);
    let request_id = random_uuid(&mut rng);
    let mut armed = shared.faults.on_request(Service::Stt);
    let refused =
        refusal(&mut armed).map(|(status, code, retry)| Refusal::ordered(status, code, retry));
    let admitted = match refused {
        Some(refusal) => Err(refusal),
        None => admit(&shared, &query, &headers),
    };
    tokio::time::sleep(shared.config.stt.handshake.sample(&mut rng) + extra_delay(&armed)).await;
    if hangs(&armed) {
        tokio::time::sleep(FAR).await;
    }
    let (params, place) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => {
            shared.refused(Service::Stt);
            return refusal.response(request_id);
        }
    };
    let identity = Identity {
        request_id,
        model_uuid: random_uuid(&mut rng),
    };
    let model = params.model.clone();
    let tasks = shared.tasks.clone();
    let response = upgrade
        .protocols(["token", "bearer"])
        .on_upgrade(move |socket| async move {
            let mut session = Session::new(shared, stream, params, identity, rng, place);
            session.faults.add(Instant::now(), armed);
            tasks.track_future(session.run(socket)).await;
        });
    identified(response, request_id, &model)
}

fn identified(mut response: Response, request_id: uuid::Uuid, model: &str) -> Response {
    set(
        response.headers_mut(),
        "dg-request-id",
        &request_id.to_string(),
    );
    set(response.headers_mut(), "dg-model-name", model);
    response
}

fn admit(
    shared: &Arc<Shared>,
    query: &Query,
    headers: &HeaderMap,
) -> Result<(ListenParams, Place), Refusal> {
    let config = &shared.config.stt;
    authorise(headers, &config.api_keys)?;
    let params = ListenParams::parse(query)?;
    let linger = Duration::from_millis(config.abandoned_slot_ms);
    let place = shared
        .open(Service::Stt, config.max_streams, linger)
        .ok_or_else(Refusal::too_many)?;
    Ok((params, place))
}

enum Out {
    Text(String),
    Final {
        text: String,
        transcript: String,
        speech_end: f64,
    },
    Close(u16, String),
    /// Without a close frame.
    Drop,
}

/// Whether the session goes on.
#[derive(PartialEq)]
enum Next {
    GoOn,
    End,
}

struct Session {
    shared: Arc<Shared>,
    stream: u64,
    params: ListenParams,
    identity: Identity,
    rng: StdRng,
    place: Place,
    decoder: Option<Decoder>,
    hearing: ListenStream,
    digest: Sha256,
    /// Messages with the time they are due, in order.
    queue: VecDeque<(Instant, Out)>,
    idle_since: Instant,
    closing: bool,
    faults: Schedule,
    orders: watch::Receiver<u64>,
    duplicate_finals: bool,
    late_finals: Duration,
    stalled_until: Option<Instant>,
}

impl Session {
    fn new(
        shared: Arc<Shared>,
        stream: u64,
        params: ListenParams,
        identity: Identity,
        rng: StdRng,
        place: Place,
    ) -> Self {
        let decoder = params
            .encoding
            .map(|e| Decoder::new(e, params.sample_rate, params.channels));
        let hearing = ListenStream::new(params.clone(), shared.config.stt.interim_interval_ms);
        let mut orders = shared.faults.watch();
        orders.mark_unchanged();
        Self {
            stream,
            params,
            identity,
            rng,
            place,
            decoder,
            hearing,
            digest: Sha256::new(),
            queue: VecDeque::new(),
            idle_since: Instant::now(),
            closing: false,
            faults: Schedule::default(),
            orders,
            duplicate_finals: false,
            late_finals: Duration::ZERO,
            stalled_until: None,
            shared,
        }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let stop = self.shared.stop.clone();
        loop {
            let next = tokio::select! {
                message = socket.recv() => self.received(message),
                () = sleep_until(self.deadline()) => self.on_time(&mut socket).await,
                _ = self.orders.changed() => {
                    self.faults.add(Instant::now(), self.shared.faults.on_open_stream(Service::Stt));
                    Next::GoOn
                }
                () = stop.cancelled() => Next::End,
            };
            if next == Next::End {
                break;
            }
        }
    }

    fn deadline(&self) -> Instant {
        let sending = self
            .queue
            .front()
            .map(|(due, _)| (*due).max(self.stalled_until.unwrap_or(*due)));
        let idle = (!self.closing)
            .then(|| self.idle_since + Duration::from_millis(self.shared.config.stt.idle_close_ms));
        [sending, idle, self.faults.deadline()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| Instant::now() + FAR)
    }

    fn received(&mut self, message: Option<Result<Message, axum::Error>>) -> Next {
        match message {
            Some(Ok(Message::Binary(bytes))) if !self.closing => self.audio(&bytes),
            Some(Ok(Message::Text(text))) if !self.closing => self.control(text.as_str()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => {
                if self.closing {
                    self.place.in_order();
                }
                return Next::End;
            }
            Some(Ok(_)) => {}
        }
        Next::GoOn
    }

    fn audio(&mut self, bytes: &[u8]) {
        self.idle_since = Instant::now();
        if bytes.is_empty() {
            return self.end_of_stream();
        }
        let Some(decoder) = &mut self.decoder else {
            return self.close(1_008, DATA_0000);
        };
        self.digest.update(bytes);
        let samples = decoder.push(bytes);
        for event in self.hearing.push(&samples, &self.shared.recogniser) {
            self.send_event(event);
        }
    }

    fn control(&mut self, text: &str) {
        self.idle_since = Instant::now();
        match parse_control(text) {
            None => self.close(1_008, DATA_0000),
            Some(Control::KeepAlive) => {}
            Some(Control::CloseStream) => self.end_of_stream(),
            Some(Control::Finalize) => {
                let speech_final = self.shared.config.stt.finalize_sets_speech_final;
                if let Some(event) = self.hearing.finalize(speech_final, &self.shared.recogniser) {
                    self.send_event(event);
                }
            }
        }
    }

    fn end_of_stream(&mut self) {
        if let Some(event) = self.hearing.close(&self.shared.recogniser) {
            self.send_event(event);
        }
        self.send_metadata();
        self.close(1_000, "");
    }

    fn send_metadata(&mut self) {
        let digest = hex::encode(self.digest.clone().finalize());
        let metadata = self
            .identity
            .metadata(&self.params, self.hearing.position(), &digest);
        self.enqueue(Duration::ZERO, Out::Text(metadata.to_string()));
    }

    fn send_event(&mut self, event: Event) {
        let text = self.identity.event(&self.params, &event).to_string();
        match event {
            Event::Results(results) if results.is_final => self.send_final(text, &results),
            _ => {
                let delay = self.shared.config.stt.interim_delay.sample(&mut self.rng);
                self.enqueue(delay, Out::Text(text));
            }
        }
    }

    fn send_final(&mut self, text: String, results: &Results) {
        let delay = self.shared.config.stt.final_delay.sample(&mut self.rng) + self.late_finals;
        if !results.words.is_empty() {
            self.shared
                .delayed(self.stream, Service::Stt, "final", delay);
        }
        if self.duplicate_finals {
            self.enqueue(delay, Out::Text(text.clone()));
        }
        let transcript = transcript(&self.params, results);
        self.enqueue(
            delay,
            Out::Final {
                text,
                transcript,
                speech_end: results.speech_end,
            },
        );
    }

    /// Messages never overtake each other.
    fn enqueue(&mut self, delay: Duration, out: Out) {
        let due = Instant::now() + delay;
        let due = self.queue.back().map_or(due, |(last, _)| due.max(*last));
        self.queue.push_back((due, out));
    }

    fn close(&mut self, code: u16, reason: &str) {
        self.enqueue(Duration::ZERO, Out::Close(code, reason.to_owned()));
        self.closing = true;
    }

    async fn on_time(&mut self, socket: &mut WebSocket) -> Next {
        let now = Instant::now();
        while let Some(fault) = self.faults.pop(now) {
            self.suffer(fault, now);
        }
        let idle = Duration::from_millis(self.shared.config.stt.idle_close_ms);
        if !self.closing && now >= self.idle_since + idle {
            self.send_metadata();
            self.close(1_011, NET_0001);
        }
        if self.stalled_until.is_some_and(|until| until <= now) {
            self.stalled_until = None;
        }
        while self.stalled_until.is_none() && self.queue.front().is_some_and(|(due, _)| *due <= now)
        {
            let Some((_, out)) = self.queue.pop_front() else {
                break;
            };
            if self.send(socket, out).await == Next::End {
                return Next::End;
            }
        }
        Next::GoOn
    }

    fn suffer(&mut self, fault: FaultKind, now: Instant) {
        match fault {
            FaultKind::Close { code, reason } => {
                self.queue.clear();
                self.close(code, &reason);
            }
            FaultKind::Cut => {
                self.queue.clear();
                self.closing = true;
                self.queue.push_back((now, Out::Drop));
            }
            FaultKind::Stall { ms } => {
                self.stalled_until = Some(now + ms.map_or(FAR, Duration::from_millis))
            }
            FaultKind::ErrorEvent { message, code } => {
                let error = json!({"type": "Error", "description": message, "message": message, "variant": code});
                self.enqueue(Duration::ZERO, Out::Text(error.to_string()));
                self.close(1_011, &code);
            }
            FaultKind::DuplicateFinals => self.duplicate_finals = true,
            FaultKind::LateFinals { ms } => self.late_finals = Duration::from_millis(ms),
            _ => {}
        }
    }

    async fn send(&mut self, socket: &mut WebSocket, out: Out) -> Next {
        let message = match out {
            Out::Drop => return Next::End,
            Out::Text(text) => Message::text(text),
            Out::Final {
                text,
                transcript,
                speech_end,
            } => {
                if !transcript.is_empty() {
                    self.shared.heard(self.stream, &transcript, speech_end);
                }
                Message::text(text)
            }
            Out::Close(code, reason) => {
                self.place.in_order();
                close(socket, code, reason).await;
                return Next::End;
            }
        };
        match timeout(SEND_DEADLINE, socket.send(message)).await {
            Ok(Ok(())) => Next::GoOn,
            Ok(Err(_)) | Err(_) => Next::End,
        }
    }
}

/// Sends the Close frame and waits for the client's, so that the client reads everything before it.
pub(super) async fn close(socket: &mut WebSocket, code: u16, reason: String) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    if timeout(CLOSE_DEADLINE, goodbye).await.is_err() {
        tracing::debug!("websocket client did not answer the close frame");
    }
}
