//! What the handle of a connection and its engine task share.

mod states;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::callback::Callback;
use crate::data_channel::{Channel, DataChannel, DataChannelInit, DataChannelState};
use crate::ice_candidate::IceCandidate;
use crate::jsep::{Applied, Jsep, Plan, TransceiverCore};
use crate::media_stream_track::MediaStreamTrack;
use crate::peer_connection::{
    IceCandidateError, IceConnectionState, IceGatheringState, PeerConnectionState, SignalingState,
    TrackEvent,
};
use crate::rtp_transceiver::RtpTransceiverInit;
use crate::sdp::Kind;
use crate::session_description::SessionDescription;
use crate::stats::RtcStats;
use crate::{RtcError, RtcErrorType};
pub(crate) use states::States;

/// Commands that may wait for the engine; then the caller waits.
const MAX_COMMANDS: usize = 32;

/// What the engine is asked to do, with where to answer.
pub(crate) enum Command {
    /// Change the transport to this.
    Apply(Box<Plan>, oneshot::Sender<Result<(), RtcError>>),
    /// Open sockets and announce their addresses, for these own credentials.
    Gather(String),
    /// The peer may be reached here.
    Candidate(String),
    /// Read the counters.
    Stats(oneshot::Sender<Vec<RtcStats>>),
}

type Fn1<T> = dyn FnMut(T) + Send + Sync;

/// The user's listeners.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) connection: Callback<Fn1<PeerConnectionState>>,
    pub(crate) data_channel: Callback<Fn1<DataChannel>>,
    pub(crate) candidate: Callback<Fn1<IceCandidate>>,
    pub(crate) candidate_error: Callback<Fn1<IceCandidateError>>,
    pub(crate) ice: Callback<Fn1<IceConnectionState>>,
    pub(crate) gathering: Callback<Fn1<IceGatheringState>>,
    pub(crate) negotiation_needed: Callback<Fn1<u32>>,
    pub(crate) signaling: Callback<Fn1<SignalingState>>,
    pub(crate) track: Callback<Fn1<TrackEvent>>,
}

/// One connection.
pub(crate) struct Peer {
    jsep: Mutex<Jsep>,
    pub(crate) states: States,
    pub(crate) callbacks: Callbacks,
    commands: mpsc::Sender<Command>,
    wake: Arc<Notify>,
    closed: AtomicBool,
    /// Channels that the engine has not seen yet.
    new_channels: Mutex<Vec<Arc<Channel>>>,
    /// Something changed that only a new offer can tell the peer.
    negotiation_due: AtomicBool,
    negotiation_events: AtomicU32,
}

impl Peer {
    /// Makes a connection around the session that `jsep` builds, and the queue that its engine reads.
    pub(crate) fn new(
        jsep: impl FnOnce(crate::jsep::StatsSource) -> Jsep,
    ) -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (commands, received) = mpsc::channel(MAX_COMMANDS);
        let peer = Arc::new_cyclic(|weak| Self {
            jsep: Mutex::new(jsep(weak.clone())),
            states: States::default(),
            callbacks: Callbacks::default(),
            commands,
            wake: Arc::new(Notify::new()),
            closed: AtomicBool::new(false),
            new_channels: Mutex::default(),
            negotiation_due: AtomicBool::new(false),
            negotiation_events: AtomicU32::new(0),
        });
        (peer, received)
    }

    /// Lets the engine look at shared state again.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Until the next [`Self::wake`]. Cancel-safe.
    pub(crate) fn woken(&self) -> impl Future<Output = ()> + '_ {
        self.wake.notified()
    }

    pub(crate) fn wake_handle(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn jsep<T>(&self, with: impl FnOnce(&mut Jsep) -> T) -> T {
        with(&mut self.jsep.lock())
    }

    pub(crate) fn take_new_channels(&self) -> Vec<Arc<Channel>> {
        std::mem::take(&mut *self.new_channels.lock())
    }

    pub(crate) async fn set_local(&self, description: SessionDescription) -> Result<(), RtcError> {
        let ufrag = description
            .sdp()
            .ice_credentials()
            .map(|credentials| credentials.ufrag);
        self.apply(|jsep| jsep.set_local(description)).await?;
        match ufrag {
            Some(ufrag) => self.command(Command::Gather(ufrag)).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn set_remote(&self, description: SessionDescription) -> Result<(), RtcError> {
        self.apply(|jsep| jsep.set_remote(description)).await
    }

    /// Changes the session, then the transport, then tells the listeners.
    async fn apply(
        &self,
        change: impl FnOnce(&mut Jsep) -> Result<Applied, RtcError>,
    ) -> Result<(), RtcError> {
        let (applied, state) = {
            let mut jsep = self.jsep.lock();
            let before = jsep.signaling();
            let applied = change(&mut jsep)?;
            let after = jsep.signaling();
            (applied, (before != after).then_some(after))
        };
        if let Some(plan) = applied.plan {
            let (answer, done) = oneshot::channel();
            self.command(Command::Apply(plan, answer)).await?;
            done.await.map_err(|_| RtcError::closed())??;
        }
        if let Some(state) = state {
            self.callbacks.signaling.call(|f| f(state));
        }
        for event in applied.tracks {
            self.callbacks.track.call(|f| f(event));
        }
        self.tell_negotiation_needed();
        Ok(())
    }

    pub(crate) async fn add_candidate(&self, candidate: &IceCandidate) -> Result<(), RtcError> {
        if self.jsep(|jsep| jsep.current_remote().is_none()) && !self.has_remote_offer() {
            return Err(RtcError::state(
                "a candidate needs a remote description first",
            ));
        }
        let text = candidate.candidate();
        if text.is_empty() {
            return Ok(()); // end of candidates
        }
        self.command(Command::Candidate(text)).await
    }

    fn has_remote_offer(&self) -> bool {
        self.jsep(|jsep| jsep.signaling()) == SignalingState::HaveRemoteOffer
    }

    pub(crate) async fn stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        let (answer, stats) = oneshot::channel();
        self.command(Command::Stats(answer)).await?;
        stats.await.map_err(|_| RtcError::closed())
    }

    async fn command(&self, command: Command) -> Result<(), RtcError> {
        if self.is_closed() {
            return Err(RtcError::closed());
        }
        self.commands
            .send(command)
            .await
            .map_err(|_| RtcError::closed())
    }

    pub(crate) fn create_data_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, RtcError> {
        if self.is_closed() {
            return Err(RtcError::closed());
        }
        if init.negotiated && u16::try_from(init.id).is_err() {
            return Err(RtcError::state(
                "a negotiated channel needs an id from 0 to 65534",
            ));
        }
        let channel = Channel::new(label, init, self.wake_handle());
        self.new_channels.lock().push(channel.clone());
        let first = self.jsep(|jsep| {
            let first = !jsep.has_data();
            jsep.want_data();
            first
        });
        self.wake();
        if first {
            self.negotiation_needed();
        }
        Ok(DataChannel { inner: channel })
    }

    pub(crate) fn add_transceiver(
        &self,
        kind: Kind,
        track: Option<MediaStreamTrack>,
        init: RtpTransceiverInit,
    ) -> Result<Arc<TransceiverCore>, RtcError> {
        if self.is_closed() {
            return Err(RtcError::closed());
        }
        let core = self.jsep(|jsep| jsep.add_transceiver(kind, track, init));
        self.negotiation_needed();
        Ok(core)
    }

    pub(crate) fn remove_track(&self, core: &Arc<TransceiverCore>) -> Result<(), RtcError> {
        self.jsep(|jsep| jsep.remove_track(core))?;
        self.wake();
        self.negotiation_needed();
        Ok(())
    }

    pub(crate) fn restart_ice(&self) {
        self.jsep(Jsep::want_restart);
        self.negotiation_needed();
    }

    fn negotiation_needed(&self) {
        self.negotiation_due.store(true, Ordering::Release);
        self.tell_negotiation_needed();
    }

    /// Tells the listener once the session can take an offer (RFC 8829 section 5.2: only when stable).
    fn tell_negotiation_needed(&self) {
        let stable = self.jsep(|jsep| jsep.signaling()) == SignalingState::Stable;
        if stable && self.negotiation_due.swap(false, Ordering::AcqRel) {
            let event = self.negotiation_events.fetch_add(1, Ordering::AcqRel);
            self.callbacks.negotiation_needed.call(|f| f(event));
        }
    }

    /// The engine is gone without having been told to end.
    pub(crate) fn fail(&self) {
        if self.states.set_connection(PeerConnectionState::Failed) {
            self.callbacks
                .connection
                .call(|f| f(PeerConnectionState::Failed));
        }
    }

    /// Ends the connection: states change at once, the engine says goodbye and stops.
    pub(crate) fn close(&self) {
        if !self.jsep(Jsep::close) {
            return;
        }
        self.states.close();
        self.closed.store(true, Ordering::Release);
        for channel in self.take_new_channels() {
            channel.advance(DataChannelState::Closed);
        }
        self.wake();
    }
}

impl From<str0m::RtcError> for RtcError {
    fn from(error: str0m::RtcError) -> Self {
        Self {
            error_type: RtcErrorType::Internal,
            message: error.to_string(),
        }
    }
}
