//! A vendor whose every byte the test decides: for answers that no well-meaning simulator gives.

use std::{net::Ipv4Addr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use neurality::{
    config::{LlmVendor, ProvidersConfig, Secret},
    providers::Providers,
    telemetry::metrics::Metrics,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::CloseFrame,
    },
};
use tokio_util::task::TaskTracker;
use url::Url;

/// Longer than anything a test waits for on purpose.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("in time")
}

/// A pod's providers that know no vendor yet.
pub(super) fn config() -> ProvidersConfig {
    let mut config = ProvidersConfig::default();
    config.deepgram.api_key = Secret::new("key-d");
    config.openai.api_key = Secret::new("key-o");
    config.azure.api_key = Secret::new("key-a");
    config.llm = vec![LlmVendor::OpenAi];
    config.connect_timeout_ms = 1000;
    config.llm_first_token_timeout_ms = 400;
    config.llm_total_timeout_ms = 2000;
    config.stt_stall_timeout_ms = 600;
    config.tts_first_byte_timeout_ms = 400;
    config
}

/// The providers and what shows that their tasks end.
pub(super) struct Pod {
    pub(super) providers: Providers,
    pub(super) tasks: TaskTracker,
    pub(super) metrics: std::sync::Arc<Metrics>,
}

impl Pod {
    pub(super) fn new(config: &ProvidersConfig) -> Self {
        let tasks = TaskTracker::new();
        let metrics = std::sync::Arc::new(Metrics::new());
        let providers = Providers::build(config, 1, &tasks, &metrics).expect("make setup");
        Self {
            providers,
            tasks,
            metrics,
        }
    }

    /// No task outlives its stream.
    pub(super) async fn all_tasks_end(&self) {
        self.tasks.close();
        within(self.tasks.wait()).await;
    }

    /// The value of a series, written as in the exposition.
    pub(super) fn metric(&self, series: &str) -> f64 {
        let text = self.metrics.encode().expect("metrics");
        let line = text.lines().find(|line| line.starts_with(series));
        let line = line.unwrap_or_else(|| panic!("{series} in {text}"));
        let value = line.rsplit(' ').next().expect("a value");
        value.parse().expect("a number")
    }
}

pub(super) struct Vendor {
    listener: TcpListener,
}

impl Vendor {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        Self {
            listener: listener.expect("a port"),
        }
    }

    pub(super) fn url(&self, scheme: &str) -> Url {
        let address = self.listener.local_addr().expect("bound");
        Url::parse(&format!("{scheme}://{address}")).expect("url")
    }

    async fn connection(&self) -> TcpStream {
        within(self.listener.accept()).await.expect("accept").0
    }

    /// Accepts a WebSocket.
    #[expect(clippy::result_large_err, reason = "the library's callback type")]
    pub(super) async fn socket(&self) -> Socket {
        let stream = self.connection().await;
        let mut request = None;
        let note = |r: &Request, response: Response| {
            request = Some(r.clone());
            Ok(response)
        };
        let inner = within(accept_hdr_async(stream, note)).await;
        let request = request.expect("a handshake");
        let path = request.uri().to_string();
        let authorization = request.headers()["authorization"].to_str();
        Socket {
            inner: inner.expect("a handshake"),
            url: Url::parse(&format!("ws://vendor{path}")).expect("url"),
            authorization: authorization.expect("text").to_owned(),
        }
    }

    /// Accepts an HTTP request.
    pub(super) async fn request(&self) -> Exchange {
        Exchange::read(self.connection().await)
            .await
            .expect("a request")
    }

    /// Answers a handshake or request with a status.
    pub(super) async fn refuse(&self, status: u16, headers: &str, body: &str) {
        self.request().await.refuse(status, headers, body).await;
    }

    /// Whether nobody connects for a while.
    pub(super) async fn is_left_alone(&self) -> bool {
        timeout(Duration::from_millis(300), self.listener.accept())
            .await
            .is_err()
    }
}

pub(super) struct Socket {
    inner: WebSocketStream<TcpStream>,
    pub(super) url: Url,
    pub(super) authorization: String,
}

impl Socket {
    pub(super) async fn next(&mut self) -> Message {
        let message = within(self.inner.next()).await;
        message.expect("still open").expect("a message")
    }

    pub(super) async fn binary(&mut self) -> Vec<u8> {
        match self.next().await {
            Message::Binary(data) => data.to_vec(),
            other => panic!("{other:?} instead of sound"),
        }
    }

    pub(super) async fn text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?} instead of text"),
        }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.inner.send(Message::text(text)).await.expect("send");
    }

    pub(super) async fn send_binary(&mut self, data: &[u8]) {
        let data = Message::binary(data.to_vec());
        self.inner.send(data).await.expect("send");
    }

    pub(super) async fn close(mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "Maria".into(),
        };
        self.inner.close(Some(frame)).await.expect("close");
        while let Some(Ok(_)) = within(self.inner.next()).await {}
    }

    /// Value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Vec<String> {
        let pairs = self.url.query_pairs();
        let named = pairs.filter(|(key, _)| key == name);
        named.map(|(_, value)| value.into_owned()).collect()
    }
}

/// A request that waits for its answer.
pub(super) struct Exchange {
    stream: TcpStream,
    /// Request line and headers.
    pub(super) head: String,
    pub(super) body: Value,
}

impl Exchange {
    /// The next request on a connection, unless it ends.
    async fn read(mut stream: TcpStream) -> Option<Self> {
        let mut text = Vec::new();
        let end = loop {
            if within(stream.read_buf(&mut text)).await.ok()? == 0 {
                return None;
            }
            if let Some(end) = text.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "));
        let length = length.map_or(0, |l| l.parse().expect("a number"));
        while text.len() < end + length {
            within(stream.read_buf(&mut text)).await.ok()?;
        }
        let body = serde_json::from_slice(&text[end..]).unwrap_or(Value::Null);
        Some(Self { stream, head, body })
    }

    pub(super) async fn refuse(mut self, status: u16, headers: &str, body: &str) {
        let text = format!(
            "HTTP/1.1 {status} No\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write(text.as_bytes()).await;
    }

    /// Begins an event stream.
    pub(super) async fn begin(&mut self) {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        self.write(head.as_bytes()).await;
    }

    /// A piece of the event stream.
    pub(super) async fn chunk(&mut self, data: &str) {
        let chunk = format!("{:x}\r\n{data}\r\n", data.len());
        self.write(chunk.as_bytes()).await;
    }

    /// An event of text.
    pub(super) async fn says(&mut self, text: &str) {
        let delta = serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        self.chunk(&format!("data: {delta}\n\n")).await;
    }

    /// A whole answer.
    pub(super) async fn answer(mut self, text: &str) -> Kept {
        self.begin().await;
        self.says(text).await;
        self.finish().await
    }

    /// Ends the answer well.
    async fn finish(mut self) -> Kept {
        let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        self.chunk(&format!("data: {end}\n\ndata: [DONE]\n\n"))
            .await;
        self.write(b"0\r\n\r\n").await;
        Kept(self.stream)
    }

    /// Whether the client ends the connection.
    pub(super) async fn hung_up(mut self) -> bool {
        matches!(within(self.stream.read(&mut [0; 64])).await, Ok(0) | Err(_))
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("write");
    }
}

/// A connection that the client may use again.
pub(super) struct Kept(TcpStream);

impl Kept {
    pub(super) async fn request(self) -> Exchange {
        Exchange::read(self.0).await.expect("a request")
    }
}
