//! The states that a connection shows, apart from signalling.

use parking_lot::Mutex;

use crate::peer_connection::{IceConnectionState, IceGatheringState, PeerConnectionState};

#[derive(Clone, Copy)]
struct Shown {
    connection: PeerConnectionState,
    ice: IceConnectionState,
    gathering: IceGatheringState,
}

/// Written by the engine, read by anybody. Once closed they stay closed.
pub(crate) struct States(Mutex<Shown>);

impl Default for States {
    fn default() -> Self {
        Self(Mutex::new(Shown {
            connection: PeerConnectionState::New,
            ice: IceConnectionState::New,
            gathering: IceGatheringState::New,
        }))
    }
}

impl States {
    pub(crate) fn connection(&self) -> PeerConnectionState {
        self.0.lock().connection
    }

    pub(crate) fn ice(&self) -> IceConnectionState {
        self.0.lock().ice
    }

    pub(crate) fn gathering(&self) -> IceGatheringState {
        self.0.lock().gathering
    }

    /// Returns whether the state is new.
    pub(crate) fn set_connection(&self, state: PeerConnectionState) -> bool {
        let mut shown = self.0.lock();
        let new = shown.connection != state && shown.connection != PeerConnectionState::Closed;
        if new {
            shown.connection = state;
        }
        new
    }

    /// Returns whether the state is new.
    pub(crate) fn set_ice(&self, state: IceConnectionState) -> bool {
        let mut shown = self.0.lock();
        let new = shown.ice != state && shown.ice != IceConnectionState::Closed;
        if new {
            shown.ice = state;
        }
        new
    }

    /// Returns whether the state is new.
    pub(crate) fn set_gathering(&self, state: IceGatheringState) -> bool {
        let mut shown = self.0.lock();
        let new = shown.gathering != state;
        shown.gathering = state;
        new
    }

    pub(crate) fn close(&self) {
        let mut shown = self.0.lock();
        shown.connection = PeerConnectionState::Closed;
        shown.ice = IceConnectionState::Closed;
    }
}
