//! Offers and answers as text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::sdp::Sdp;

/// The role of a description in a negotiation.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SdpType {
    /// Proposes a session.
    Offer,
    /// A provisional answer.
    PrAnswer,
    /// Accepts an offer.
    Answer,
    /// Takes a pending offer back.
    Rollback,
}

impl FromStr for SdpType {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "offer" => Ok(Self::Offer),
            "pranswer" => Ok(Self::PrAnswer),
            "answer" => Ok(Self::Answer),
            "rollback" => Ok(Self::Rollback),
            _ => Err("expected offer, pranswer, answer or rollback"),
        }
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offer => "offer",
            Self::PrAnswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        })
    }
}

/// A text that is not a session description.
#[derive(Clone, thiserror::Error, Debug)]
#[error("cannot parse SDP at {line:?}: {description}")]
pub struct SdpParseError {
    /// The offending line.
    pub line: String,
    /// What was expected.
    pub description: String,
}

/// A parsed offer or answer. Keeps the text as given: what was read in is what is written out.
#[derive(Clone)]
pub struct SessionDescription {
    sdp_type: SdpType,
    text: Arc<str>,
    parsed: Arc<Sdp>,
}

impl SessionDescription {
    /// Reads a description.
    ///
    /// # Errors
    /// [`SdpParseError`] with the first line that cannot be read.
    pub fn parse(sdp: &str, sdp_type: SdpType) -> Result<Self, SdpParseError> {
        let parsed = Arc::new(Sdp::parse(sdp)?);
        Ok(Self {
            sdp_type,
            text: sdp.into(),
            parsed,
        })
    }

    /// Whether this is an offer or an answer.
    pub fn sdp_type(&self) -> SdpType {
        self.sdp_type
    }

    pub(crate) fn sdp(&self) -> &Sdp {
        &self.parsed
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text holds credentials and addresses, which have no place in a log.
        f.debug_struct("SessionDescription")
            .field("sdp_type", &self.sdp_type)
            .finish_non_exhaustive()
    }
}
