//! One m-section and the attributes of it that matter here.

use super::{Attribute, find};
use crate::rtp_transceiver::RtpTransceiverDirection;

/// What a section carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio,
    Video,
    Data,
    Other,
}

/// Who sends, from the point of view of the description's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub(crate) fn new(send: bool, receive: bool) -> Self {
        match (send, receive) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    pub(crate) fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    pub(crate) fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }
}

impl From<RtpTransceiverDirection> for Direction {
    fn from(direction: RtpTransceiverDirection) -> Self {
        match direction {
            RtpTransceiverDirection::SendRecv => Self::SendRecv,
            RtpTransceiverDirection::SendOnly => Self::SendOnly,
            RtpTransceiverDirection::RecvOnly => Self::RecvOnly,
            RtpTransceiverDirection::Inactive | RtpTransceiverDirection::Stopped => Self::Inactive,
        }
    }
}

impl From<Direction> for RtpTransceiverDirection {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::SendRecv => Self::SendRecv,
            Direction::SendOnly => Self::SendOnly,
            Direction::RecvOnly => Self::RecvOnly,
            Direction::Inactive => Self::Inactive,
        }
    }
}

/// Who opens the DTLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setup {
    Active,
    Passive,
    ActPass,
}

impl Setup {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "passive" => Some(Self::Passive),
            "actpass" => Some(Self::ActPass),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
        }
    }
}

/// Stream and track of what a section sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Msid {
    /// Empty if the track is in no stream.
    pub(crate) stream: String,
    pub(crate) track: String,
}

/// One m-section.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    /// The first word of the m-line, to be echoed when a section is refused.
    pub(crate) media: String,
    pub(crate) port: u16,
    pub(crate) protocol: String,
    pub(crate) formats: Vec<String>,
    pub(crate) attributes: Vec<Attribute>,
}

impl Section {
    /// Reads what follows `m=`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut words = text.split_ascii_whitespace();
        let (Some(media), Some(port), Some(protocol)) = (words.next(), words.next(), words.next())
        else {
            return Err("expected <media> <port> <protocol> <formats>");
        };
        // A port may be followed by "/<number of ports>".
        let port = port
            .split('/')
            .next()
            .and_then(|p| p.parse().ok())
            .ok_or("expected a port")?;
        let kind = match (media, protocol.contains("RTP/")) {
            ("audio", true) => Kind::Audio,
            ("video", true) => Kind::Video,
            ("application", false) => Kind::Data,
            _ => Kind::Other,
        };
        Ok(Self {
            kind,
            media: media.to_owned(),
            port,
            protocol: protocol.to_owned(),
            formats: words.map(str::to_owned).collect(),
            attributes: Vec::new(),
        })
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes
            .iter()
            .filter(move |a| a.name == name)
            .map(|a| a.value.as_str())
    }

    pub(crate) fn mid(&self) -> Option<&str> {
        self.value("mid")
    }

    /// Refused, unless the zero port only means "look at the section I am bundled with".
    pub(crate) fn is_rejected(&self) -> bool {
        self.port == 0 && self.value("bundle-only").is_none()
    }

    pub(crate) fn direction(&self) -> Direction {
        let all = [
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::Inactive,
        ];
        let given = all.into_iter().find(|d| self.value(d.name()).is_some());
        given.unwrap_or(Direction::SendRecv)
    }

    /// The number that stands for a codec, by its name in `rtpmap`.
    pub(crate) fn payload_type(&self, codec: &str) -> Option<u8> {
        self.values("rtpmap").find_map(|map| {
            let (number, rest) = map.split_once(' ')?;
            let name = rest.split('/').next()?;
            name.eq_ignore_ascii_case(codec)
                .then(|| number.parse().ok())?
        })
    }

    /// The number of a header extension.
    pub(crate) fn extension(&self, uri: &str) -> Option<u8> {
        self.values("extmap").find_map(|map| {
            let (number, rest) = map.split_once(' ')?;
            // The number may carry a direction: "3/sendonly".
            let number = number.split('/').next()?;
            (rest.split(' ').next()? == uri).then(|| number.parse().ok())?
        })
    }

    /// The first synchronisation source announced; for audio there is only one.
    pub(crate) fn ssrc(&self) -> Option<u32> {
        self.values("ssrc")
            .find_map(|line| line.split(' ').next()?.parse().ok())
    }

    pub(crate) fn msid(&self) -> Option<Msid> {
        let from_ssrc = || {
            self.values("ssrc")
                .find_map(|line| line.split_once(" msid:"))
        };
        let text = self
            .value("msid")
            .or_else(|| from_ssrc().map(|(_, msid)| msid))?;
        let mut words = text.split_ascii_whitespace();
        let stream = words
            .next()
            .filter(|stream| *stream != "-")
            .unwrap_or_default()
            .to_owned();
        Some(Msid {
            stream,
            track: words.next().unwrap_or_default().to_owned(),
        })
    }
}
