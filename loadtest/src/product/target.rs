//! Where a product takes calls, as a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    caller::{LiveKitAccess, Target},
    stack::workspace_root,
};

/// Where a product takes calls: it holds the keys of a local stack and nothing of value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TargetFile {
    /// `POST /voice`.
    pub voice_url: Url,
    /// Twilio's auth token.
    pub auth_token: String,
    /// LiveKit's `ws://` URL.
    pub livekit_url: String,
    /// Its key.
    pub livekit_api_key: String,
    /// Its secret.
    pub livekit_api_secret: String,
    /// The host in SIP addresses.
    pub sip_host: String,
}

impl TargetFile {
    /// For a [`Caller`](crate::caller::Caller).
    #[must_use]
    pub fn into_target(self) -> Target {
        let livekit = LiveKitAccess {
            url: self.livekit_url,
            api_key: self.livekit_api_key,
            api_secret: self.livekit_api_secret,
            sip_host: Some(self.sip_host),
        };
        Target {
            voice_url: self.voice_url,
            auth_token: self.auth_token,
            livekit,
        }
    }
}

/// Where a kept demo says how it is called.
#[must_use]
pub fn kept_target() -> PathBuf {
    workspace_root().join("target/stack/demo/target.json")
}

/// Synthesised speech, kept from run to run.
#[must_use]
pub fn speech_cache() -> PathBuf {
    workspace_root().join("target/speech")
}
