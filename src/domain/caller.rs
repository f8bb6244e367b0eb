//! Where a call comes from, as far as the network tells.

use serde::{Deserialize, Serialize};

use super::{e164::E164, phi::Phi};

/// How far the network vouches for the caller's number (STIR/SHAKEN). Anybody can write any number into a call: only [`Attestation::Verified`] says whose
/// it is, and it says so of the telephone, not of the person who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attestation {
    /// The caller's own provider signed that the caller may use the number, and the signature holds.
    Verified,
    /// Signed by somebody who knows less of the caller.
    Partial,
    /// Nobody says anything.
    #[default]
    Unknown,
    /// Signed, and the signature does not hold: the number is somebody else's.
    Failed,
}

impl Attestation {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Verified, Self::Partial, Self::Unknown, Self::Failed];

    /// The word in the call's record and row.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Partial => "partial",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }

    /// The value of that word.
    #[must_use]
    pub fn from_label(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Reads Twilio's `StirVerstat` or the `verstat` of a SIP header. Of a diverted or passed-through call the first signature is not the caller's last
    /// way to us, so it vouches for less.
    #[must_use]
    pub fn from_verstat(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        match text.strip_prefix("tn-validation-") {
            Some("passed-a") => Self::Verified,
            Some(rest) if rest.starts_with("passed") => Self::Partial,
            Some(rest) if rest.starts_with("failed") => Self::Failed,
            _ => Self::Unknown,
        }
    }
}

/// What came with the caller's number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallOrigin {
    /// Whether the number is the caller's.
    pub attestation: Attestation,
    /// The number that was dialled first and forwarded the call.
    pub forwarded_from: Option<Phi<E164>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_callers_own_provider_vouches_for_a_number() {
        for (text, expected) in [
            ("TN-Validation-Passed-A", Attestation::Verified),
            (" tn-validation-passed-a ", Attestation::Verified),
            ("TN-Validation-Passed-B", Attestation::Partial),
            ("TN-Validation-Passed-C", Attestation::Partial),
            ("TN-Validation-Passed", Attestation::Partial),
            ("TN-Validation-Passed-A-Diverted", Attestation::Partial),
            ("TN-Validation-Passed-A-Passthrough", Attestation::Partial),
            ("TN-Validation-Failed", Attestation::Failed),
            ("TN-Validation-Failed-A", Attestation::Failed),
            ("TN-Validation-Failed-B-Diverted", Attestation::Failed),
            ("No-TN-Validation", Attestation::Unknown),
            ("", Attestation::Unknown),
            ("Passed-A", Attestation::Unknown),
        ] {
            assert_eq!(Attestation::from_verstat(text), expected, "{text}");
        }
        for one in Attestation::ALL {
            assert_eq!(Attestation::from_label(one.as_str()), Some(one));
        }
    }
}
