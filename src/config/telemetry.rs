use serde::Deserialize;
use url::Url;

/// Logs, traces, metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// `tracing` filter.
    pub log: String,
    /// Log lines for machines or people.
    pub log_format: LogFormat,
    /// OTLP/HTTP endpoint for spans; none sends none.
    pub otlp_endpoint: Option<Url>,
}

/// Log lines for machines or people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text.
    Text,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info".into(),
            log_format: LogFormat::Json,
            otlp_endpoint: None,
        }
    }
}
