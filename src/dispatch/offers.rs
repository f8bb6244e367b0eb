//! What a decision on a call does at LiveKit: a room with a dispatch, or the room's end.

use std::time::Duration;

use tracing::Instrument;

use super::{Dispatcher, Rooms, wall_clock};
use crate::{
    domain::{
        call::CallPhase,
        ids::{CallId, RoomName, TenantId},
        job::JobMetadata,
        placement::{Placement, ProjectName},
    },
    storage::redis::Offer,
    telemetry::labels::Attempt,
};

/// Pause before a dispatch that LiveKit did not take is sent again.
const RETRY: Duration = Duration::from_millis(250);
/// So often; then the next offer's turn.
const TRIES: u32 = 6;

impl Dispatcher {
    /// Offers a call to the pods, unless another dispatcher did within `pause`.
    pub(super) async fn offer(&self, tenant: TenantId, call: CallId, pause: Duration) {
        let span = tracing::info_span!("offer", tenant.id = %tenant, call.id = %call);
        async {
            match self.store.offer(tenant, call, wall_clock(), pause).await {
                Ok(Offer::Make {
                    nth,
                    epoch,
                    room,
                    placement,
                }) => {
                    self.metrics.pool().offered(if nth == 1 {
                        Attempt::First
                    } else {
                        Attempt::Again
                    });
                    let job = JobMetadata {
                        tenant,
                        call,
                        epoch,
                    };
                    let placement = placement.unwrap_or_else(|| self.projects.usual());
                    self.dispatch(&room, &placement, job).await;
                }
                Ok(Offer::Early | Offer::Taken) => {}
                Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "offer"),
            }
        }
        .instrument(span)
        .await;
    }

    /// The room is made each time: LiveKit may have lost it.
    async fn dispatch(&self, room: &RoomName, placement: &Placement, job: JobMetadata) {
        let rooms = match self.projects.of(&placement.project) {
            Ok(rooms) => rooms,
            // Another gateway, with a newer configuration, let it in; that one can offer it.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "dispatch");
                return;
            }
        };
        for attempt in 1..=TRIES {
            let sent = async {
                let bound = self.store.bind_room(room, job.tenant, job.call);
                let (bound, created) = tokio::join!(bound, rooms.create(room));
                if let Err(error) = bound {
                    tracing::warn!(error = %error, "a room is not indexed");
                }
                created?;
                rooms.dispatch(room, &placement.agent_name, job).await
            };
            match sent.await {
                Ok(()) => return self.end_if_over(rooms, room, job).await,
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    attempt,
                    "dispatch attempt failed"
                ),
            }
            tokio::time::sleep(RETRY * attempt).await;
        }
    }

    /// A caller who hung up while the offer was on its way left a room that was made after the end of theirs.
    async fn end_if_over(&self, rooms: &Rooms, room: &RoomName, job: JobMetadata) {
        match self.store.phase(job.tenant, job.call).await {
            Ok(Some(CallPhase::Ended)) => {
                tracing::info!("the call ended while it was offered");
                rooms.end(room).await;
            }
            Ok(_) => {}
            // The sweep finds it.
            Err(error) => tracing::debug!(error = %error, "whether the call is over is unknown"),
        }
    }

    /// Nobody took the call in time: its leg ends, and the `action` URL answers with the fallback.
    pub(super) async fn give_up(&self, tenant: TenantId, call: CallId) {
        match self.store.give_up(tenant, call, wall_clock()).await {
            Ok(true) => {
                tracing::warn!(tenant.id = %tenant, call.id = %call, "no worker took the call in time");
                self.metrics.pool().given_up();
                self.end_room_of(tenant, call);
            }
            Ok(false) => {}
            // Twilio's Dial timeout ends a leg that rings; it is tried again with the next look.
            Err(error) => tracing::error!(error = %error, "a deadline passed without redis"),
        }
    }

    /// Ends the leg of a call, in a task of its own.
    pub fn end_room_of(&self, tenant: TenantId, call: CallId) {
        let (dispatcher, hard) = (self.clone(), self.lifecycle.hard());
        self.lifecycle
            .spawn(hard.run_until_cancelled_owned(async move {
                match dispatcher.store.load(tenant, call).await {
                    Ok(Some(record)) => {
                        let placement = record
                            .placement
                            .unwrap_or_else(|| dispatcher.projects.usual());
                        dispatcher.end_room(&placement.project, &record.room).await;
                    }
                    Ok(None) => {}
                    Err(error) => tracing::warn!(error = %error, "room not ended"),
                }
            }));
    }

    /// Ends a room whose call was not let in, in a task of its own.
    pub fn turn_away(&self, project: ProjectName, room: RoomName) {
        let dispatcher = self.clone();
        self.beside(async move { dispatcher.end_room(&project, &room).await });
    }

    async fn end_room(&self, project: &ProjectName, room: &RoomName) {
        let rooms = match self.projects.of(project) {
            Ok(rooms) => rooms,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "room not ended");
                return;
            }
        };
        rooms.end(room).await;
    }
}
