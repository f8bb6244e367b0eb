//! How media is encoded and marked on the wire.

use crate::rtp_transceiver::RtpTransceiverDirection;

/// Importance relative to other traffic. Recorded, without effect.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Priority {
    /// Below all else.
    VeryLow,
    /// The default.
    Low,
    /// Above the default.
    Medium,
    /// First.
    High,
}

/// What a video encoder gives up first. Recorded, without effect.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Default)]
pub enum DegradationPreference {
    /// Neither; drop frames.
    MaintainFramerateAndResolution,
    /// The resolution.
    MaintainFramerate,
    /// The frame rate.
    MaintainResolution,
    /// A bit of both.
    #[default]
    Balanced,
}

/// A header extension in use.
#[derive(Debug, Clone)]
pub struct RtpHeaderExtensionParameters {
    /// What it is.
    pub uri: String,
    /// Its number on the wire.
    pub id: i32,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// Everything that is set up for one sender or receiver.
#[derive(Debug, Clone, Default)]
pub struct RtpParameters {
    /// Codecs in order of preference.
    pub codecs: Vec<RtpCodecParameters>,
    /// Header extensions in use.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// One per simulcast layer; exactly one for audio.
    pub encodings: Vec<RtpEncodingParameters>,
    /// Control protocol settings.
    pub rtcp: RtcpParameters,
    pub(crate) degradation_preference: Option<DegradationPreference>,
}

impl RtpParameters {
    /// Records what to give up first.
    pub fn set_degradation_preference(&mut self, preference: DegradationPreference) {
        self.degradation_preference = Some(preference);
    }

    /// What was recorded.
    pub fn degradation_preference(&self) -> Option<DegradationPreference> {
        self.degradation_preference
    }
}

/// A codec in use.
#[derive(Debug, Clone, Default)]
pub struct RtpCodecParameters {
    /// Its number on the wire.
    pub payload_type: u8,
    /// For example `audio/opus`.
    pub mime_type: String,
    /// In Hz.
    pub clock_rate: Option<u64>,
    /// For audio.
    pub channels: Option<u16>,
}

/// Control protocol settings.
#[derive(Debug, Clone, Default)]
pub struct RtcpParameters {
    /// The canonical name in source descriptions.
    pub cname: String,
    /// Whether reports may be sent alone.
    pub reduced_size: bool,
}

/// One encoding of a track.
#[derive(Debug, Clone)]
pub struct RtpEncodingParameters {
    /// Whether it is sent.
    pub active: bool,
    /// In bits per second; for audio the target of the encoder.
    pub max_bitrate: Option<u64>,
    /// In frames per second.
    pub max_framerate: Option<f64>,
    /// Recorded, without effect.
    pub priority: Priority,
    /// Name of the layer, empty without simulcast.
    pub rid: String,
    /// Divisor of width and height.
    pub scale_resolution_down_by: Option<f64>,
    /// For scalable video codecs.
    pub scalability_mode: Option<String>,
    /// Whether `ssrc` means anything.
    pub has_ssrc: bool,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        Self {
            active: true,
            max_bitrate: None,
            max_framerate: None,
            priority: Priority::Low,
            rid: String::new(),
            scale_resolution_down_by: None,
            scalability_mode: None,
            has_ssrc: false,
            ssrc: 0,
        }
    }
}

/// A codec that could be used.
#[derive(Debug, Clone)]
pub struct RtpCodecCapability {
    /// For audio.
    pub channels: Option<u16>,
    /// In Hz.
    pub clock_rate: Option<u64>,
    /// For example `audio/opus`.
    pub mime_type: String,
    /// Format parameters as they stand in a session description.
    pub sdp_fmtp_line: Option<String>,
}

/// A header extension that could be used.
#[derive(Debug, Clone)]
pub struct RtpHeaderExtensionCapability {
    /// What it is.
    pub uri: String,
    /// Which way.
    pub direction: RtpTransceiverDirection,
}

/// All that could be negotiated.
#[derive(Debug, Clone)]
pub struct RtpCapabilities {
    /// Codecs.
    pub codecs: Vec<RtpCodecCapability>,
    /// Header extensions.
    pub header_extensions: Vec<RtpHeaderExtensionCapability>,
}
