//! Values that must not be printed.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret given as text or as `{ file: PATH }`; trailing newlines of a file are dropped.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret from plain text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The bare text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Nothing was configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Source {
            Text(String),
            File { file: PathBuf },
        }
        match Source::deserialize(deserializer)? {
            Source::Text(text) => Ok(Self::new(&text)),
            Source::File { file } => std::fs::read_to_string(&file)
                .map(|text| Self::new(text.trim_end_matches(['\n', '\r'])))
                .map_err(|e| {
                    serde::de::Error::custom(format!("read secret file {}: {e}", file.display()))
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_a_file_and_never_printed() {
        let file = tempfile::NamedTempFile::new().expect("temp file");
        std::fs::write(file.path(), "hunter2\n").expect("write");
        let json = format!(r#"{{"file": {:?}}}"#, file.path());
        let secret: Secret = serde_json::from_str(&json).expect("parse");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret:?}"), "[secret]");
    }
}
