//! What the simulators have seen, for tests and reports.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::HeaderMap;
use parking_lot::Mutex;
use rand::{SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config::SimConfig,
    fault::{Fault, FaultBook, Service},
    hear::Recogniser,
};
use crate::speech::Flite;

/// Records kept of each kind; older ones are dropped.
const KEPT: usize = 2_000;

/// A request or websocket handshake.
#[derive(Debug, Clone, Serialize)]
pub struct RequestRecord {
    /// Number of the request over all services, from 0; also the number of its stream.
    pub stream: u64,
    /// Who was asked.
    pub service: Service,
    /// Milliseconds since 1970.
    pub at_unix_ms: u64,
    /// Query parameters in order.
    pub query: Vec<(String, String)>,
    /// Headers by lower-case name; those that authenticate read `present`.
    pub headers: BTreeMap<String, String>,
    /// Body's `store` (LLM).
    pub store: Option<bool>,
}

impl RequestRecord {
    /// First value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Something that was said, by a patient (STT) or by the agent (TTS, LLM).
#[derive(Debug, Clone, Serialize)]
pub struct TextRecord {
    /// Stream it belongs to.
    pub stream: u64,
    /// Who heard, spoke or wrote it.
    pub service: Service,
    /// The words; for a tool call its name and arguments.
    pub text: String,
    /// Milliseconds since 1970 when it was sent (STT), asked for (TTS) or completed (LLM).
    pub at_unix_ms: u64,
    /// STT: where the speech ended, in seconds of the stream's audio.
    pub audio_end_s: Option<f64>,
}

/// A waiting time that a simulator added on purpose: latency that is not the product's.
#[derive(Debug, Clone, Serialize)]
pub struct DelayRecord {
    /// Stream it belongs to.
    pub stream: u64,
    /// Who waited.
    pub service: Service,
    /// Milliseconds since 1970 at which the wait began.
    pub at_unix_ms: u64,
    /// `final`, `ttfb` or `ttft`.
    pub what: &'static str,
    /// How long, in ms.
    pub ms: f64,
}

/// A copy of everything seen so far.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StateSnapshot {
    /// Websockets and streamed answers that are open.
    pub open_streams: BTreeMap<Service, usize>,
    /// Requests, refused ones included.
    pub requests_total: BTreeMap<Service, u64>,
    /// Requests that were answered with an error status.
    pub refused_total: BTreeMap<Service, u64>,
    /// The latest requests.
    pub requests: VecDeque<RequestRecord>,
    /// Final transcripts that had words.
    pub heard: VecDeque<TextRecord>,
    /// What was spoken and written.
    pub said: VecDeque<TextRecord>,
    /// Added delays.
    pub delays: VecDeque<DelayRecord>,
    /// Body of the last LLM request.
    pub last_llm_body: Option<Value>,
    /// Faults that have not happened yet.
    pub pending_faults: Vec<Fault>,
}

/// What all services share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: SimConfig,
    pub(super) flite: Flite,
    pub(super) recogniser: Recogniser,
    pub(super) faults: FaultBook,
    /// Every task of the simulators; they end when `stop` is cancelled.
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    streams: AtomicU64,
    seen: Mutex<StateSnapshot>,
}

impl Shared {
    pub(super) fn new(config: SimConfig, flite: Flite, recogniser: Recogniser) -> Self {
        Self {
            config,
            flite,
            recogniser,
            faults: FaultBook::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            streams: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// Records a request and gives it its number.
    pub(super) fn request(
        &self,
        service: Service,
        query: &[(String, String)],
        headers: &HeaderMap,
    ) -> u64 {
        let stream = self.streams.fetch_add(1, Ordering::Relaxed);
        let record = RequestRecord {
            stream,
            service,
            at_unix_ms: unix_ms(),
            query: query.to_vec(),
            headers: readable(headers),
            store: None,
        };
        let mut seen = self.seen.lock();
        *seen.requests_total.entry(service).or_default() += 1;
        keep(&mut seen.requests, record);
        stream
    }

    pub(super) fn llm_body(&self, stream: u64, body: &Value) {
        let mut seen = self.seen.lock();
        if let Some(record) = seen.requests.iter_mut().rev().find(|r| r.stream == stream) {
            record.store = body.get("store").and_then(Value::as_bool);
        }
        seen.last_llm_body = Some(body.clone());
    }

    pub(super) fn refused(&self, service: Service) {
        *self.seen.lock().refused_total.entry(service).or_default() += 1;
    }

    pub(super) fn heard(&self, stream: u64, text: &str, audio_end_s: f64) {
        let record = text_record(stream, Service::Stt, text, Some(audio_end_s));
        keep(&mut self.seen.lock().heard, record);
    }

    pub(super) fn said(&self, stream: u64, service: Service, text: &str) {
        keep(
            &mut self.seen.lock().said,
            text_record(stream, service, text, None),
        );
    }

    pub(super) fn delayed(
        &self,
        stream: u64,
        service: Service,
        what: &'static str,
        delay: Duration,
    ) {
        let record = DelayRecord {
            stream,
            service,
            at_unix_ms: unix_ms(),
            what,
            ms: delay.as_secs_f64() * 1_000.0,
        };
        keep(&mut self.seen.lock().delays, record);
    }

    /// Takes a place for a stream, unless `most` are open. A place that is not left in order stays taken for `linger`.
    pub(super) fn open(
        self: &Arc<Self>,
        service: Service,
        most: usize,
        linger: Duration,
    ) -> Option<Place> {
        let mut seen = self.seen.lock();
        let open = seen.open_streams.entry(service).or_default();
        if *open >= most {
            return None;
        }
        *open += 1;
        Some(Place {
            shared: self.clone(),
            service,
            linger,
        })
    }

    fn close(&self, service: Service) {
        if let Some(open) = self.seen.lock().open_streams.get_mut(&service) {
            *open = open.saturating_sub(1);
        }
    }

    /// Randomness of one stream: from the seed and the stream's number among all.
    pub(super) fn rng(&self, stream: u64) -> StdRng {
        StdRng::seed_from_u64(self.config.seed ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn snapshot(&self) -> StateSnapshot {
        StateSnapshot {
            pending_faults: self.faults.pending(),
            ..self.seen.lock().clone()
        }
    }
}

/// A stream's place among those that may be open at once; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    service: Service,
    linger: Duration,
}

impl Place {
    /// The stream ended in order: the place is free as soon as it is dropped.
    pub(super) fn in_order(&mut self) {
        self.linger = Duration::ZERO;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (shared, service, linger) = (self.shared.clone(), self.service, self.linger);
        if linger.is_zero() || shared.stop.is_cancelled() {
            return shared.close(service);
        }
        let task = shared.tasks.clone();
        task.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(linger) => {}
                () = shared.stop.cancelled() => {}
            }
            shared.close(service);
        });
    }
}

/// Milliseconds since 1970.
pub(super) fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}

fn text_record(stream: u64, service: Service, text: &str, audio_end_s: Option<f64>) -> TextRecord {
    TextRecord {
        stream,
        service,
        text: text.to_owned(),
        at_unix_ms: unix_ms(),
        audio_end_s,
    }
}

fn keep<T>(records: &mut VecDeque<T>, record: T) {
    if records.len() >= KEPT {
        records.pop_front();
    }
    records.push_back(record);
}

fn readable(headers: &HeaderMap) -> BTreeMap<String, String> {
    let secret = ["authorization", "api-key", "sec-websocket-protocol"];
    let value = |name: &str, value: &[u8]| {
        if secret.contains(&name) {
            "present".to_owned()
        } else {
            String::from_utf8_lossy(value).into_owned()
        }
    };
    headers
        .iter()
        .map(|(k, v)| (k.as_str().to_owned(), value(k.as_str(), v.as_bytes())))
        .collect()
}
