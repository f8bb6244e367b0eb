use std::path::PathBuf;

use serde::Deserialize;

/// Keys that seal patient data.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityConfig {
    /// The local key file (`neurality keys generate` writes one): wraps each tenant's data key.
    pub key_file: PathBuf,
}
