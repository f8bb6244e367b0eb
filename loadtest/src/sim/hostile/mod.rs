//! Vendors that mean harm: a language model that calls any tool with any arguments, says anything and speaks any dialect of the protocol.
//!
//! Each conversation has vendors of its own below `/{seed}`, over the real protocols: OpenAI's chat completions (and Azure's form) and Deepgram's two
//! websockets. All that the model does follows from the seed and the number of the request. Recogniser and synthesiser are honest and
//! instant: what the caller says is given to [`Line::hear`], and what the agent says is in [`Line::said`]; a word sounds for 20 ms.

mod arguments;
mod dialect;
mod ears;
mod improvise;
mod line;
mod machine;
mod model;
pub mod repertoire;
mod view;

use std::{collections::HashMap, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    routing::{get, post},
};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::line::{Line, Role, Said};

/// The conversations by their seed.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<u64, Arc<Line>>>>);

impl Lines {
    fn get(&self, seed: u64) -> Option<Arc<Line>> {
        self.0.lock().get(&seed).cloned()
    }
}

/// Running vendors; they stop when it is dropped.
pub struct HostileVendors {
    addr: SocketAddr,
    lines: Lines,
    _stop: DropGuard,
}

impl HostileVendors {
    /// On a free port.
    ///
    /// # Errors
    /// What the system says.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let (lines, stop) = (Lines::default(), CancellationToken::new());
        let (router, stopped) = (router(lines.clone()), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                served = axum::serve(listener, router) => if let Err(error) = served {
                    tracing::error!(%error, "the hostile vendors failed");
                },
                () = stopped.cancelled() => {}
            }
        });
        Ok(Self {
            addr,
            lines,
            _stop: stop.drop_guard(),
        })
    }

    /// Where they are.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Opens a conversation's vendors.
    #[must_use]
    pub fn enrol(&self, role: Role) -> Arc<Line> {
        let line = Arc::new(Line::new(role));
        let mut lines = self.lines.0.lock();
        lines.insert(line.role.seed, Arc::clone(&line));
        line
    }

    /// Forgets a conversation.
    pub fn dismiss(&self, seed: u64) {
        self.lines.0.lock().remove(&seed);
    }
}

fn router(lines: Lines) -> Router {
    Router::new()
        .route("/{seed}/v1/chat/completions", post(model::openai))
        .route(
            "/{seed}/openai/deployments/{deployment}/chat/completions",
            post(model::azure),
        )
        .route("/{seed}/v1/listen", get(ears::listen))
        .route("/{seed}/v1/speak", get(ears::speak))
        .with_state(lines)
}
