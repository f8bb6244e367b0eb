//! Deepgram's streaming recogniser (`/v1/listen`).

mod batch;
mod clock;
mod driver;
mod wire;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use url::Url;

use self::driver::Driver;
use super::{INPUT_CAPACITY, SpeechToText, SttRequest, SttStream};
use crate::{
    config::DeepgramConfig,
    media::frame::SAMPLE_RATE,
    providers::{
        BoxFuture, ProviderError, Vendor,
        socket::{SocketOpener, endpoint},
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
/// Deepgram refuses a stream whose terms have more than 500 tokens together. A token of a name is about three letters; what is
/// over our estimate is left out, because a clinic with many practitioners must not lose its calls.
const KEYTERM_TOKENS: usize = 450;

/// The recogniser: one socket and one task per open stream.
pub struct DeepgramStt {
    pub(super) config: DeepgramConfig,
    pub(super) opener: SocketOpener,
    /// Sound sent without any result after which the stream counts as dead.
    pub(super) stall: Duration,
    pub(super) tasks: TaskTracker,
    pub(super) metrics: Arc<Metrics>,
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
        }
    }

    fn url(&self, request: &SttRequest) -> Url {
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
        // Older models answer 400 to the parameter.
        if self.config.stt_model.starts_with("nova-3") {
            for term in within_limit(&request.keyterms) {
                query.append_pair("keyterm", term);
            }
        }
        drop(query);
        url
    }

    async fn open_stream(&self, request: SttRequest) -> Result<SttStream, ProviderError> {
        let url = self.url(&request);
        let socket = match self.opener.open(&url, &self.config.api_key).await {
            Ok(socket) => socket,
            Err(e) => {
                self.metrics.provider_call(
                    ProviderKind::Stt,
                    Vendor::Deepgram,
                    CallResult(Err(e.fault)),
                );
                return Err(e);
            }
        };
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
        Ok(SttStream { input, events: out })
    }
}

/// The first terms that the vendor takes.
fn within_limit(terms: &[String]) -> impl Iterator<Item = &String> {
    let mut tokens = 0;
    terms.iter().take_while(move |term| {
        tokens += term.chars().count().div_ceil(3).max(1);
        tokens <= KEYTERM_TOKENS
    })
}

impl SpeechToText for DeepgramStt {
    fn open(&self, request: SttRequest) -> BoxFuture<'_, Result<SttStream, ProviderError>> {
        Box::pin(self.open_stream(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clinic_with_very_many_names_still_gets_its_stream() {
        let few = vec!["Dr. Okafor".to_owned(); 20];
        assert_eq!(within_limit(&few).count(), 20);
        let many = vec!["Wolfeschlegelsteinhausenbergerdorff".to_owned(); 200];
        assert_eq!(within_limit(&many).count(), 37);
    }
}
