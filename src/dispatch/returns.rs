//! A caller whom a person did not take comes back to an agent.

use super::{Dispatcher, wall_clock};
use crate::{
    domain::{
        call::TransferResult,
        ids::{CallId, Returns, RoomName, TenantId},
    },
    storage::redis::{Return, StoreError},
};

impl Dispatcher {
    /// Goes on with a call in a new room: the keeper offers it to the pods at once, as a conversation that has lost its agent.
    ///
    /// # Errors
    /// [`StoreError`]; asking again is safe.
    pub async fn bring_back(
        &self,
        tenant: TenantId,
        call: CallId,
        returns: Returns,
        result: TransferResult,
        room: &RoomName,
    ) -> Result<Return, StoreError> {
        let returned = self
            .store
            .bring_back(tenant, call, returns, result, room, wall_clock())
            .await?;
        if returned == Return::Back {
            let dispatcher = self.clone();
            self.beside(async move { dispatcher.announce(tenant).await });
        }
        Ok(returned)
    }

    /// Does something beside the request that asks for it. The process waits for it, up to its deadline.
    pub fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let hard = self.lifecycle.hard();
        self.lifecycle.spawn(async move {
            hard.run_until_cancelled(work).await;
        });
    }
}
