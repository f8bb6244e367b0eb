//! Compares LiveKit's rooms with our calls: webhooks get lost, and LiveKit forgets what it was doing when it restarts.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::{Gateway, trunk};
use crate::{
    dispatch::Rooms,
    domain::{call::CallPhase, ids::RoomName, placement::ProjectName},
};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);

pub(super) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Looks until the process drains: lets callers in of whom nobody told, and ends rooms whose call has ended.
pub async fn watch(gateway: Arc<Gateway>) {
    let drain = gateway.drain.clone();
    let look_forever = async {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for project in gateway.projects.keys() {
                if let Err(error) = sweep(&gateway, project).await {
                    tracing::debug!(error = &*error, livekit.project = %project, "rooms unknown");
                }
            }
        }
    };
    drain.run_until_cancelled(look_forever).await;
}

async fn sweep(gateway: &Gateway, project: &ProjectName) -> Result<(), AnyError> {
    let rooms = gateway.dispatcher.projects().of(project)?;
    for room in rooms.ours().await? {
        if let Err(error) = look_into(gateway, project, rooms, &room).await {
            tracing::debug!(error = &*error, "a room's call unknown");
        }
    }
    Ok(())
}

async fn look_into(
    gateway: &Gateway,
    project: &ProjectName,
    rooms: &Rooms,
    room: &RoomName,
) -> Result<(), AnyError> {
    match gateway.store.room_owner(room).await? {
        None if room.is_of_trunk() => trunk::find(gateway, project, rooms, room).await,
        None => Ok(()),
        Some((tenant, call)) => {
            if gateway.store.phase(tenant, call).await? == Some(CallPhase::Ended) {
                tracing::warn!(tenant.id = %tenant, call.id = %call, "a room outlived its call");
                rooms.delete(room).await?;
            }
            Ok(())
        }
    }
}
