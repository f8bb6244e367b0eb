//! What the engine has to do after an agreement.

use std::sync::Arc;

use super::TransceiverCore;
use super::lines::{Content, Line};
use super::negotiate::common;
use crate::RtcError;
use crate::media_stream_track::MediaStreamTrack;
use crate::sdp::write::{AUDIO_LEVEL, numbers};
use crate::sdp::{IceCredentials, Kind, Sdp, Section, Setup};

/// The agreed transport and media, complete: the engine compares it with what runs.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) local: IceCredentials,
    pub(crate) remote: IceCredentials,
    /// Whether we choose the path.
    pub(crate) controlling: bool,
    /// Of the peer's certificate.
    pub(crate) fingerprint: String,
    /// Whether we open the DTLS connection.
    pub(crate) dtls_active: bool,
    /// Whether there are data channels.
    pub(crate) data: bool,
    pub(crate) media: Vec<MediaPlan>,
    /// Candidates in the peer's text.
    pub(crate) candidates: Vec<String>,
}

/// One section that carries audio or video.
#[derive(Clone)]
pub(crate) struct MediaPlan {
    pub(crate) mid: String,
    pub(crate) core: Arc<TransceiverCore>,
    pub(crate) send: Option<SendPlan>,
    pub(crate) receive: Option<ReceivePlan>,
}

/// What we send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SendPlan {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    /// Whether the peer wants to know how loud each packet is.
    pub(crate) audio_level: bool,
}

/// What we receive.
#[derive(Clone)]
pub(crate) struct ReceivePlan {
    /// Unknown if the peer announces none: then packets are told by their section id.
    pub(crate) ssrc: Option<u32>,
    /// The number of Opus.
    pub(crate) payload_type: u8,
    pub(crate) track: MediaStreamTrack,
}

impl Plan {
    pub(super) fn new(
        credentials: &IceCredentials,
        lines: &[Line],
        local: &Sdp,
        remote: &Sdp,
        offered: bool,
    ) -> Result<Self, RtcError> {
        let missing = |what: &str| RtcError::sdp(format!("the remote description has no {what}"));
        let answer = if offered { remote } else { local };
        // Who is active stands in the answer; RFC 5763: active if it does not say.
        let answerer_active = answer.setup() != Some(Setup::Passive);
        let sections = lines
            .iter()
            .zip(local.sections.iter().zip(&remote.sections));
        Ok(Self {
            local: credentials.clone(),
            remote: remote
                .ice_credentials()
                .ok_or_else(|| missing("ICE credentials"))?,
            controlling: offered || remote.is_ice_lite(),
            fingerprint: remote
                .fingerprint()
                .ok_or_else(|| missing("fingerprint"))?
                .to_owned(),
            dtls_active: answerer_active != offered,
            data: sections.clone().any(|(line, (_, theirs))| {
                matches!(line.content, Content::Data) && !theirs.is_rejected()
            }),
            media: sections
                .filter_map(|(line, (own, theirs))| media(line, own, theirs))
                .collect(),
            candidates: remote.candidates().collect(),
        })
    }
}

fn media(line: &Line, own: &Section, theirs: &Section) -> Option<MediaPlan> {
    let Content::Media(core) = &line.content else {
        return None;
    };
    let direction = common(own, theirs);
    let mut plan = MediaPlan {
        mid: line.mid.clone(),
        core: core.clone(),
        send: None,
        receive: None,
    };
    if core.kind == Kind::Audio {
        let payload_type = theirs.payload_type("opus").unwrap_or(numbers::OPUS);
        plan.send = direction
            .sends()
            .then(|| sending(core, theirs, payload_type));
        plan.receive = direction
            .receives()
            .then(|| receiving(core, theirs, payload_type))
            .flatten();
    }
    Some(plan)
}

fn sending(core: &TransceiverCore, theirs: &Section, payload_type: u8) -> SendPlan {
    SendPlan {
        ssrc: core.state().sender.ssrc,
        payload_type,
        audio_level: theirs.extension(AUDIO_LEVEL) == Some(numbers::AUDIO_LEVEL),
    }
}

fn receiving(core: &TransceiverCore, theirs: &Section, payload_type: u8) -> Option<ReceivePlan> {
    let track = core.state().receiver.track.clone()?;
    Some(ReceivePlan {
        ssrc: theirs.ssrc(),
        payload_type,
        track,
    })
}
