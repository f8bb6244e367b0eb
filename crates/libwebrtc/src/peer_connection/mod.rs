//! A connection to a peer.

mod types;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::data_channel::{DataChannel, DataChannelInit};
use crate::ice_candidate::IceCandidate;
use crate::media_stream_track::MediaStreamTrack;
use crate::peer::Peer;
use crate::peer_connection_factory::{IceTransportsType, RtcConfiguration};
use crate::rtp_receiver::RtpReceiver;
use crate::rtp_sender::RtpSender;
use crate::rtp_transceiver::{RtpTransceiver, RtpTransceiverDirection, RtpTransceiverInit};
use crate::sdp::Kind;
use crate::session_description::SessionDescription;
use crate::stats::RtcStats;
use crate::{MediaType, RtcError};
pub use types::*;

/// A connection to a peer. Clones are the same connection; when the last one is dropped it closes.
#[derive(Clone)]
pub struct PeerConnection {
    owner: Arc<Owner>,
}

/// Closes the connection when the last handle goes.
struct Owner {
    peer: Arc<Peer>,
    /// Ends by itself after [`Peer::close`]. Kept so that the task is never without an owner.
    _engine: JoinHandle<()>,
    bitrate: Mutex<BitrateSettings>,
    configuration: Mutex<RtcConfiguration>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.peer.close();
    }
}

impl PeerConnection {
    pub(crate) fn new(peer: Arc<Peer>, engine: JoinHandle<()>, config: RtcConfiguration) -> Self {
        let (bitrate, configuration) = (Mutex::default(), Mutex::new(config));
        Self {
            owner: Arc::new(Owner {
                peer,
                _engine: engine,
                bitrate,
                configuration,
            }),
        }
    }

    fn peer(&self) -> &Peer {
        &self.owner.peer
    }

    /// Replaces the configuration. ICE servers are recorded; this crate uses none of them yet.
    ///
    /// # Errors
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) if only relays may be used,
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the connection is closed.
    pub fn set_configuration(&self, config: RtcConfiguration) -> Result<(), RtcError> {
        check(&config)?;
        self.check_open()?;
        *self.owner.configuration.lock() = config;
        Ok(())
    }

    /// Records limits for a bandwidth estimator.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if they contradict each other or the connection is closed.
    pub fn set_bitrate(&self, settings: BitrateSettings) -> Result<(), RtcError> {
        self.check_open()?;
        let BitrateSettings {
            min_bitrate_bps: min,
            start_bitrate_bps: start,
            ..
        } = settings;
        let max = settings.max_bitrate_bps.unwrap_or(u64::MAX);
        let floor = min.unwrap_or(0);
        if start.is_some_and(|start| start < floor || start > max) || floor > max {
            return Err(RtcError::state("bitrate limits contradict each other"));
        }
        *self.owner.bitrate.lock() = settings;
        Ok(())
    }

    fn check_open(&self) -> Result<(), RtcError> {
        if self.peer().is_closed() {
            Err(RtcError::closed())
        } else {
            Ok(())
        }
    }

    /// An offer for everything that is wanted now. Cancel-safe.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the connection is closed.
    pub async fn create_offer(
        &self,
        options: OfferOptions,
    ) -> Result<SessionDescription, RtcError> {
        self.ensure_receiving(options.offer_to_receive_audio, MediaType::Audio)?;
        self.ensure_receiving(options.offer_to_receive_video, MediaType::Video)?;
        self.peer()
            .jsep(|jsep| jsep.create_offer(options.ice_restart))
    }

    fn ensure_receiving(&self, wanted: bool, media: MediaType) -> Result<(), RtcError> {
        let kind = kind_of(media)?;
        let receives = |transceiver: &RtpTransceiver| {
            use RtpTransceiverDirection::{RecvOnly, SendRecv};
            transceiver.core.kind == kind && matches!(transceiver.direction(), RecvOnly | SendRecv)
        };
        if wanted && !self.transceivers().iter().any(receives) {
            let direction = RtpTransceiverDirection::RecvOnly;
            let init = RtpTransceiverInit {
                direction,
                stream_ids: vec![],
                send_encodings: vec![],
            };
            self.add_transceiver_for_media(media, init)?;
        }
        Ok(())
    }

    /// The answer to the peer's offer. Cancel-safe.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if no offer is open.
    pub async fn create_answer(
        &self,
        _options: AnswerOptions,
    ) -> Result<SessionDescription, RtcError> {
        self.peer().jsep(crate::jsep::Jsep::create_answer)
    }

    /// Applies an own description. Not cancel-safe: when dropped, the session may have changed without the transport.
    ///
    /// # Errors
    /// [`RtcError`] by what does not fit: the state, or the text.
    pub async fn set_local_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        self.peer().set_local(desc).await
    }

    /// Applies the peer's description. Given the current answer once more while an offer is open, it takes that
    /// offer back. Not cancel-safe: when dropped, the session may have changed without the transport.
    ///
    /// # Errors
    /// [`RtcError`] by what does not fit: the state, or the text.
    pub async fn set_remote_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        self.peer().set_remote(desc).await
    }

    /// Adds an address of the peer. One that cannot be used is logged and skipped.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) before there is a remote description, or after closing.
    pub async fn add_ice_candidate(&self, candidate: IceCandidate) -> Result<(), RtcError> {
        self.peer().add_candidate(&candidate).await
    }

    /// A channel for messages. It opens once the connection is up.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the connection is closed or a negotiated id is missing.
    pub fn create_data_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, RtcError> {
        self.peer().create_data_channel(label, init)
    }

    /// Sends a track, in a section of its own.
    ///
    /// # Errors
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) for video.
    pub fn add_track<T: AsRef<str>>(
        &self,
        track: MediaStreamTrack,
        streams_ids: &[T],
    ) -> Result<RtpSender, RtcError> {
        let init = RtpTransceiverInit {
            direction: RtpTransceiverDirection::SendRecv,
            stream_ids: streams_ids
                .iter()
                .map(|id| id.as_ref().to_owned())
                .collect(),
            send_encodings: Vec::new(),
        };
        Ok(self.add_transceiver(track, init)?.sender())
    }

    /// Stops sending a track. Its section stays and is inactive from the next negotiation on.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if closed, or if the sender is not of this connection.
    pub fn remove_track(&self, sender: RtpSender) -> Result<(), RtcError> {
        self.peer().remove_track(&sender.core)
    }

    /// Counters of the connection and all its streams.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) if the connection is closed.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        self.peer().stats().await
    }

    /// Adds a section for a track.
    ///
    /// # Errors
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) for video and for device tracks.
    pub fn add_transceiver(
        &self,
        track: MediaStreamTrack,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        match &track {
            MediaStreamTrack::Video(_) => return Err(RtcError::unsupported("sending video")),
            MediaStreamTrack::Audio(audio) if audio.source().is_none() => {
                return Err(RtcError::unsupported(
                    "sending a track without a native source",
                ));
            }
            MediaStreamTrack::Audio(_) => {}
        }
        let core = self
            .peer()
            .add_transceiver(Kind::Audio, Some(track), init)?;
        Ok(RtpTransceiver { core })
    }

    /// Adds a section without a track.
    ///
    /// # Errors
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) for anything but audio and received video.
    pub fn add_transceiver_for_media(
        &self,
        media_type: MediaType,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        let core = self
            .peer()
            .add_transceiver(kind_of(media_type)?, None, init)?;
        Ok(RtpTransceiver { core })
    }

    /// Closes at once; the goodbye to the peer leaves in the background. No callback follows, except that open data
    /// channels report that they closed.
    pub fn close(&self) {
        self.peer().close();
    }

    /// Lets the next offer look for a path again.
    pub fn restart_ice(&self) {
        self.peer().restart_ice();
    }

    /// The connection as a whole.
    pub fn connection_state(&self) -> PeerConnectionState {
        self.peer().states.connection()
    }

    /// The search for a path.
    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.peer().states.ice()
    }

    /// The search for own addresses.
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.peer().states.gathering()
    }

    /// Where the exchange of descriptions is.
    pub fn signaling_state(&self) -> SignalingState {
        self.peer().jsep(|jsep| jsep.signaling())
    }

    /// The agreed own description.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.peer().jsep(|jsep| jsep.current_local())
    }

    /// The agreed description of the peer.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.peer().jsep(|jsep| jsep.current_remote())
    }

    /// The sending halves of all sections; empty once closed.
    pub fn senders(&self) -> Vec<RtpSender> {
        self.transceivers()
            .iter()
            .map(RtpTransceiver::sender)
            .collect()
    }

    /// The receiving halves of all sections; empty once closed.
    pub fn receivers(&self) -> Vec<RtpReceiver> {
        self.transceivers()
            .iter()
            .map(RtpTransceiver::receiver)
            .collect()
    }

    /// All audio and video sections; empty once closed.
    pub fn transceivers(&self) -> Vec<RtpTransceiver> {
        if self.peer().is_closed() {
            return Vec::new();
        }
        let all = self.peer().jsep(|jsep| jsep.transceivers().to_vec());
        all.into_iter()
            .map(|core| RtpTransceiver { core })
            .collect()
    }

    /// Sets the listener for the connection state.
    pub fn on_connection_state_change(&self, f: Option<OnConnectionChange>) {
        self.peer().callbacks.connection.set(f);
    }

    /// Sets the listener for channels that the peer opens.
    pub fn on_data_channel(&self, f: Option<OnDataChannel>) {
        self.peer().callbacks.data_channel.set(f);
    }

    /// Sets the listener for own addresses.
    pub fn on_ice_candidate(&self, f: Option<OnIceCandidate>) {
        self.peer().callbacks.candidate.set(f);
    }

    /// Sets the listener for addresses that cannot be used.
    pub fn on_ice_candidate_error(&self, f: Option<OnIceCandidateError>) {
        self.peer().callbacks.candidate_error.set(f);
    }

    /// Sets the listener for the search for a path.
    pub fn on_ice_connection_state_change(&self, f: Option<OnIceConnectionChange>) {
        self.peer().callbacks.ice.set(f);
    }

    /// Sets the listener for the search for own addresses.
    pub fn on_ice_gathering_state_change(&self, f: Option<OnIceGatheringChange>) {
        self.peer().callbacks.gathering.set(f);
    }

    /// Sets the listener for "make an offer".
    pub fn on_negotiation_needed(&self, f: Option<OnNegotiationNeeded>) {
        self.peer().callbacks.negotiation_needed.set(f);
    }

    /// Sets the listener for the exchange of descriptions.
    pub fn on_signaling_state_change(&self, f: Option<OnSignalingChange>) {
        self.peer().callbacks.signaling.set(f);
    }

    /// Sets the listener for new tracks of the peer.
    pub fn on_track(&self, f: Option<OnTrack>) {
        self.peer().callbacks.track.set(f);
    }
}

pub(crate) fn check(config: &RtcConfiguration) -> Result<(), RtcError> {
    match config.ice_transport_type {
        IceTransportsType::All => Ok(()),
        IceTransportsType::Relay | IceTransportsType::NoHost => Err(RtcError::unsupported(
            "a connection without host candidates",
        )),
    }
}

fn kind_of(media: MediaType) -> Result<Kind, RtcError> {
    match media {
        MediaType::Audio => Ok(Kind::Audio),
        MediaType::Video => Ok(Kind::Video),
        MediaType::Data | MediaType::Unsupported => Err(RtcError::unsupported(
            "a transceiver for anything but audio and video",
        )),
    }
}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("state", &self.connection_state())
            .field("signaling", &self.signaling_state())
            .finish_non_exhaustive()
    }
}
