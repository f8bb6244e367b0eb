//! Faults on demand: what goes wrong, where, when and how often.

use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};

/// A simulated service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Deepgram `/v1/listen`.
    Stt,
    /// Aura `/v1/speak`, websocket.
    Tts,
    /// Aura `/v1/speak`, POST.
    TtsRest,
    /// OpenAI chat completions.
    Llm,
    /// Azure OpenAI chat completions.
    Azure,
}

/// Which requests or streams a fault hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Requests and streams that begin from now on.
    #[default]
    Next,
    /// Streams that are open now (STT and TTS websockets); `after_ms` counts from now.
    Open,
}

/// What happens. A kind that makes no sense for a service does nothing there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The request (for websockets: the handshake) is answered with an error status.
    Refuse {
        /// HTTP status.
        status: u16,
        /// Vendor's code, such as `insufficient_quota`; the usual one for the status if absent.
        #[serde(default)]
        code: Option<String>,
        /// Adds `retry-after` and `retry-after-ms`.
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// The answer begins later: handshake, first byte or first token.
    Delay {
        /// How much later.
        ms: u64,
    },
    /// The request is read and never answered.
    Hang,
    /// The websocket is closed by the server.
    Close {
        /// Close code.
        code: u16,
        /// Close reason.
        reason: String,
    },
    /// The connection is dropped without a word (LLM: no `[DONE]`).
    Cut,
    /// Nothing more comes, or not for a while; the connection stays.
    Stall {
        /// How long; for ever if absent.
        #[serde(default)]
        ms: Option<u64>,
    },
    /// An error message inside the stream, after which the stream ends.
    ErrorEvent {
        /// Its text.
        message: String,
        /// Vendor's code.
        code: String,
    },
    /// STT: every final result is sent twice.
    DuplicateFinals,
    /// STT: final results come later.
    LateFinals {
        /// How much later.
        ms: u64,
    },
    /// TTS: frames hold an odd number of bytes, samples are split between frames.
    OddBytes,
    /// LLM: tool-call arguments are not valid JSON.
    BadArguments,
    /// LLM: the answer stops with `finish_reason: length`, tool-call arguments in the middle.
    LengthCut,
}

/// One order for trouble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Where.
    pub service: Service,
    /// What.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// Whom.
    #[serde(default)]
    pub target: Target,
    /// Requests (or streams) that are spared first.
    #[serde(default)]
    pub after_requests: u32,
    /// Time into the stream, from its opening or (open streams) from now; LLM: from the first delta.
    #[serde(default)]
    pub after_ms: u64,
    /// How many requests or streams it hits.
    #[serde(default = "once")]
    pub count: u32,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault for the next request.
    #[must_use]
    pub fn next(service: Service, kind: FaultKind) -> Self {
        Self {
            service,
            kind,
            target: Target::Next,
            after_requests: 0,
            after_ms: 0,
            count: 1,
        }
    }

    /// A fault for the streams open now.
    #[must_use]
    pub fn open(service: Service, kind: FaultKind) -> Self {
        Self {
            target: Target::Open,
            ..Self::next(service, kind)
        }
    }

    /// The same, later in the stream.
    #[must_use]
    pub fn after_ms(self, after_ms: u64) -> Self {
        Self { after_ms, ..self }
    }

    /// The same for several requests.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self { count, ..self }
    }

    /// The same, sparing the first requests.
    #[must_use]
    pub fn after_requests(self, after_requests: u32) -> Self {
        Self {
            after_requests,
            ..self
        }
    }
}

/// A fault that has found its victim.
#[derive(Debug, Clone)]
pub(super) struct Armed {
    pub(super) kind: FaultKind,
    pub(super) after: Duration,
}

/// All orders that are not used up.
#[derive(Debug)]
pub(super) struct FaultBook {
    orders: Mutex<Vec<Fault>>,
    version: watch::Sender<u64>,
}

impl Default for FaultBook {
    fn default() -> Self {
        Self {
            orders: Mutex::default(),
            version: watch::channel(0).0,
        }
    }
}

impl FaultBook {
    pub(super) fn add(&self, fault: Fault) {
        if fault.count > 0 {
            self.orders.lock().push(fault);
            self.version.send_modify(|v| *v += 1);
        }
    }

    pub(super) fn clear(&self) {
        self.orders.lock().clear();
    }

    pub(super) fn pending(&self) -> Vec<Fault> {
        self.orders.lock().clone()
    }

    /// Changes whenever an order is added.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// What hits a request that has just come in.
    pub(super) fn on_request(&self, service: Service) -> Vec<Armed> {
        self.claim(service, Target::Next)
    }

    /// What hits a stream that is open. Several streams ask at once; each order's count is shared between them.
    pub(super) fn on_open_stream(&self, service: Service) -> Vec<Armed> {
        self.claim(service, Target::Open)
    }

    fn claim(&self, service: Service, target: Target) -> Vec<Armed> {
        let mut armed = Vec::new();
        let mut orders = self.orders.lock();
        for fault in orders
            .iter_mut()
            .filter(|f| f.service == service && f.target == target)
        {
            if fault.after_requests > 0 {
                fault.after_requests -= 1;
            } else if fault.count > 0 {
                fault.count -= 1;
                armed.push(Armed {
                    kind: fault.kind.clone(),
                    after: Duration::from_millis(fault.after_ms),
                });
            }
        }
        orders.retain(|f| f.count > 0);
        armed
    }
}

/// The faults of one stream, waiting for their time.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: Vec<(Instant, FaultKind)>,
}

impl Schedule {
    pub(super) fn add(&mut self, now: Instant, armed: Vec<Armed>) {
        self.due
            .extend(armed.into_iter().map(|a| (now + a.after, a.kind)));
        self.due.sort_by_key(|d| d.0);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|d| d.0)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<FaultKind> {
        (self.deadline()? <= now).then(|| self.due.remove(0).1)
    }
}

/// Takes the refusal out of the faults of a request, if there is one.
pub(super) fn refusal(armed: &mut Vec<Armed>) -> Option<(u16, Option<String>, Option<u64>)> {
    let at = armed
        .iter()
        .position(|a| matches!(a.kind, FaultKind::Refuse { .. }))?;
    match armed.remove(at).kind {
        FaultKind::Refuse {
            status,
            code,
            retry_after_ms,
        } => Some((status, code, retry_after_ms)),
        _ => None,
    }
}

/// Sum of the ordered delays.
pub(super) fn extra_delay(armed: &[Armed]) -> Duration {
    let ms = armed
        .iter()
        .map(|a| {
            if let FaultKind::Delay { ms } = a.kind {
                ms
            } else {
                0
            }
        })
        .sum();
    Duration::from_millis(ms)
}

/// Whether the request is to be left without an answer.
pub(super) fn hangs(armed: &[Armed]) -> bool {
    armed.iter().any(|a| a.kind == FaultKind::Hang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_spares_hits_and_is_used_up() {
        let book = FaultBook::default();
        book.add(
            Fault::next(Service::Llm, FaultKind::Hang)
                .after_requests(1)
                .times(2),
        );
        let hits: Vec<usize> = (0..4)
            .map(|_| book.on_request(Service::Llm).len())
            .collect();
        assert_eq!(hits, [0, 1, 1, 0]);
        assert!(book.on_request(Service::Stt).is_empty() && book.pending().is_empty());
    }

    #[test]
    fn orders_read_as_plain_json() {
        let json =
            r#"{"service":"llm","kind":"refuse","status":429,"retry_after_ms":1500,"count":3}"#;
        let fault: Fault = serde_json::from_str(json).expect("valid order");
        let kind = FaultKind::Refuse {
            status: 429,
            code: None,
            retry_after_ms: Some(1_500),
        };
        assert_eq!(fault, Fault::next(Service::Llm, kind).times(3));
        let json = r#"{"service":"stt","kind":"close","code":1011,"reason":"NET-0000","target":"open","after_ms":20}"#;
        let fault: Fault = serde_json::from_str(json).expect("valid order");
        assert_eq!(
            (fault.target, fault.after_ms, fault.count),
            (Target::Open, 20, 1)
        );
    }
}
