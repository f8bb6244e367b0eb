use serde::Deserialize;
use url::Url;

use super::{ConfigError, Secret};
use crate::domain::e164::E164;

/// LiveKit server and SIP gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveKitConfig {
    /// `ws://` or `wss://` of the server.
    pub url: Url,
    /// API key.
    pub api_key: String,
    /// API secret.
    pub api_secret: Secret,
    /// Name our workers register under; dispatches name it.
    pub agent_name: String,
    /// Host of the SIP gateway, as Twilio reaches it.
    pub sip_host: String,
    /// SIP transport parameter: `tls`, `tcp` or `udp`.
    pub sip_transport: SipTransport,
    /// Digest user of the inbound trunk.
    pub sip_username: String,
    /// Digest password of the inbound trunk.
    pub sip_password: Secret,
    /// Trunk's ringing timeout, seconds.
    pub sip_ringing_timeout_secs: u64,
    /// Numbers that elastic SIP trunks bring straight to LiveKit, without our webhook.
    pub elastic_numbers: Vec<E164>,
    /// Where those trunks signal from: addresses or CIDR ranges of the carrier.
    pub elastic_addresses: Vec<String>,
    /// Seconds an empty room lives.
    pub room_empty_timeout_secs: u64,
    /// Seconds a room lives after its last participant left.
    pub room_departure_timeout_secs: u64,
    /// Milliseconds for one server API request.
    pub api_timeout_ms: u64,
}

/// SIP transport towards the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SipTransport {
    /// TLS with SRTP.
    Tls,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Default for LiveKitConfig {
    fn default() -> Self {
        Self {
            url: Url::parse("ws://127.0.0.1:7880").expect("a literal URL parses"),
            api_key: String::new(),
            api_secret: Secret::default(),
            agent_name: "neurality".into(),
            sip_host: "sip.invalid".into(),
            sip_transport: SipTransport::Tls,
            sip_username: "neurality".into(),
            sip_password: Secret::default(),
            sip_ringing_timeout_secs: 40,
            elastic_numbers: Vec::new(),
            elastic_addresses: Vec::new(),
            room_empty_timeout_secs: 3600,
            room_departure_timeout_secs: 30,
            api_timeout_ms: 5000,
        }
    }
}

impl LiveKitConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.agent_name.is_empty() {
            return Err(ConfigError::invalid(
                "livekit.agent_name",
                "must not be empty: unnamed workers take every room",
            ));
        }
        if !self.elastic_numbers.is_empty() && self.elastic_addresses.is_empty() {
            return Err(ConfigError::invalid(
                "livekit.elastic_addresses",
                "must name the carrier's addresses: a trunk without credentials believes the caller's number of anybody",
            ));
        }
        Ok(())
    }
}
