//! Deepgram's streaming synthesiser, Aura (`/v1/speak`).

mod driver;
mod flushes;
mod pcm;
mod wire;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use url::Url;

use self::driver::Driver;
use super::{TextToSpeech, TtsRequest, TtsStream};
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

/// Both ways; then the sender waits.
const CAPACITY: usize = 64;

/// The synthesiser: one socket and one task per open stream.
pub struct DeepgramTts {
    config: DeepgramConfig,
    opener: SocketOpener,
    first_byte: Duration,
    tasks: TaskTracker,
    metrics: Arc<Metrics>,
}

impl DeepgramTts {
    /// A synthesiser whose streams run on `tasks` and fail after `first_byte` of silence while sound is owed.
    pub(in crate::providers) fn new(
        config: &DeepgramConfig,
        opener: SocketOpener,
        first_byte: Duration,
        tasks: &TaskTracker,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            config: config.clone(),
            opener,
            first_byte,
            tasks: tasks.clone(),
            metrics: Arc::clone(metrics),
        }
    }

    fn url(&self, request: &TtsRequest) -> Url {
        let voice = request.voice.as_deref().unwrap_or(&self.config.tts_model);
        let mut url = endpoint(&self.config.base_url, "v1/speak");
        url.query_pairs_mut()
            .append_pair("model", voice)
            .append_pair("encoding", "linear16")
            .append_pair("sample_rate", &SAMPLE_RATE.to_string())
            .append_pair("mip_opt_out", "true");
        url
    }

    async fn open_stream(&self, request: TtsRequest) -> Result<TtsStream, ProviderError> {
        let url = self.url(&request);
        let socket = match self.opener.open(&url, &self.config.api_key).await {
            Ok(socket) => socket,
            Err(e) => {
                self.metrics.provider_call(
                    ProviderKind::Tts,
                    Vendor::Deepgram,
                    CallResult(Err(e.fault)),
                );
                return Err(e);
            }
        };
        let (input, inputs) = mpsc::channel(CAPACITY);
        let (events, out) = mpsc::channel(CAPACITY);
        let driver = Driver::new(
            socket,
            inputs,
            events,
            self.first_byte,
            Arc::clone(&self.metrics),
        );
        let span = tracing::Span::current();
        self.tasks
            .spawn(tracing::Instrument::instrument(driver.run(), span));
        Ok(TtsStream { input, events: out })
    }
}

impl TextToSpeech for DeepgramTts {
    fn open(&self, request: TtsRequest) -> BoxFuture<'_, Result<TtsStream, ProviderError>> {
        Box::pin(self.open_stream(request))
    }
}
