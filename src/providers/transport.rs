//! What a transport reports, without anything a vendor wrote: a body or a close reason may echo patient data.

use std::io;

use http::{HeaderMap, StatusCode};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

use super::{Fault, ProviderError, Vendor, retry_after};

/// The cause of a failed provider call.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The vendor answered with this HTTP status.
    #[error("http status {0}")]
    Status(u16),
    /// The vendor closed the socket with this code.
    #[error("closed with code {0}")]
    Closed(u16),
    /// The socket ended without a closing handshake.
    #[error("connection ended")]
    Ended,
    /// TCP or TLS failed.
    #[error("socket")]
    Io(#[source] io::Error),
    /// The peer does not speak WebSocket as it should.
    #[error("websocket protocol")]
    WebSocket(#[source] ProtocolError),
    /// A message over our limit, text that is not UTF-8, or an address that is none.
    #[error("{0}")]
    Malformed(&'static str),
}

/// The fault behind an HTTP status; headers may say how long to wait.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: a vendor's date is compared with ours"
)]
pub(super) fn fault_of_status(status: StatusCode, headers: &HeaderMap) -> Fault {
    let wait = || retry_after::hint(headers, chrono::Utc::now());
    match status.as_u16() {
        401..=404 => Fault::Refused,
        408 => Fault::Timeout,
        429 => Fault::RateLimited(wait()),
        400..=499 => Fault::BadRequest,
        503 => wait().map_or(Fault::Unavailable, |delay| Fault::RateLimited(Some(delay))),
        500..=599 => Fault::Unavailable,
        _ => Fault::Protocol,
    }
}

/// The fault behind a WebSocket close code that we did not ask for.
pub(super) const fn fault_of_close(code: u16) -> Fault {
    match code {
        // 1008 is how Deepgram says that it cannot decode the audio: it would not the next time either.
        1008 | 1009 => Fault::BadRequest,
        1002 | 1003 | 1007 | 1010 => Fault::Protocol,
        _ => Fault::Unavailable,
    }
}

/// A WebSocket library's error as ours. Its own form would keep answer bodies and unsent messages.
pub(super) fn from_websocket(vendor: Vendor, error: tungstenite::Error) -> ProviderError {
    use tungstenite::Error as E;
    let (fault, cause) = match error {
        E::Http(answer) => (
            fault_of_status(answer.status(), answer.headers()),
            TransportError::Status(answer.status().as_u16()),
        ),
        E::Io(e) => (Fault::Unavailable, TransportError::Io(e)),
        E::Tls(_) => (Fault::Unavailable, TransportError::Malformed("tls")),
        E::ConnectionClosed
        | E::AlreadyClosed
        | E::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            (Fault::Unavailable, TransportError::Ended)
        }
        E::Protocol(e) => (Fault::Protocol, TransportError::WebSocket(e)),
        E::Capacity(_) => (
            Fault::Protocol,
            TransportError::Malformed("message too long"),
        ),
        E::Utf8(_) => (Fault::Protocol, TransportError::Malformed("not utf-8")),
        E::Url(_) | E::HttpFormat(_) => (
            Fault::BadRequest,
            TransportError::Malformed("request cannot be built"),
        ),
        E::WriteBufferFull(_) | E::AttackAttempt => {
            (Fault::Protocol, TransportError::Malformed("websocket"))
        }
    };
    ProviderError::new(vendor, fault).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_to_do_next() {
        let mut headers = HeaderMap::new();
        let fault = |code, headers: &HeaderMap| {
            fault_of_status(StatusCode::from_u16(code).expect("code"), headers)
        };
        assert_eq!(fault(401, &headers), Fault::Refused);
        assert_eq!(fault(402, &headers), Fault::Refused);
        assert_eq!(fault(400, &headers), Fault::BadRequest);
        assert_eq!(fault(500, &headers), Fault::Unavailable);
        assert_eq!(fault(503, &headers), Fault::Unavailable);
        assert_eq!(fault(429, &headers), Fault::RateLimited(None));
        assert_eq!(fault(302, &headers), Fault::Protocol);
        headers.insert("retry-after", "7".parse().expect("header"));
        let wait = Some(std::time::Duration::from_secs(7));
        assert_eq!(fault(429, &headers), Fault::RateLimited(wait));
        assert_eq!(fault(503, &headers), Fault::RateLimited(wait));
    }

    #[test]
    fn a_vendors_answer_body_is_not_kept() {
        let answer = http::Response::builder()
            .status(400)
            .body(Some(b"Maria Lopez".to_vec()))
            .expect("response");
        let error = from_websocket(Vendor::Deepgram, tungstenite::Error::Http(Box::new(answer)));
        assert_eq!(error.fault, Fault::BadRequest);
        assert!(!format!("{error:?}").contains("Maria"));
    }
}
