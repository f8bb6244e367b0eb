//! States, options, events and listeners of a connection.

use crate::data_channel::DataChannel;
use crate::ice_candidate::IceCandidate;
use crate::media_stream::MediaStream;
use crate::media_stream_track::MediaStreamTrack;
use crate::rtp_receiver::RtpReceiver;
use crate::rtp_transceiver::RtpTransceiver;

/// The connection as a whole.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum PeerConnectionState {
    /// Nothing negotiated.
    New,
    /// Looking for a path.
    Connecting,
    /// Media can flow.
    Connected,
    /// Nothing heard for 5 s; may recover.
    Disconnected,
    /// Nothing heard for 20 s, or no path within 30 s; needs an ICE restart.
    Failed,
    /// Closed by this side.
    Closed,
}

/// The search for a path.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceConnectionState {
    /// Not begun.
    New,
    /// Trying addresses.
    Checking,
    /// A path is found.
    Connected,
    /// A path is found and all others were tried.
    Completed,
    /// No path.
    Failed,
    /// The path is lost.
    Disconnected,
    /// Closed by this side.
    Closed,
    /// Not a state; never reported.
    Max,
}

/// The search for own addresses.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceGatheringState {
    /// Not begun.
    New,
    /// Under way.
    Gathering,
    /// All known.
    Complete,
}

/// Where the exchange of descriptions is.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SignalingState {
    /// No offer is open.
    Stable,
    /// Our offer is open.
    HaveLocalOffer,
    /// Never reported: provisional answers are not used.
    HaveLocalPrAnswer,
    /// The peer's offer is open.
    HaveRemoteOffer,
    /// Never reported: provisional answers are not used.
    HaveRemotePrAnswer,
    /// Closed by this side.
    Closed,
}

/// What an offer is to contain.
#[derive(Debug, Clone, Default)]
pub struct OfferOptions {
    /// New credentials, to look for a path again.
    pub ice_restart: bool,
    /// Makes sure there is a section that receives audio.
    pub offer_to_receive_audio: bool,
    /// Makes sure there is a section that receives video.
    pub offer_to_receive_video: bool,
}

/// Nothing to choose.
#[derive(Debug, Clone, Default)]
pub struct AnswerOptions {}

/// Limits for a bandwidth estimator. This crate sends only audio and has none: they are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BitrateSettings {
    /// Floor.
    pub min_bitrate_bps: Option<u64>,
    /// Start.
    pub start_bitrate_bps: Option<u64>,
    /// Ceiling.
    pub max_bitrate_bps: Option<u64>,
}

/// An address could not be used.
#[derive(Debug, Clone)]
pub struct IceCandidateError {
    /// The address.
    pub address: String,
    /// Its port, 0 if there is none.
    pub port: i32,
    /// The server that was asked, empty for own addresses.
    pub url: String,
    /// A STUN error code, or 701 for "cannot be reached" as in browsers.
    pub error_code: i32,
    /// For the log.
    pub error_text: String,
}

/// The peer sends a new track.
#[derive(Debug, Clone)]
pub struct TrackEvent {
    /// The receiving half.
    pub receiver: RtpReceiver,
    /// The streams it is in.
    pub streams: Vec<MediaStream>,
    /// The track.
    pub track: MediaStreamTrack,
    /// Both halves.
    pub transceiver: RtpTransceiver,
}

/// Listener for the connection state.
pub type OnConnectionChange = Box<dyn FnMut(PeerConnectionState) + Send + Sync>;
/// Listener for channels that the peer opened.
pub type OnDataChannel = Box<dyn FnMut(DataChannel) + Send + Sync>;
/// Listener for own addresses, to be signalled to the peer.
pub type OnIceCandidate = Box<dyn FnMut(IceCandidate) + Send + Sync>;
/// Listener for addresses that cannot be used.
pub type OnIceCandidateError = Box<dyn FnMut(IceCandidateError) + Send + Sync>;
/// Listener for the search for a path.
pub type OnIceConnectionChange = Box<dyn FnMut(IceConnectionState) + Send + Sync>;
/// Listener for the search for own addresses.
pub type OnIceGatheringChange = Box<dyn FnMut(IceGatheringState) + Send + Sync>;
/// Listener for "make an offer"; given a running number.
pub type OnNegotiationNeeded = Box<dyn FnMut(u32) + Send + Sync>;
/// Listener for the exchange of descriptions.
pub type OnSignalingChange = Box<dyn FnMut(SignalingState) + Send + Sync>;
/// Listener for new tracks of the peer.
pub type OnTrack = Box<dyn FnMut(TrackEvent) + Send + Sync>;
