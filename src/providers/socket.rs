//! A vendor's WebSocket: handshake with a deadline, sends with a deadline, errors as [`ProviderError`].

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, header::AUTHORIZATION};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Message, Utf8Bytes, client::IntoClientRequest, protocol::WebSocketConfig},
};
use url::Url;

use super::{
    Fault, ProviderError, Vendor,
    transport::{TransportError, fault_of_close, from_websocket},
};
use crate::config::Secret;

/// A vendor that takes nothing for so long is gone.
const SEND_DEADLINE: Duration = Duration::from_secs(2);
/// The library's 128 KiB for each direction would cost 50 MB at 200 calls.
const BUFFER: usize = 8 * 1024;
/// Ten seconds of sound: more is not sent in one message by a vendor in its right mind.
const LARGEST_MESSAGE: usize = 512 * 1024;

/// Opens sockets at one vendor.
#[derive(Clone)]
pub(super) struct SocketOpener {
    pub(super) vendor: Vendor,
    pub(super) tls: Arc<ClientConfig>,
    /// For the whole handshake: name, TCP, TLS, upgrade.
    pub(super) deadline: Duration,
}

impl SocketOpener {
    /// Connects; the key goes into `Authorization: Token`.
    ///
    /// # Errors
    /// [`ProviderError`] by the answer's status; `Timeout` after the deadline.
    pub(super) async fn open(&self, url: &Url, key: &Secret) -> Result<Socket, ProviderError> {
        let vendor = self.vendor;
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|e| from_websocket(vendor, e))?;
        let mut token = HeaderValue::from_str(&format!("Token {}", key.expose()))
            .map_err(|_| malformed(vendor, "api key is no header"))?;
        token.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, token);
        let connector = Connector::Rustls(Arc::clone(&self.tls));
        let connecting =
            connect_async_tls_with_config(request, Some(limits()), true, Some(connector));
        let (inner, answer) = timeout(self.deadline, connecting)
            .await
            .map_err(|_| ProviderError::new(vendor, Fault::Timeout))?
            .map_err(|e| from_websocket(vendor, e))?;
        let request_id = answer.headers().get("dg-request-id");
        tracing::debug!(vendor = vendor.as_str(), ?request_id, "socket open");
        Ok(Socket { inner, vendor })
    }
}

fn malformed(vendor: Vendor, what: &'static str) -> ProviderError {
    ProviderError::new(vendor, Fault::BadRequest).because(TransportError::Malformed(what))
}

fn limits() -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = BUFFER;
    config.write_buffer_size = BUFFER;
    config.max_message_size = Some(LARGEST_MESSAGE);
    config.max_frame_size = Some(LARGEST_MESSAGE);
    config
}

/// An open socket.
pub(super) struct Socket {
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    vendor: Vendor,
}

/// What came in; pings are answered below.
pub(super) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
    /// The vendor closed, with this code.
    Closed(u16),
}

impl Socket {
    /// The next message. Cancel-safe.
    ///
    /// # Errors
    /// The socket broke.
    pub(super) async fn next(&mut self) -> Result<Incoming, ProviderError> {
        loop {
            match self.inner.next().await {
                None => return Err(self.error(Fault::Unavailable, TransportError::Ended)),
                Some(Err(e)) => return Err(from_websocket(self.vendor, e)),
                Some(Ok(Message::Text(text))) => return Ok(Incoming::Text(text)),
                Some(Ok(Message::Binary(data))) => return Ok(Incoming::Binary(data)),
                Some(Ok(Message::Close(frame))) => {
                    // 1005: a close frame without a code.
                    return Ok(Incoming::Closed(frame.map_or(1005, |f| f.code.into())));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            }
        }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The socket broke, or took nothing within [`SEND_DEADLINE`].
    pub(super) async fn text(&mut self, text: impl Into<Utf8Bytes>) -> Result<(), ProviderError> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends a binary message. Empty ones mean the end of the stream to Deepgram and are never sent.
    ///
    /// # Errors
    /// As [`Socket::text`].
    pub(super) async fn binary(&mut self, data: Bytes) -> Result<(), ProviderError> {
        if data.is_empty() {
            return Ok(());
        }
        self.send(Message::Binary(data)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), ProviderError> {
        match timeout(SEND_DEADLINE, self.inner.send(message)).await {
            Err(_) => Err(ProviderError::new(self.vendor, Fault::Timeout)),
            Ok(Err(e)) => Err(from_websocket(self.vendor, e)),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// A close that we did not ask for, as an error.
    pub(super) fn closed(&self, code: u16) -> ProviderError {
        self.error(fault_of_close(code), TransportError::Closed(code))
    }

    /// The vendor broke its own protocol.
    pub(super) fn nonsense(&self, what: &'static str) -> ProviderError {
        self.error(Fault::Protocol, TransportError::Malformed(what))
    }

    fn error(&self, fault: Fault, cause: TransportError) -> ProviderError {
        ProviderError::new(self.vendor, fault).because(cause)
    }
}

/// A path under the vendor's base, whether or not the base ends in a slash or has a path of its own.
pub(super) fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_may_have_a_path() {
        let url = |base: &str| endpoint(&Url::parse(base).expect("url"), "v1/listen").to_string();
        assert_eq!(
            url("wss://api.deepgram.com"),
            "wss://api.deepgram.com/v1/listen"
        );
        assert_eq!(url("ws://proxy:80/dg/"), "ws://proxy/dg/v1/listen");
    }
}
