//! A worker reduced to its socket: registers, and says which jobs it is offered.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use livekit_api::access_token::{AccessToken, VideoGrants};
use livekit_protocol::{
    AvailabilityRequest, JobType, RegisterWorkerRequest, ServerMessage, WorkerMessage,
    server_message, worker_message,
};
use loadtest::stack::LiveKit;
use neurality::domain::job::JobMetadata;
use prost::Message as _;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

pub(crate) struct Agent {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// A job as it was offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) room: String,
    pub(crate) metadata: Option<JobMetadata>,
}

impl Agent {
    pub(crate) async fn register(livekit: &LiveKit, name: &str) -> Self {
        let grants = VideoGrants {
            agent: true,
            ..VideoGrants::default()
        };
        let token =
            AccessToken::with_api_key(livekit.api_key(), livekit.api_secret()).with_grants(grants);
        let mut request = format!("{}/agent", livekit.ws_url())
            .into_client_request()
            .expect("request");
        let bearer = format!("Bearer {}", token.to_jwt().expect("token"));
        request
            .headers_mut()
            .insert("authorization", bearer.parse().expect("header"));
        let (socket, _) = connect_async(request).await.expect("agent socket");
        let mut agent = Self { socket };
        agent
            .send(worker_message::Message::Register(RegisterWorkerRequest {
                r#type: JobType::JtRoom as i32,
                agent_name: name.to_owned(),
                version: "test".to_owned(),
                ..RegisterWorkerRequest::default()
            }))
            .await;
        let first = agent.next(Duration::from_secs(20)).await;
        assert!(
            matches!(first, Some(server_message::Message::Register(_))),
            "{first:?}"
        );
        agent
    }

    /// The next job that is offered within `patience`. It is not answered, as by a worker that hangs.
    pub(crate) async fn offer(&mut self, patience: Duration) -> Option<Offer> {
        loop {
            match self.next(patience).await? {
                server_message::Message::Availability(AvailabilityRequest {
                    job: Some(job),
                    ..
                }) => {
                    let room = job.room.map(|room| room.name).unwrap_or_default();
                    return Some(Offer {
                        room,
                        metadata: JobMetadata::from_json(&job.metadata),
                    });
                }
                _ => continue,
            }
        }
    }

    async fn send(&mut self, message: worker_message::Message) {
        let bytes = WorkerMessage {
            message: Some(message),
        }
        .encode_to_vec();
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .expect("send");
    }

    async fn next(&mut self, patience: Duration) -> Option<server_message::Message> {
        let frame = tokio::time::timeout(patience, self.socket.next())
            .await
            .ok()??
            .ok()?;
        let Message::Binary(bytes) = frame else {
            return None;
        };
        ServerMessage::decode(bytes)
            .expect("a server message")
            .message
    }
}
