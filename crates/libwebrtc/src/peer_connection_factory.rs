//! Makes connections and tracks.

use crate::engine;
use crate::peer_connection::{PeerConnection, check};
use crate::rtp_parameters::{RtpCapabilities, RtpCodecCapability, RtpHeaderExtensionCapability};
use crate::rtp_transceiver::RtpTransceiverDirection;
use crate::sdp::write::{AUDIO_LEVEL, MID};
use crate::{MediaType, RtcError};

/// A STUN or TURN server.
#[derive(Debug, Clone)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: String,
    /// For TURN.
    pub password: String,
}

/// When to look for own addresses.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum ContinualGatheringPolicy {
    /// Once per ICE session.
    GatherOnce,
    /// Whenever the network changes.
    GatherContinually,
}

/// Which paths may be used.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceTransportsType {
    /// Relays only: not supported.
    Relay,
    /// No own addresses: not supported.
    NoHost,
    /// Any.
    All,
}

/// How a connection is set up. Made from the default, to be able to grow.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RtcConfiguration {
    /// Recorded; this crate uses none of them yet.
    pub ice_servers: Vec<IceServer>,
    /// Own addresses are found when a description is applied and when the peer announces an address with another route.
    pub continual_gathering_policy: ContinualGatheringPolicy,
    /// Which paths may be used.
    pub ice_transport_type: IceTransportsType,
    /// Recorded; SCTP is set up in the usual way, which every peer understands.
    pub enable_sctp_snap: bool,
}

impl Default for RtcConfiguration {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            continual_gathering_policy: ContinualGatheringPolicy::GatherContinually,
            ice_transport_type: IceTransportsType::All,
            enable_sctp_snap: false,
        }
    }
}

/// Makes connections. Holds nothing: there are no devices and no threads to share.
#[derive(Clone, Debug, Default)]
pub struct PeerConnectionFactory(());

impl PeerConnectionFactory {
    /// The same as the default: the option concerns video.
    pub fn with_zero_playout_delay() -> Self {
        Self::default()
    }

    /// The same as the default: the first option concerns video, and the second one (shorter handshakes) is only
    /// used if both sides know it.
    pub fn with_options(_zero_playout_delay: bool, _enable_warp: bool) -> Self {
        Self::default()
    }

    /// Starts a connection as a task of the current tokio runtime. The task ends with
    /// [`PeerConnection::close`] or when the last handle is dropped.
    ///
    /// # Errors
    /// [`InvalidState`](crate::RtcErrorType::InvalidState) outside a tokio runtime,
    /// [`Unsupported`](crate::RtcErrorType::Unsupported) if host candidates are excluded,
    /// [`Internal`](crate::RtcErrorType::Internal) if no certificate can be made.
    pub fn create_peer_connection(
        &self,
        config: RtcConfiguration,
    ) -> Result<PeerConnection, RtcError> {
        check(&config)?;
        let (peer, task) = engine::start()?;
        Ok(PeerConnection::new(peer, task, config))
    }

    /// What can be sent.
    pub fn get_rtp_sender_capabilities(&self, media_type: MediaType) -> RtpCapabilities {
        capabilities(media_type)
    }

    /// What can be received and decoded.
    pub fn get_rtp_receiver_capabilities(&self, media_type: MediaType) -> RtpCapabilities {
        capabilities(media_type)
    }
}

fn capabilities(media_type: MediaType) -> RtpCapabilities {
    if media_type != MediaType::Audio {
        return RtpCapabilities {
            codecs: Vec::new(),
            header_extensions: Vec::new(),
        };
    }
    let opus = RtpCodecCapability {
        channels: Some(2),
        clock_rate: Some(48_000),
        mime_type: "audio/opus".to_owned(),
        sdp_fmtp_line: Some("minptime=10;useinbandfec=1".to_owned()),
    };
    let extension = |uri: &str| RtpHeaderExtensionCapability {
        uri: uri.to_owned(),
        direction: RtpTransceiverDirection::SendRecv,
    };
    let header_extensions = vec![extension(AUDIO_LEVEL), extension(MID)];
    RtpCapabilities {
        codecs: vec![opus],
        header_extensions,
    }
}

/// Tracks, and the devices that this crate does not have.
pub mod native {
    use super::PeerConnectionFactory;
    use crate::audio_source::native::NativeAudioSource;
    use crate::audio_track::RtcAudioTrack;
    use crate::video_source::native::NativeVideoSource;
    use crate::video_track::RtcVideoTrack;

    /// Declares the methods about devices with the answer of a host that has none.
    macro_rules! no_devices {
        ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $answer:expr;)+) => {
            /// Makes tracks. All methods about devices answer as on a host without any.
            pub trait PeerConnectionFactoryExt {
                /// A video track; sending it is refused with
                /// [`RtcErrorType::Unsupported`](crate::RtcErrorType::Unsupported).
                fn create_video_track(&self, label: &str, source: NativeVideoSource) -> RtcVideoTrack;
                /// An audio track that sends what is captured into `source`.
                fn create_audio_track(&self, label: &str, source: NativeAudioSource) -> RtcAudioTrack;
                /// A track of a microphone that does not exist; sending it is refused with
                /// [`RtcErrorType::Unsupported`](crate::RtcErrorType::Unsupported).
                fn create_device_audio_track(&self, label: &str) -> RtcAudioTrack;
                $($(#[$doc])* fn $name(&self, $($arg: $ty),*) $(-> $ret)?;)+
            }

            impl PeerConnectionFactoryExt for PeerConnectionFactory {
                fn create_video_track(&self, label: &str, _: NativeVideoSource) -> RtcVideoTrack {
                    RtcVideoTrack::new(label)
                }

                fn create_audio_track(&self, label: &str, source: NativeAudioSource) -> RtcAudioTrack {
                    RtcAudioTrack::local(label.to_owned(), source)
                }

                fn create_device_audio_track(&self, label: &str) -> RtcAudioTrack {
                    RtcAudioTrack::remote(label.to_owned())
                }

                $(fn $name(&self, $(_: $ty),*) $(-> $ret)? { $answer })+
            }
        };
    }

    no_devices! {
        /// 0.
        fn playout_devices() -> i16 = 0;
        /// 0.
        fn recording_devices() -> i16 = 0;
        /// Empty.
        fn playout_device_name(index: u16) -> String = String::new();
        /// Empty.
        fn recording_device_name(index: u16) -> String = String::new();
        /// Empty.
        fn playout_device_guid(index: u16) -> String = String::new();
        /// Empty.
        fn recording_device_guid(index: u16) -> String = String::new();
        /// `false`: there is no such device.
        fn set_playout_device(index: u16) -> bool = false;
        /// `false`: there is no such device.
        fn set_recording_device(index: u16) -> bool = false;
        /// `false`: there is no such device.
        fn set_playout_device_by_guid(guid: &str) -> bool = false;
        /// `false`: there is no such device.
        fn set_recording_device_by_guid(guid: &str) -> bool = false;
        /// `false`: nothing runs.
        fn stop_recording() -> bool = false;
        /// `false`: there is no device.
        fn init_recording() -> bool = false;
        /// `false`: there is no device.
        fn start_recording() -> bool = false;
        /// `false`.
        fn recording_is_initialized() -> bool = false;
        /// `false`: nothing runs.
        fn stop_playout() -> bool = false;
        /// `false`: there is no device.
        fn init_playout() -> bool = false;
        /// `false`: there is no device.
        fn start_playout() -> bool = false;
        /// `false`.
        fn playout_is_initialized() -> bool = false;
        /// `false`.
        fn builtin_aec_is_available() -> bool = false;
        /// `false`.
        fn builtin_agc_is_available() -> bool = false;
        /// `false`.
        fn builtin_ns_is_available() -> bool = false;
        /// `false`: not available.
        fn enable_builtin_aec(enable: bool) -> bool = false;
        /// `false`: not available.
        fn enable_builtin_agc(enable: bool) -> bool = false;
        /// `false`: not available.
        fn enable_builtin_ns(enable: bool) -> bool = false;
        /// No effect.
        fn set_adm_recording_enabled(enabled: bool) = ();
        /// `false`.
        fn adm_recording_enabled() -> bool = false;
        /// No effect.
        fn set_adm_playout_enabled(enabled: bool) = ();
        /// `false`.
        fn adm_playout_enabled() -> bool = false;
        /// `false`: there is no device module.
        fn acquire_platform_adm() -> bool = false;
        /// No effect.
        fn release_platform_adm() = ();
        /// 0.
        fn platform_adm_ref_count() -> i32 = 0;
        /// `false`.
        fn is_platform_adm_active() -> bool = false;
    }
}
