//! Deepgram's streaming recogniser (`/v1/listen`).

mod batch;
mod clock;
mod driver;
mod terms;
mod wire;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::TaskTracker;
use url::Url;

use self::{driver::Driver, terms::Terms};
use super::{INPUT_CAPACITY, SpeechToText, SttRequest, SttStream};
use crate::{
    config::DeepgramConfig,
    domain::keyterms,
    media::frame::SAMPLE_RATE,
    providers::{
        BoxFuture, Fault, ProviderError, Vendor,
        socket::{Socket, SocketOpener, endpoint},
    },
    telemetry::{
        labels::{CallResult, ProviderKind},
        metrics::Metrics,
    },
};

/// Events that may wait for the call; then the driver stops reading and the vendor waits.
const EVENT_CAPACITY: usize = 64;
/// Deepgram's own advice; shorter values are refused.
const UTTERANCE_END: Duration = Duration::from_secs(1);
/// The recogniser: one socket and one task per open stream.
pub struct DeepgramStt {
    pub(super) config: DeepgramConfig,
    pub(super) opener: SocketOpener,
    /// Sound sent without any result after which the stream counts as dead.
    pub(super) stall: Duration,
    pub(super) tasks: TaskTracker,
    pub(super) metrics: Arc<Metrics>,
    /// Held for a map access, never over an await.
    terms: Mutex<Terms>,
}

impl DeepgramStt {
    /// A recogniser whose streams run on `tasks`.
    pub(in crate::providers) fn new(
        config: &DeepgramConfig,
        opener: SocketOpener,
        stall: Duration,
        tasks: &TaskTracker,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            config: config.clone(),
            opener,
            stall,
            tasks: tasks.clone(),
            metrics: Arc::clone(metrics),
            terms: Mutex::default(),
        }
    }

    fn url(&self, request: &SttRequest, keyterms: &[String]) -> Url {
        let endpointing = request.endpointing.as_millis().to_string();
        let mut url = endpoint(&self.config.base_url, "v1/listen");
        let mut query = url.query_pairs_mut();
        query
            .append_pair("model", &self.config.stt_model)
            .append_pair("language", &self.config.language)
            .append_pair("encoding", "linear16")
            .append_pair("sample_rate", &SAMPLE_RATE.to_string())
            .append_pair("channels", "1")
            .append_pair("interim_results", "true")
            .append_pair("punctuate", "true")
            // Dates and member numbers as figures; `no_delay` keeps formatting from holding a result back.
            .append_pair("smart_format", "true")
            .append_pair("no_delay", "true")
            .append_pair("endpointing", &endpointing)
            .append_pair("utterance_end_ms", &UTTERANCE_END.as_millis().to_string())
            .append_pair("vad_events", "true")
            .append_pair("mip_opt_out", "true");
        for term in keyterms {
            query.append_pair("keyterm", term);
        }
        drop(query);
        url
    }

    async fn open_stream(&self, request: SttRequest) -> Result<SttStream, ProviderError> {
        // Older models answer 400 to the parameter.
        let terms = match self.config.stt_model.starts_with("nova-3") {
            true => keyterms::clean(&request.keyterms),
            false => Vec::new(),
        };
        let offers = self.terms.lock().offers(&terms, Instant::now());
        let mut refused = 0;
        let socket = loop {
            match self.connect(&self.url(&request, &offers[refused])).await {
                Ok(socket) => break socket,
                // It may be the terms: a call without them is better than none.
                Err(e) if e.fault == Fault::BadRequest && refused + 1 < offers.len() => {
                    tracing::warn!(
                        stt.terms = offers[refused].len(),
                        stt.terms_next = offers[refused + 1].len(),
                        "the recogniser refused the stream: again with fewer key terms"
                    );
                    refused += 1;
                }
                Err(e) => return Err(e),
            }
        };
        self.terms
            .lock()
            .learn(&terms, &offers, refused, Instant::now());
        Ok(self.stream(socket))
    }

    async fn connect(&self, url: &Url) -> Result<Socket, ProviderError> {
        let opened = self.opener.open(url, &self.config.api_key).await;
        if let Err(e) = &opened {
            let label = CallResult(Err(e.fault));
            self.metrics
                .provider_call(ProviderKind::Stt, Vendor::Deepgram, label);
        }
        opened
    }

    fn stream(&self, socket: Socket) -> SttStream {
        let (input, inputs) = mpsc::channel(INPUT_CAPACITY);
        let (events, out) = mpsc::channel(EVENT_CAPACITY);
        let driver = Driver::new(
            socket,
            inputs,
            events,
            self.stall,
            Arc::clone(&self.metrics),
        );
        let span = tracing::Span::current();
        self.tasks
            .spawn(tracing::Instrument::instrument(driver.run(), span));
        SttStream { input, events: out }
    }
}

impl SpeechToText for DeepgramStt {
    fn open(&self, request: SttRequest) -> BoxFuture<'_, Result<SttStream, ProviderError>> {
        Box::pin(self.open_stream(request))
    }
}
