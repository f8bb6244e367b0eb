//! LiveKit's server API, as far as calls need it. Each request has `livekit.api_timeout_ms`.

use std::{sync::Arc, time::Duration};

use livekit_api::services::{
    LiveKitApi, ServerError, ServerErrorCode, ServiceError, SipCallError, room::CreateRoomOptions,
    sip::TransferSIPParticipantOptions,
};
use livekit_protocol::{CreateAgentDispatchRequest, ParticipantInfo, participant_info::Kind};
use url::Url;

use crate::{
    config::LiveKitConfig,
    domain::{e164::E164, ids::RoomName, job::JobMetadata},
};

/// For LiveKit to say that nobody answered.
const SLACK: Duration = Duration::from_secs(3);

/// Pauses before the tries to end a room.
const DELETE_PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// A request to LiveKit that did not work.
#[derive(Debug, thiserror::Error)]
pub enum RoomsError {
    /// No answer in time; it may yet have worked.
    #[error("livekit did not answer in time")]
    Deadline,
    /// It cannot be reached, or refused.
    #[error("livekit is unavailable")]
    Unavailable(#[source] ServiceError),
    /// The telephone network refused, with this status of SIP.
    #[error("the sip network answered {0}")]
    Sip(u16),
    /// There is no caller in the room.
    #[error("no caller is in the room")]
    NoCaller,
}

/// Rooms and dispatches of one project. A cheap clone.
#[derive(Clone, Debug)]
pub struct Rooms {
    api: Arc<LiveKitApi>,
    url: Url,
    timeouts: CreateRoomOptions,
    deadline: Duration,
}

impl Rooms {
    /// A client of the configured server; connects on the first request.
    #[must_use]
    pub fn new(config: &LiveKitConfig) -> Self {
        let deadline = Duration::from_millis(config.api_timeout_ms);
        let api = LiveKitApi::with_api_key(
            config.url.as_str(),
            &config.api_key,
            config.api_secret.expose(),
        );
        Self {
            api: Arc::new(api.with_request_timeout(deadline)),
            url: config.url.clone(),
            timeouts: CreateRoomOptions {
                empty_timeout: seconds(config.room_empty_timeout_secs),
                departure_timeout: seconds(config.room_departure_timeout_secs),
                ..CreateRoomOptions::default()
            },
            deadline,
        }
    }

    /// Where participants join.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Makes the room with its timeouts, or leaves it as it is. Agents are not asked for here: LiveKit ignores them when the SIP leg was faster.
    ///
    /// # Errors
    /// [`RoomsError`]; asking again is safe.
    pub async fn create(&self, room: &RoomName) -> Result<(), RoomsError> {
        let rooms = self.api.room();
        self.within_deadline(rooms.create_room(room.as_str(), self.timeouts.clone()))
            .await
            .map(drop)
    }

    /// Asks LiveKit to give the call to a worker of this name. LiveKit says yes even if there is none.
    ///
    /// # Errors
    /// [`RoomsError`]; asking again is safe: workers claim the call.
    pub async fn dispatch(
        &self,
        room: &RoomName,
        agent_name: &str,
        job: JobMetadata,
    ) -> Result<(), RoomsError> {
        let request = CreateAgentDispatchRequest {
            agent_name: agent_name.to_owned(),
            room: room.as_str().to_owned(),
            metadata: job.to_json(),
            ..CreateAgentDispatchRequest::default()
        };
        let agents = self.api.agent_dispatch();
        self.within_deadline(agents.create_dispatch(request))
            .await
            .map(drop)
    }

    /// Ends the room: everybody in it is put out, the SIP leg ends. A room that is gone is fine.
    ///
    /// # Errors
    /// [`RoomsError`]; asking again is safe.
    pub async fn delete(&self, room: &RoomName) -> Result<(), RoomsError> {
        let rooms = self.api.room();
        match self.within_deadline(rooms.delete_room(room.as_str())).await {
            Err(RoomsError::Unavailable(error)) if is_not_found(&error) => Ok(()),
            result => result,
        }
    }

    /// Ends the room as [`Rooms::delete`] does, with some patience; where that does not help, the next sweep ends it, or Twilio's time limit the leg.
    pub async fn end(&self, room: &RoomName) {
        for pause in DELETE_PAUSES {
            tokio::time::sleep(pause).await;
            match self.delete(room).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the room is not ended yet"
                ),
            }
        }
    }

    /// Puts a participant out. One that is gone is fine.
    ///
    /// # Errors
    /// [`RoomsError`]; asking again is safe.
    pub async fn remove(&self, room: &RoomName, identity: &str) -> Result<(), RoomsError> {
        let rooms = self.api.room();
        match self
            .within_deadline(rooms.remove_participant(room.as_str(), identity))
            .await
        {
            Err(RoomsError::Unavailable(error)) if is_not_found(&error) => Ok(()),
            result => result,
        }
    }

    /// The rooms that have a name of ours.
    ///
    /// # Errors
    /// [`RoomsError`].
    pub async fn ours(&self) -> Result<Vec<RoomName>, RoomsError> {
        let rooms = self.api.room();
        let all = self.within_deadline(rooms.list_rooms(Vec::new())).await?;
        let names = all.iter().filter_map(|room| room.name.parse().ok());
        Ok(names.collect())
    }

    /// Who is in a room; nobody in one that is gone.
    ///
    /// # Errors
    /// [`RoomsError`].
    pub async fn participants(&self, room: &RoomName) -> Result<Vec<ParticipantInfo>, RoomsError> {
        let rooms = self.api.room();
        let asked = rooms.list_participants(room.as_str());
        match self.within_deadline(asked).await {
            Err(RoomsError::Unavailable(error)) if is_not_found(&error) => Ok(Vec::new()),
            result => result,
        }
    }

    /// Has the caller's network connect the caller with a number (a REFER): waits until somebody there answers. Then the caller leaves the room.
    ///
    /// # Errors
    /// [`RoomsError::Deadline`] if nobody answers within `rings`, [`RoomsError::Sip`] if the network refuses. Then the caller is still in the room.
    pub async fn refer_caller(
        &self,
        room: &RoomName,
        to: &E164,
        rings: Duration,
    ) -> Result<(), RoomsError> {
        let everybody = self.participants(room).await?;
        let caller = everybody.into_iter().find(|who| who.kind() == Kind::Sip);
        let caller = caller.ok_or(RoomsError::NoCaller)?;
        let options = TransferSIPParticipantOptions {
            play_dialtone: Some(true),
            ringing_timeout: Some(rings),
            ..TransferSIPParticipantOptions::default()
        };
        let to = format!("tel:{}", to.as_str());
        let asked = self.api.sip().transfer_sip_participant(
            room.as_str().to_owned(),
            caller.identity,
            to,
            options,
        );
        match tokio::time::timeout(rings + SLACK, asked).await {
            Err(_) => Err(RoomsError::Deadline),
            Ok(Err(error)) => Err(refusal(error)),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Over the client's own timeout, which is per attempt: on LiveKit Cloud it tries several regions.
    async fn within_deadline<T>(
        &self,
        request: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, RoomsError> {
        match tokio::time::timeout(self.deadline, request).await {
            Ok(result) => result.map_err(RoomsError::Unavailable),
            Err(_) => Err(RoomsError::Deadline),
        }
    }
}

/// Why a REFER came to nothing. LiveKit passes on what the network said, be it to the REFER or of the call that it asked for.
fn refusal(error: ServiceError) -> RoomsError {
    let status = SipCallError::from_error(&error).and_then(|sip| sip.sip_status_code());
    match status.and_then(|status| u16::try_from(status).ok()) {
        Some(status) => RoomsError::Sip(status),
        None if is_late(&error) => RoomsError::Deadline,
        None => RoomsError::Unavailable(error),
    }
}

fn is_late(error: &ServiceError) -> bool {
    match error {
        ServiceError::Twirp(ServerError::Twirp(reply)) => {
            reply.code == ServerErrorCode::DEADLINE_EXCEEDED
        }
        ServiceError::Twirp(ServerError::Request(error)) => error.is_timeout(),
        _ => false,
    }
}

fn is_not_found(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Twirp(ServerError::Twirp(reply)) if reply.code == ServerErrorCode::NOT_FOUND)
}

fn seconds(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
