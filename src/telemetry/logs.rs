//! Log lines and spans.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::span_sender::SpanSender;
use crate::config::{LogFormat, TelemetryConfig};

/// Targets of our own lines.
const OURS: &str = "neurality";

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
    /// The crypto provider does not serve rustls' default versions: a fault of the build.
    #[error("build the span exporter's TLS")]
    Tls(#[from] rustls::Error),
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
            .with(EnvFilter::try_new(&config.log)?)
            .with(filter_fn(may_speak))
            .with(lines(config.log_format, std::io::stderr))
            .with(export)
            .try_init()?;
        hush_panics();
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

/// A library's verbose lines may carry bodies, headers or addresses: below `warn` only we write, whatever the configured filter says. Records of the
/// `log` crate are asked about too, by their own targets.
fn may_speak(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::WARN || line.target().split("::").next() == Some(OURS)
}

/// A panic's message may quote the text that it is about: only its place is written.
fn hush_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location();
        tracing::error!(
            panic.file = place.map(std::panic::Location::file),
            panic.line = place.map(std::panic::Location::line),
            "panicked"
        );
    }));
}

fn lines<S, W>(format: LogFormat, to: W) -> Box<dyn Layer<S> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(to);
    match format {
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            // The list of spans holds the current one too.
            .with_current_span(false)
            .boxed(),
        LogFormat::Text => layer.with_ansi(false).boxed(),
    }
}

fn span_exporter(endpoint: &str, role: &'static str) -> Result<SdkTracerProvider, TelemetryError> {
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(SpanSender::new(EXPORT_TIMEOUT)?)
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

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::Arc,
    };

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Paper {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What is written under the filter `trace`.
    fn written(speak: impl FnOnce()) -> String {
        let paper = Paper::default();
        let subscriber = Registry::default()
            .with(EnvFilter::new("trace,hyper::proto=trace"))
            .with(filter_fn(may_speak))
            .with(lines(LogFormat::Json, paper.clone()));
        tracing::subscriber::with_default(subscriber, speak);
        let bytes = paper.0.lock().clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn libraries_are_silent_below_warn_whatever_the_filter_says() {
        let log = written(|| {
            tracing::info!(target: "hyper::proto::h1", "body");
            tracing::trace!(target: "neurality_imitation", "body");
            tracing::warn!(target: "hyper::proto", "library's warning");
            tracing::debug!("our own");
        });
        assert!(!log.contains("body"), "{log}");
        assert!(log.contains("library's warning") && log.contains("our own"));
    }

    #[test]
    fn a_line_names_its_call_once() {
        let log = written(|| {
            let _call = tracing::info_span!("call", tenant.id = "t1", call.id = "c1").entered();
            let _turn = tracing::info_span!("turn", turn.index = 3).entered();
            tracing::info!("a line");
        });
        for field in ["call.id", "tenant.id", "turn.index"] {
            assert_eq!(log.matches(field).count(), 1, "{field}: {log}");
        }
    }
}
