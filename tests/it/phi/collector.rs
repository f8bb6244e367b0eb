//! Receives spans as an OpenTelemetry collector does: OTLP over HTTP, in protobuf.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, routing::post};
use parking_lot::Mutex;
use prost::Message;
use tokio::task::JoinSet;

#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
}

/// A received span.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) trace: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) parent: Vec<u8>,
    pub(crate) name: String,
    /// Values that are no text are empty.
    pub(crate) attributes: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }
}

impl From<Span> for Seen {
    fn from(span: Span) -> Self {
        let attributes = span
            .attributes
            .into_iter()
            .map(|a| (a.key, a.value.and_then(|v| v.text).unwrap_or_default()));
        Self {
            trace: span.trace_id,
            id: span.span_id,
            parent: span.parent_span_id,
            name: span.name,
            attributes: attributes.collect(),
        }
    }
}

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// A running collector.
pub(crate) struct Collector {
    addr: SocketAddr,
    bodies: Bodies,
    /// Dropped, it ends.
    _server: JoinSet<()>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("port");
        let addr = listener.local_addr().expect("address");
        let bodies = Bodies::default();
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(Arc::clone(&bodies));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("serve") });
        Self {
            addr,
            bodies,
            _server: server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// All request bodies as they came.
    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        self.bodies.lock().clone()
    }

    /// The spans received, once that of the call is among them.
    pub(crate) async fn wait_for_call(&self, call: &str, limit: Duration) -> Vec<Seen> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let spans = self.spans();
            let is_there = spans
                .iter()
                .any(|s| s.name == "call" && s.text("call.id") == Some(call));
            if is_there || tokio::time::Instant::now() > until {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn spans(&self) -> Vec<Seen> {
        let exports = self
            .bodies()
            .into_iter()
            .map(|body| Export::decode(body).expect("OTLP"));
        let resources = exports.flat_map(|e| e.resources);
        resources
            .flat_map(|r| r.scopes)
            .flat_map(|s| s.spans)
            .map(Seen::from)
            .collect()
    }
}

async fn receive(State(bodies): State<Bodies>, body: Bytes) {
    bodies.lock().push(body);
}
