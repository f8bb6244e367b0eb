//! Which call a room belongs to: LiveKit's webhooks name only the room.

use super::{Store, StoreError, keys};
use crate::domain::ids::{CallId, RoomName, TenantId};

impl Store {
    /// Notes whose room it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bind_room(
        &self,
        room: &RoomName,
        tenant: TenantId,
        call: CallId,
    ) -> Result<(), StoreError> {
        let owner = format!("{tenant} {call}");
        self.query(
            redis::cmd("SET")
                .arg(keys::room(room))
                .arg(owner)
                .arg("PX")
                .arg(self.session_ttl_ms()),
        )
        .await
    }

    /// Whose room it is; `None` if it is none of ours.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn room_owner(
        &self,
        room: &RoomName,
    ) -> Result<Option<(TenantId, CallId)>, StoreError> {
        let owner: Option<String> = self.query(redis::cmd("GET").arg(keys::room(room))).await?;
        owner
            .map(|owner| parse(&owner).ok_or(StoreError::Malformed("room owner")))
            .transpose()
    }
}

fn parse(owner: &str) -> Option<(TenantId, CallId)> {
    let (tenant, call) = owner.split_once(' ')?;
    Some((tenant.parse().ok()?, call.parse().ok()?))
}
