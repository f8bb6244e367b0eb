//! Simulators of the paid services, outside the product and reached by changing a `base_url`.
//!
//! They speak the vendors' wire protocols over plain HTTP and WebSocket: Deepgram `/v1/listen` and `/v1/speak` on one
//! listener, OpenAI `/v1/chat/completions` and its Azure form on another. What they answer is not scripted per call:
//! the recogniser hears ([`hear`]), the synthesiser speaks, and the language model decides from the messages that it was
//! sent. Delays are random with given quantiles ([`delay`]), trouble comes on order ([`fault`]), and what was seen can
//! be read back ([`state`]), from Rust through [`SimHandle`] or over HTTP: `POST`/`DELETE /_control/faults`,
//! `GET /_control/state`.

pub mod config;
mod control;
mod deepgram;
pub mod delay;
pub mod fault;
pub mod hear;
pub mod hostile;
mod openai;
pub mod state;
mod streaming;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::TcpListener;

pub use self::{
    config::SimConfig,
    fault::{Fault, FaultKind, Service, Target},
    state::StateSnapshot,
};
use self::{
    hear::{Corpus, Recogniser, corpus::CorpusError},
    state::Shared,
};
use crate::speech::{Flite, SpeechError};

/// How long open streams get to end at a shutdown.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// Where the simulators listen. Bind port 0 for a free one.
#[derive(Debug)]
pub struct SimListeners {
    /// Deepgram.
    pub deepgram: TcpListener,
    /// OpenAI and Azure OpenAI.
    pub openai: TcpListener,
}

impl SimListeners {
    /// Two free ports on the loopback interface.
    ///
    /// # Errors
    /// What the system says.
    pub async fn loopback() -> std::io::Result<Self> {
        Ok(Self {
            deepgram: TcpListener::bind(("127.0.0.1", 0)).await?,
            openai: TcpListener::bind(("127.0.0.1", 0)).await?,
        })
    }
}

/// Why the simulators cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The corpus is missing or wrong.
    #[error("load the corpus")]
    Corpus(#[from] CorpusError),
    /// The corpus could not be spoken.
    #[error("synthesise the corpus")]
    Speech(#[from] SpeechError),
    /// A listener has no address.
    #[error("read a listener's address")]
    Listener(#[from] std::io::Error),
}

/// Running simulators. They stop when it is dropped.
#[derive(Debug)]
pub struct SimHandle {
    shared: Arc<Shared>,
    deepgram: SocketAddr,
    openai: SocketAddr,
}

/// Starts the simulators: learns the corpus (seconds the first time, then cached), then serves until the handle is
/// dropped or shut down.
///
/// # Errors
/// [`SimError`]; without `flite` it says `run make setup`.
pub async fn serve(config: SimConfig, listeners: SimListeners) -> Result<SimHandle, SimError> {
    let corpus = match &config.corpus {
        Some(path) => Corpus::load(path)?,
        None => Corpus::bundled()?,
    };
    let flite = Flite::new(&config.flite_cache)?;
    let recogniser = Recogniser::build(&corpus, &flite).await?;
    let handle = SimHandle {
        shared: Arc::new(Shared::new(config, flite, recogniser)),
        deepgram: listeners.deepgram.local_addr()?,
        openai: listeners.openai.local_addr()?,
    };
    handle.spawn(listeners.deepgram, deepgram::router(handle.shared.clone()));
    handle.spawn(listeners.openai, openai::router(handle.shared.clone()));
    Ok(handle)
}

impl SimHandle {
    fn spawn(&self, listener: TcpListener, router: Router) {
        let router = router.merge(control::router(self.shared.clone()));
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn(async move {
            let server =
                axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = server.await {
                tracing::error!(%error, "simulator server failed");
            }
        });
    }

    /// Where Deepgram is served; `http://` and `ws://` both work.
    #[must_use]
    pub fn deepgram_addr(&self) -> SocketAddr {
        self.deepgram
    }

    /// Where OpenAI and Azure OpenAI are served.
    #[must_use]
    pub fn openai_addr(&self) -> SocketAddr {
        self.openai
    }

    /// What they were started with.
    #[must_use]
    pub fn config(&self) -> &SimConfig {
        &self.shared.config
    }

    /// Orders trouble.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Takes back all trouble that has not happened yet.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// What was seen so far.
    #[must_use]
    pub fn state(&self) -> StateSnapshot {
        self.shared.snapshot()
    }

    /// Stops serving and waits, at most some seconds, for open streams to end.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(SHUTDOWN_DEADLINE, self.shared.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("simulator streams did not end in time");
        }
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
