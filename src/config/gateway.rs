use std::net::SocketAddr;

use serde::Deserialize;
use url::Url;

use super::{ConfigError, Secret};

/// The webhook side.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address Twilio calls, as Twilio knows it: signatures are computed over it.
    pub public_url: Url,
    /// Seconds a call may wait for an agent before the fallback.
    pub ring_deadline_secs: u64,
    /// `<Dial timeout>`: seconds Twilio lets the SIP leg ring.
    pub dial_timeout_secs: u64,
    /// Largest request body, bytes.
    pub max_body_bytes: usize,
    /// Milliseconds until `POST /voice` gives up on Redis and speaks the fallback (Twilio waits 15 s).
    pub voice_deadline_ms: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: Url::parse("http://127.0.0.1:8080").expect("a literal URL parses"),
            ring_deadline_secs: 25,
            dial_timeout_secs: 30,
            max_body_bytes: 64 * 1024,
            voice_deadline_ms: 800,
        }
    }
}

impl GatewayConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.voice_deadline_ms == 0 || self.voice_deadline_ms > 1000 {
            return Err(ConfigError::invalid(
                "gateway.voice_deadline_ms",
                "must be between 1 and 1000",
            ));
        }
        Ok(())
    }
}

/// Twilio's account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TwilioConfig {
    /// Auth tokens that sign webhooks: the current one, and the next while it is rotated.
    pub auth_tokens: Vec<Secret>,
}
