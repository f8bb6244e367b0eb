//! An address at which a peer may be reached.

use std::fmt;

use crate::session_description::SdpParseError;

/// An ICE candidate as it travels over signalling: the attribute text and the section it belongs to.
#[derive(Clone)]
pub struct IceCandidate {
    sdp_mid: String,
    sdp_mline_index: i32,
    candidate: String,
}

impl IceCandidate {
    /// Takes a candidate from signalling. `sdp` is the attribute value with or without `a=`; an empty
    /// one means "no more candidates". Its content is only looked at when it is added.
    ///
    /// # Errors
    /// [`SdpParseError`] if the text is not a candidate attribute at all.
    pub fn parse(sdp_mid: &str, sdp_mline_index: i32, sdp: &str) -> Result<Self, SdpParseError> {
        let candidate = sdp.trim().trim_start_matches("a=").to_owned();
        if !candidate.is_empty() && !candidate.starts_with("candidate:") {
            let description = "expected a candidate attribute".to_owned();
            return Err(SdpParseError {
                line: candidate,
                description,
            });
        }
        Ok(Self {
            sdp_mid: sdp_mid.to_owned(),
            sdp_mline_index,
            candidate,
        })
    }

    pub(crate) fn local(sdp_mid: String, candidate: &str) -> Self {
        let candidate = candidate.trim().trim_start_matches("a=").to_owned();
        Self {
            sdp_mid,
            sdp_mline_index: 0,
            candidate,
        }
    }

    /// The section it belongs to. All sections share one transport, so this is informative.
    pub fn sdp_mid(&self) -> String {
        self.sdp_mid.clone()
    }

    /// The position of that section.
    pub fn sdp_mline_index(&self) -> i32 {
        self.sdp_mline_index
    }

    /// `candidate:…`, as it stands in an SDP attribute.
    pub fn candidate(&self) -> String {
        self.candidate.clone()
    }
}

impl fmt::Display for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.candidate)
    }
}

impl fmt::Debug for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidate")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::IceCandidate;

    const HOST: &str = "candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host";

    #[test]
    fn keeps_the_text_and_drops_the_prefix() {
        let candidate = IceCandidate::parse("0", 0, &format!("a={HOST}")).expect("parses");
        assert_eq!(candidate.candidate(), HOST);
        assert_eq!(candidate.to_string(), HOST);
        assert!(IceCandidate::parse("0", 0, "").is_ok(), "end of candidates");
        assert!(IceCandidate::parse("0", 0, "nonsense").is_err());
    }
}
