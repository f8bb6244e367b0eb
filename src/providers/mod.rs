//! The paid senses: hearing, thinking, speaking, and the free one: noticing that somebody speaks. One trait per paid kind, one
//! file or folder per vendor; all stream. [`Providers::build`] composes them; retries are decided in [`fallback`] alone.

pub mod error;
pub mod fallback;
pub mod llm;
mod outbox;
pub mod retry_after;
mod socket;
pub mod stt;
mod tls;
pub mod transport;
pub mod tts;
pub mod vad;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio_util::task::TaskTracker;

pub use self::error::{Fault, ProviderError, Vendor};
use self::{
    fallback::{model::ModelChain, open::Patient},
    llm::{LanguageModel, azure::Azure, chat::ChatShared, openai::OpenAi},
    socket::SocketOpener,
    stt::{SpeechToText, deepgram::DeepgramStt},
    tts::{TextToSpeech, deepgram::DeepgramTts},
    vad::{VadEngine, VadError},
};
use crate::{
    config::{LlmVendor, ProvidersConfig},
    telemetry::metrics::Metrics,
};

/// A future behind a vendor trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// All of a pod's providers, shared by its calls.
#[derive(Clone)]
pub struct Providers {
    /// Hears.
    pub stt: Arc<dyn SpeechToText>,
    /// Thinks.
    pub llm: Arc<dyn LanguageModel>,
    /// Speaks.
    pub tts: Arc<dyn TextToSpeech>,
    /// Notices speech.
    pub vad: Arc<VadEngine>,
}

/// The providers cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The crypto library does not fit rustls.
    #[error("set up tls")]
    Tls(#[from] rustls::Error),
    /// The HTTP client was refused its settings.
    #[error("set up the http client")]
    Http(#[from] reqwest::Error),
    /// An API key has characters that no header may have.
    #[error("use the api key of a language model")]
    Key(#[from] http::header::InvalidHeaderValue),
    /// The voice-activity engine did not start.
    #[error(transparent)]
    Vad(#[from] VadError),
}

impl Providers {
    /// Connects nothing yet. Streams run as tasks on `tasks`; the voice-activity engine on threads of its own.
    ///
    /// # Errors
    /// [`BuildError`]: the configuration cannot work.
    pub fn build(
        config: &ProvidersConfig,
        vad_threads: usize,
        tasks: &TaskTracker,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, BuildError> {
        let connect = Duration::from_millis(config.connect_timeout_ms);
        let opener = SocketOpener {
            vendor: Vendor::Deepgram,
            tls: Arc::new(tls::client_config(&[b"http/1.1"])?),
            // One that hangs leaves time for another.
            deadline: connect / 2,
        };
        let stall = Duration::from_millis(config.stt_stall_timeout_ms);
        let stt = DeepgramStt::new(&config.deepgram, opener.clone(), stall, tasks, metrics);
        let first_byte = Duration::from_millis(config.tts_first_byte_timeout_ms);
        let tts = DeepgramTts::new(&config.deepgram, opener, first_byte, tasks, metrics);
        let (library, model) = (&config.onnxruntime, &config.silero_model);
        Ok(Self {
            stt: Arc::new(Patient::new(stt, Vendor::Deepgram, connect)),
            llm: Arc::new(model_chain(config, tasks, metrics)?),
            tts: Arc::new(Patient::new(tts, Vendor::Deepgram, connect)),
            vad: Arc::new(VadEngine::start(library, model, vad_threads, metrics)?),
        })
    }
}

fn model_chain(
    config: &ProvidersConfig,
    tasks: &TaskTracker,
    metrics: &Arc<Metrics>,
) -> Result<ModelChain, BuildError> {
    let shared = ChatShared {
        http: http_client(config)?,
        patience: Duration::from_millis(config.llm_first_token_timeout_ms),
        tasks: tasks.clone(),
        metrics: Arc::clone(metrics),
    };
    let mut models: Vec<Box<dyn LanguageModel>> = Vec::new();
    for vendor in &config.llm {
        let shared = shared.clone();
        models.push(match vendor {
            LlmVendor::OpenAi => Box::new(OpenAi::new(&config.openai, shared)?),
            LlmVendor::Azure => Box::new(Azure::new(&config.azure, shared)?),
        });
    }
    let patience = Duration::from_millis(config.llm_total_timeout_ms);
    Ok(ModelChain::new(models, patience, tasks, metrics))
}

/// One pool for all calls. Connections are kept and probed while idle, so that a turn does not pay for a handshake.
fn http_client(config: &ProvidersConfig) -> Result<reqwest::Client, BuildError> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(&[b"h2", b"http/1.1"])?)
        // A redirect would carry the conversation and the key to where nobody meant them to go.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .pool_idle_timeout(Duration::from_secs(300))
        .tcp_keepalive(Duration::from_secs(30))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(5))
        .http2_keep_alive_while_idle(true)
        .build()?;
    Ok(client)
}
