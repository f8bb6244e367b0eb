use std::net::SocketAddr;

use serde::Deserialize;

use super::ConfigError;

/// The pod.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Where `/healthz`, `/readyz` and `/metrics` listen.
    pub listen: SocketAddr,
    /// Calls this pod takes at a time.
    pub max_calls: u32,
    /// Longest call, seconds.
    pub max_call_secs: u64,
    /// Seconds that running calls get after SIGTERM.
    pub drain_deadline_secs: u64,
    /// Milliseconds between status reports to LiveKit.
    pub status_interval_ms: u64,
    /// Threads that run voice-activity inference.
    pub vad_threads: usize,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            max_calls: 200,
            max_call_secs: 1800,
            drain_deadline_secs: 1860,
            status_interval_ms: 2500,
            vad_threads: 1,
        }
    }
}

impl WorkerConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.max_calls == 0 {
            return Err(ConfigError::invalid(
                "worker.max_calls",
                "must be at least 1",
            ));
        }
        if self.vad_threads == 0 {
            return Err(ConfigError::invalid(
                "worker.vad_threads",
                "must be at least 1",
            ));
        }
        if self.drain_deadline_secs < self.max_call_secs {
            return Err(ConfigError::invalid(
                "worker.drain_deadline_secs",
                "must be at least worker.max_call_secs",
            ));
        }
        Ok(())
    }
}
