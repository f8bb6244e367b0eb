//! The session: which sections there are, who offered what, and what follows from an agreement.
//!
//! A pure state machine after RFC 8829. It does no I/O; the clock plays no part. [`Jsep`] turns transceivers into offer
//! text, reads the peer's text, and after each completed exchange gives a [`Plan`] for the engine.
//!
//! Three departures from the letter of the RFC, all needed by real engines:
//! - A section gets its id when an offer is *created*, not when it is applied, and keeps it when that offer is
//!   rolled back. A peer that did process the offer then still agrees about every section.
//! - What a local description *says* counts, not what the transceivers wanted: offers may be edited before they are applied.
//! - Applying the current remote answer again while an offer is pending takes that offer back.

mod create;
mod lines;
mod negotiate;
mod plan;
mod transceiver;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use negotiate::Applied;
pub(crate) use plan::{MediaPlan, Plan, ReceivePlan, SendPlan};
pub(crate) use transceiver::{StatsSource, TransceiverCore};

use crate::RtcError;
use crate::media_stream_track::MediaStreamTrack;
use crate::peer_connection::SignalingState;
use crate::rtp_transceiver::{RtpTransceiverDirection, RtpTransceiverInit};
use crate::sdp::{IceCredentials, Kind};
use crate::session_description::SessionDescription;
use lines::Line;

/// What a connection is, as opposed to what it negotiates.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The `o=` session id.
    pub(crate) session: u64,
    /// Of the DTLS certificate, as it stands in SDP.
    pub(crate) fingerprint: String,
    /// In source descriptions.
    pub(crate) cname: String,
}

/// Makes fresh ICE credentials; a parameter so that tests are repeatable.
pub(crate) type MakeCredentials = fn() -> IceCredentials;

/// The descriptions of RFC 8829 section 4.1.
#[derive(Default)]
struct Descriptions {
    current_local: Option<SessionDescription>,
    pending_local: Option<SessionDescription>,
    current_remote: Option<SessionDescription>,
    pending_remote: Option<SessionDescription>,
}

/// The session state machine.
pub(crate) struct Jsep {
    identity: Identity,
    make_credentials: MakeCredentials,
    /// In use since the last agreement, or to be used from the first one.
    credentials: IceCredentials,
    /// Offered, or due in our answer, to restart ICE.
    next_credentials: Option<IceCredentials>,
    restart_wanted: bool,
    version: u64,
    next_mid: u32,
    lines: Vec<Line>,
    transceivers: Vec<Arc<TransceiverCore>>,
    data_wanted: bool,
    signaling: SignalingState,
    descriptions: Descriptions,
    stats: StatsSource,
}

impl Jsep {
    pub(crate) fn new(
        identity: Identity,
        credentials: IceCredentials,
        make_credentials: MakeCredentials,
        stats: StatsSource,
    ) -> Self {
        Self {
            identity,
            make_credentials,
            credentials,
            next_credentials: None,
            restart_wanted: false,
            version: 0,
            next_mid: 0,
            lines: Vec::new(),
            transceivers: Vec::new(),
            data_wanted: false,
            signaling: SignalingState::Stable,
            descriptions: Descriptions::default(),
            stats,
        }
    }

    pub(crate) fn signaling(&self) -> SignalingState {
        self.signaling
    }

    pub(crate) fn current_local(&self) -> Option<SessionDescription> {
        self.descriptions.current_local.clone()
    }

    pub(crate) fn current_remote(&self) -> Option<SessionDescription> {
        self.descriptions.current_remote.clone()
    }

    pub(crate) fn transceivers(&self) -> &[Arc<TransceiverCore>] {
        &self.transceivers
    }

    /// The id of the section that carries the transport, for candidates.
    pub(crate) fn transport_mid(&self) -> String {
        self.lines
            .first()
            .map(|line| line.mid.clone())
            .unwrap_or_default()
    }

    /// Whether data channels were asked for, by either side.
    pub(crate) fn has_data(&self) -> bool {
        self.data_wanted || self.has_data_line()
    }

    /// Data channels are wanted: the next offer has a section for them.
    pub(crate) fn want_data(&mut self) {
        self.data_wanted = true;
    }

    /// The next offer restarts ICE.
    pub(crate) fn want_restart(&mut self) {
        self.restart_wanted = true;
    }

    pub(crate) fn add_transceiver(
        &mut self,
        kind: Kind,
        track: Option<MediaStreamTrack>,
        init: RtpTransceiverInit,
    ) -> Arc<TransceiverCore> {
        let cname = self.identity.cname.clone();
        let core = Arc::new(TransceiverCore::new(
            kind,
            track,
            init,
            cname,
            self.stats.clone(),
        ));
        self.transceivers.push(core.clone());
        core
    }

    /// Detaches a track from its sender; the next offer says so.
    pub(crate) fn remove_track(&mut self, core: &Arc<TransceiverCore>) -> Result<(), RtcError> {
        self.check_open()?;
        if !self.transceivers.iter().any(|own| Arc::ptr_eq(own, core)) {
            return Err(RtcError::state("the sender belongs to another connection"));
        }
        let mut state = core.state();
        state.sender.track = None;
        state.direction = match state.direction {
            RtpTransceiverDirection::SendRecv => RtpTransceiverDirection::RecvOnly,
            RtpTransceiverDirection::SendOnly => RtpTransceiverDirection::Inactive,
            unchanged => unchanged,
        };
        Ok(())
    }

    /// Ends the session. Returns whether it was open.
    pub(crate) fn close(&mut self) -> bool {
        let was_open = self.signaling != SignalingState::Closed;
        self.signaling = SignalingState::Closed;
        for transceiver in &self.transceivers {
            transceiver.end();
        }
        was_open
    }

    fn check_open(&self) -> Result<(), RtcError> {
        if self.signaling == SignalingState::Closed {
            Err(RtcError::closed())
        } else {
            Ok(())
        }
    }
}
