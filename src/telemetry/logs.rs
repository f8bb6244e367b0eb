//! Log lines and spans.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::span_sender::SpanSender;
use crate::config::{LogFormat, TelemetryConfig};

/// Libraries whose verbose lines may carry bodies, headers or addresses: they never log below `warn`, whatever the filter says.
const HUSHED: &[&str] = &[
    "hyper",
    "h2",
    "reqwest",
    "rustls",
    "tungstenite",
    "sqlx",
    "livekit",
    "libwebrtc",
    "str0m",
    "ort",
];

/// One export request.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// A logging set-up that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not parse.
    #[error("telemetry.log: not a filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The span exporter could not be built.
    #[error("build the span exporter")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The HTTP client could not be built.
    #[error("build the span exporter's HTTP client")]
    Http(#[from] reqwest::Error),
    /// A subscriber is already set.
    #[error("telemetry is already started")]
    AlreadyStarted(#[from] tracing_subscriber::util::TryInitError),
}

/// Flushes the spans when the process ends.
#[must_use = "dropping it ends the export of spans"]
#[derive(Debug)]
pub struct Telemetry {
    spans: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logs (to standard error) and, with an endpoint, the export of spans.
    ///
    /// # Errors
    /// See [`TelemetryError`].
    pub fn start(config: &TelemetryConfig, role: &'static str) -> Result<Self, TelemetryError> {
        let spans = match &config.otlp_endpoint {
            Some(endpoint) => Some(span_exporter(endpoint.as_str(), role)?),
            None => None,
        };
        let export = spans.as_ref().map(|p| {
            tracing_opentelemetry::layer()
                .with_location(false)
                .with_threads(false)
                .with_tracer(p.tracer("neurality"))
                .with_filter(tracing_subscriber::filter::LevelFilter::INFO)
        });
        Registry::default()
            .with(filter(&config.log)?)
            .with(lines(config.log_format))
            .with(export)
            .try_init()?;
        Ok(Self { spans })
    }

    /// Sends what is left. Blocks for at most the exporter's timeout.
    pub fn finish(self) {
        if let Some(spans) = self.spans
            && let Err(e) = spans.shutdown()
        {
            tracing::warn!(error = %e, "spans were not flushed");
        }
    }
}

fn filter(directives: &str) -> Result<EnvFilter, TelemetryError> {
    let mut filter = EnvFilter::try_new(directives)?;
    for library in HUSHED {
        filter = filter.add_directive(format!("{library}=warn").parse()?);
    }
    Ok(filter)
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer.with_ansi(false).boxed(),
    }
}

fn span_exporter(endpoint: &str, role: &'static str) -> Result<SdkTracerProvider, TelemetryError> {
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let http = reqwest::Client::builder().timeout(EXPORT_TIMEOUT).build()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(SpanSender::new(http))
        .with_endpoint(url)
        .build()?;
    let resource = Resource::builder()
        .with_service_name(format!("neurality-{role}"))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}
