//! Phone numbers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A phone number in E.164 form: `+`, a country digit, at most 15 digits in all.
///
/// A clinic's number is public and may be shown; a patient's is wrapped in [`Phi`](super::phi::Phi).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164(Box<str>);

/// The text is not an E.164 number.
#[derive(Debug, thiserror::Error)]
#[error("not an E.164 phone number")]
pub struct InvalidE164;

impl E164 {
    /// The number with its plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for E164 {
    type Err = InvalidE164;

    fn from_str(text: &str) -> Result<Self, InvalidE164> {
        let digits = text.strip_prefix('+').ok_or(InvalidE164)?;
        let valid = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        valid.then(|| Self(text.into())).ok_or(InvalidE164)
    }
}

impl TryFrom<String> for E164 {
    type Error = InvalidE164;

    fn try_from(text: String) -> Result<Self, InvalidE164> {
        text.parse()
    }
}

impl From<E164> for String {
    fn from(number: E164) -> Self {
        number.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::E164;

    #[test]
    fn accepts_only_plus_and_digits() {
        for good in ["+15550100", "+14158675309", "+493012345678"] {
            assert_eq!(good.parse::<E164>().expect("valid").as_str(), good);
        }
        for bad in [
            "",
            "+",
            "15550100",
            "+0123456789",
            "+1555abc0100",
            "+1234567890123456",
            "anonymous",
            "+1 555 0100",
        ] {
            assert!(bad.parse::<E164>().is_err(), "{bad}");
        }
    }
}
