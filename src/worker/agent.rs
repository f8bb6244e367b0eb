//! The worker's websocket to a LiveKit project: connects, registers, reports, reconnects. The rules are in [`super::registration`].

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use livekit_api::access_token::{AccessToken, AccessTokenError, VideoGrants};
use livekit_protocol::{JobStatus, ServerMessage, WorkerMessage};
use prost::Message as _;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

use super::{
    calls::RunningCalls,
    registered::Registered,
    registration::{Action, Assignment, JobReport, Link, Registration, job_status},
    slots::Slots,
};
use crate::{config::LiveKitConfig, domain::placement::ProjectName};

/// Time for the handshake and for the server's confirmation.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// A socket that brings nothing for so long is dead; the server answers our pings.
const SILENCE_LIMIT: Duration = Duration::from_secs(20);
/// Between pings.
const PING_EVERY: Duration = Duration::from_secs(5);
/// Longest wait between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// Validity of the registration token; a fresh one is signed for each attempt.
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// Job states on their way to the server: at most so many wait; a call's end waits for room.
const OUTBOX_CAPACITY: usize = 256;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("sign the worker token")]
    Token(#[from] AccessTokenError),
    #[error("agent socket")]
    Socket(#[from] Box<tungstenite::Error>),
    #[error("no answer from the server")]
    Silent,
    #[error("the server closed the socket")]
    Closed,
    #[error("malformed server message")]
    Decode(#[from] prost::DecodeError),
}

impl From<tungstenite::Error> for LinkError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

/// What the links of a pod share; a cheap clone.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The name that the pod registers under.
    pub agent_name: String,
    /// Time between status reports.
    pub status_every: Duration,
    /// The pod's slots, whichever project takes them.
    pub slots: Slots,
    /// Takes the jobs that are assigned.
    pub started: mpsc::Sender<Assignment>,
    /// Which links stand.
    pub registered: Registered,
}

/// The worker side of one LiveKit project's dispatch.
#[derive(Debug)]
pub struct Agent {
    livekit: LiveKitConfig,
    shared: Shared,
    link: Link,
    reports: mpsc::Receiver<JobReport>,
    birth: Instant,
}

/// How the event loop of one connection ended.
enum LinkEnd {
    Drained,
    Reconnect,
}

impl Agent {
    /// An unconnected agent.
    #[must_use]
    pub fn new(project: ProjectName, livekit: LiveKitConfig, shared: Shared) -> Self {
        let (outbox, reports) = mpsc::channel(OUTBOX_CAPACITY);
        let link = Link {
            project,
            calls: RunningCalls::default(),
            outbox,
        };
        Self {
            livekit,
            shared,
            link,
            reports,
            birth: Instant::now(),
        }
    }

    /// Stays registered until the pod has drained: slots that drain turn the status to FULL, `done` (all calls ended) closes the socket.
    pub async fn run(mut self, done: CancellationToken) {
        let mut attempt = 0;
        while !done.is_cancelled() {
            match self.connected(&done, &mut attempt).await {
                Ok(LinkEnd::Drained) => break,
                Ok(LinkEnd::Reconnect) => {
                    tracing::info!("livekit asked the worker to register again")
                }
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    livekit.project = %self.link.project,
                    attempt,
                    "agent link down"
                ),
            }
            self.note_registered(false);
            attempt += 1;
            tokio::select! {
                () = sleep(backoff(attempt)) => {}
                () = done.cancelled() => {}
            }
        }
        self.note_registered(false);
    }

    fn note_registered(&self, yes: bool) {
        self.shared.registered.set(&self.link.project, yes);
    }

    /// One connection, from the handshake to its end.
    async fn connected(
        &mut self,
        done: &CancellationToken,
        attempt: &mut u32,
    ) -> Result<LinkEnd, LinkError> {
        let Shared {
            agent_name, slots, ..
        } = &self.shared;
        let mut registration = Registration::new(agent_name, slots.clone(), self.link.clone());
        let mut socket = timeout(CONNECT_DEADLINE, connect(&self.livekit))
            .await
            .map_err(|_| LinkError::Silent)??;
        send(&mut socket, &registration.register()).await?;
        self.announce_running(&mut socket).await?;
        let mut status = interval(self.shared.status_every);
        let mut ping = interval(PING_EVERY);
        status.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut slots = self.shared.slots.changes();
        loop {
            tokio::select! {
                frame = socket.next() => {
                    heard = Instant::now();
                    match self.on_frame(frame, &mut registration, &mut socket, attempt).await? {
                        Some(end) => return Ok(end),
                        None => continue,
                    }
                }
                Some(report) = self.reports.recv() => {
                    send(&mut socket, &job_status(&report.job, report.status, report.error)).await?;
                }
                // Also what other projects' calls take, and that the pod drains: the server is told at once.
                _ = slots.changed() => send(&mut socket, &registration.status()).await?,
                _ = status.tick() => {
                    registration.expire(self.birth.elapsed());
                    send(&mut socket, &registration.status()).await?;
                }
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE_LIMIT {
                        return Err(LinkError::Silent);
                    }
                    socket.send(Message::Ping(tungstenite::Bytes::new())).await?;
                }
                () = done.cancelled() => {
                    let closed = timeout(Duration::from_secs(1), socket.close(None)).await;
                    tracing::debug!(clean = matches!(closed, Ok(Ok(()))), "agent socket closed");
                    return Ok(LinkEnd::Drained);
                }
            }
        }
    }

    /// After a reconnect the server is told which jobs still run.
    async fn announce_running(&self, socket: &mut Socket) -> Result<(), LinkError> {
        for job in self.link.calls.jobs() {
            send(socket, &job_status(&job, JobStatus::JsRunning, "")).await?;
        }
        Ok(())
    }

    async fn on_frame(
        &mut self,
        frame: Option<Result<Message, tungstenite::Error>>,
        registration: &mut Registration,
        socket: &mut Socket,
        attempt: &mut u32,
    ) -> Result<Option<LinkEnd>, LinkError> {
        let bytes = match frame.ok_or(LinkError::Closed)?? {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return Err(LinkError::Closed),
            _ => return Ok(None),
        };
        let Some(message) = ServerMessage::decode(bytes)?.message else {
            return Ok(None);
        };
        for action in registration.handle(self.birth.elapsed(), message) {
            match action {
                Action::Send(message) => send(socket, &message).await?,
                Action::Registered => {
                    *attempt = 0;
                    self.note_registered(true);
                    tracing::info!(livekit.project = %self.link.project, slots.free = self.shared.slots.free(), "registered with livekit");
                }
                Action::Start(assignment) => self.start(*assignment).await,
                Action::Terminate(job) => self.link.calls.terminate(&job),
                Action::Reconnect => return Ok(Some(LinkEnd::Reconnect)),
            }
        }
        Ok(None)
    }

    async fn start(&self, assignment: Assignment) {
        if let Err(refused) = self.shared.started.send(assignment).await {
            tracing::error!(
                job = refused.0.job.as_str(),
                "assignment after the pod's end"
            );
        }
    }
}

/// Doubles from 0.25 s to [`MAX_BACKOFF`].
fn backoff(attempt: u32) -> Duration {
    MAX_BACKOFF.min(Duration::from_millis(125) * 2u32.saturating_pow(attempt.min(10)))
}

async fn connect(livekit: &LiveKitConfig) -> Result<Socket, LinkError> {
    let grants = VideoGrants {
        agent: true,
        ..Default::default()
    };
    let token = AccessToken::with_api_key(&livekit.api_key, livekit.api_secret.expose())
        .with_grants(grants)
        .with_ttl(TOKEN_TTL)
        .to_jwt()?;
    let url = format!(
        "{}/agent?protocol=1",
        livekit.url.as_str().trim_end_matches('/')
    );
    let mut request = url.into_client_request()?;
    let bearer = format!("Bearer {token}")
        .parse()
        .map_err(tungstenite::http::Error::from)
        .map_err(tungstenite::Error::from)?;
    request.headers_mut().insert("Authorization", bearer);
    let (socket, _) = connect_async(request).await?;
    Ok(socket)
}

async fn send(socket: &mut Socket, message: &WorkerMessage) -> Result<(), LinkError> {
    Ok(socket
        .send(Message::Binary(message.encode_to_vec().into()))
        .await?)
}
