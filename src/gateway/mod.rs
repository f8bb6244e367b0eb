//! The webhook side: Twilio's calls come in, LiveKit reports on rooms.
//!
//! 1. [`twilio::voice`] — `POST /voice`: signature, tenant by dialled number ([`directory`]), admission ([`crate::dispatch`]), TwiML to the agent's room.
//!    A call by an elastic trunk is in its room already when LiveKit tells of it: [`trunk`] admits it.
//! 2. [`twilio::status`], [`livekit`] — progress of the SIP leg and of the room.
//! 3. [`twilio::after`] — the leg has ended: hang up, connect with a person, or fall back.
//!    [`twilio::briefing`] — a person picked up, and is told what it is about. [`twilio::transfer`] — what became of it; who was not taken comes back to an agent.

mod admission;
mod caller_id;
pub mod directory;
pub mod error;
mod health;
mod livekit;
pub mod sweep;
mod trace;
pub mod trunk;
pub mod twilio;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use livekit_api::{access_token::TokenVerifier, webhooks::WebhookReceiver};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::{directory::Directory, twilio::signature::Verifier};
use crate::{
    config::{Config, LiveKitConfig},
    dispatch::Dispatcher,
    domain::placement::ProjectName,
    storage::{postgres::Db, redis::Store},
    telemetry::metrics::Metrics,
};

/// What the handlers need.
pub struct Gateway {
    public_url: Url,
    voice_deadline: Duration,
    dial_timeout_secs: u64,
    /// Seconds that an agent's leg may last.
    leg_limit_secs: u64,
    max_body_bytes: usize,
    projects: BTreeMap<ProjectName, Project>,
    verifier: Verifier,
    db: Db,
    directory: Directory,
    dispatcher: Dispatcher,
    store: Store,
    metrics: Arc<Metrics>,
    drain: CancellationToken,
}

/// A LiveKit project.
struct Project {
    /// Where its SIP gateway is.
    livekit: LiveKitConfig,
    /// Believes what is signed with its key.
    webhooks: WebhookReceiver,
}

impl Project {
    fn new(livekit: LiveKitConfig) -> Self {
        let verifier = TokenVerifier::with_api_key(&livekit.api_key, livekit.api_secret.expose());
        Self {
            livekit,
            webhooks: WebhookReceiver::new(verifier),
        }
    }
}

/// What a gateway is made of, beside its configuration.
#[derive(Clone)]
pub struct Parts {
    /// Redis.
    pub store: Store,
    /// Postgres.
    pub db: Db,
    /// Admission and the queue.
    pub dispatcher: Dispatcher,
    /// The catalogue.
    pub metrics: Arc<Metrics>,
    /// Cancelled when nothing new should come.
    pub drain: CancellationToken,
}

impl Gateway {
    /// A gateway over its parts.
    #[must_use]
    pub fn new(config: &Config, parts: Parts) -> Self {
        let projects = config.livekit.all_projects().into_iter();
        Self {
            public_url: config.gateway.public_url.clone(),
            voice_deadline: Duration::from_millis(config.gateway.voice_deadline_ms),
            dial_timeout_secs: config.gateway.dial_timeout_secs,
            leg_limit_secs: config.worker.max_call_secs + FAREWELL_SECS,
            max_body_bytes: config.gateway.max_body_bytes,
            verifier: Verifier::new(&config.twilio.auth_tokens),
            projects: projects
                .map(|(name, livekit)| (name, Project::new(livekit)))
                .collect(),
            directory: Directory::new(parts.db.clone()),
            db: parts.db,
            dispatcher: parts.dispatcher,
            store: parts.store,
            metrics: parts.metrics,
            drain: parts.drain,
        }
    }
}

/// Seconds for the last words of a call that has reached its longest duration.
const FAREWELL_SECS: u64 = 90;
/// Time in which load balancers learn that we are not ready, before the listener closes.
const DRAIN_GRACE: Duration = Duration::from_secs(2);

/// Serves until `drain`, then finishes what runs.
///
/// # Errors
/// The listener broke.
pub async fn serve(listener: TcpListener, gateway: Arc<Gateway>) -> std::io::Result<()> {
    let drain = gateway.drain.clone();
    let stop = async move {
        drain.cancelled().await;
        tokio::time::sleep(DRAIN_GRACE).await;
    };
    axum::serve(listener, router(gateway))
        .with_graceful_shutdown(stop)
        .await
}

fn router(gateway: Arc<Gateway>) -> Router {
    let limit = DefaultBodyLimit::max(gateway.max_body_bytes);
    Router::new()
        .route("/voice", post(twilio::voice::voice))
        .route("/twilio/dial-done", post(twilio::after::dial_done))
        .route("/twilio/person-done", post(twilio::transfer::person_done))
        .route("/twilio/whisper", post(twilio::briefing::whisper))
        .route("/twilio/sip-status", post(twilio::status::sip_status))
        .route("/twilio/call-status", post(twilio::status::call_status))
        .route("/livekit/webhook", post(livekit::webhook))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .layer(limit)
        .layer(middleware::from_fn(trace::request))
        .with_state(gateway)
}
