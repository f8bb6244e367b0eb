//! The wire, seen by real clients.

mod aura;
mod control;
mod deepgram;
mod openai;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, protocol::CloseFrame},
};

use super::{SimConfig, SimHandle, SimListeners, serve};

/// Running simulators with small delays.
async fn start(change: impl FnOnce(&mut SimConfig)) -> SimHandle {
    let mut config = SimConfig::fast();
    change(&mut config);
    serve(config, SimListeners::loopback().await.expect("loopback")).await.expect("run make setup")
}

/// A websocket client of the Deepgram simulator.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

enum Got {
    Json(Value),
    Audio(Vec<u8>),
    Closed(Option<CloseFrame>),
    /// Without a close frame.
    Broken,
}

impl Socket {
    async fn open(sim: &SimHandle, path: &str) -> Result<Self, tungstenite::Error> {
        Self::open_with(sim, path, "Token sim-deepgram-key").await
    }

    async fn open_with(sim: &SimHandle, path: &str, authorization: &str) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{}{path}", sim.deepgram_addr()).into_client_request()?;
        request.headers_mut().insert("authorization", authorization.parse().expect("a header"));
        Ok(Self(connect_async(request).await?.0))
    }

    async fn text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the server reads");
    }

    async fn audio(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::binary(bytes)).await.expect("the server reads");
    }

    async fn next(&mut self) -> Got {
        loop {
            let message = tokio::time::timeout(std::time::Duration::from_secs(20), self.0.next()).await.expect("the server is alive");
            return match message {
                Some(Ok(Message::Text(text))) => Got::Json(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Binary(bytes))) => Got::Audio(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => Got::Closed(frame),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Got::Broken,
            };
        }
    }

    async fn json(&mut self) -> Value {
        match self.next().await {
            Got::Json(value) => value,
            Got::Audio(_) => panic!("audio instead of JSON"),
            Got::Closed(frame) => panic!("closed: {frame:?}"),
            Got::Broken => panic!("broken"),
        }
    }

    /// Reads to the end: all messages, and how it closed.
    async fn rest(&mut self) -> (Vec<Value>, Option<CloseFrame>) {
        let mut messages = Vec::new();
        loop {
            match self.next().await {
                Got::Json(value) => messages.push(value),
                Got::Audio(_) => {}
                Got::Closed(frame) => return (messages, frame),
                Got::Broken => return (messages, None),
            }
        }
    }
}

/// Status, body and `dg-error` of a refused handshake.
fn refused(result: Result<Socket, tungstenite::Error>) -> (u16, Value, String) {
    match result {
        Err(tungstenite::Error::Http(response)) => {
            let body = response.body().as_deref().unwrap_or_default();
            let error = response.headers().get("dg-error").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            (response.status().as_u16(), serde_json::from_slice(body).expect("a JSON body"), error)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the handshake was accepted"),
    }
}
