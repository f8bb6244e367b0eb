//! The installation's master keys, in a local file.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use aes_gcm::Aes256Gcm;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use zeroize::Zeroizing;

use super::{
    SealError,
    envelope::{self, DataKey, KEY_LEN, WrappedKey},
};
use crate::domain::ids::TenantId;

/// Number of a master key; never used twice.
pub type MasterKeyId = u32;

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It could not be read or written.
    #[error("use key file {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line is not `<number> <base64 of 32 bytes>`, or a number occurs twice.
    #[error(
        "key file {path}, line {line}: expected `<number> <32 bytes in base64>`, each number once"
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("key file {path} holds no key")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// Master keys. A cheap clone.
///
/// The file has one key per line, `<number> <base64>`; the first wraps new data keys, all unwrap. `#` starts a comment.
#[derive(Clone)]
pub struct Keyring {
    keys: Arc<Vec<(MasterKeyId, Aes256Gcm)>>,
}

impl Keyring {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyringError`] names the file and the line, never the key.
    pub fn load(path: &Path) -> Result<Self, KeyringError> {
        let text =
            Zeroizing::new(fs::read_to_string(path).map_err(|source| io_error(path, source))?);
        let mut keys: Vec<(MasterKeyId, Aes256Gcm)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, key) = parse_line(line)
                .filter(|(id, _)| keys.iter().all(|(known, _)| known != id))
                .ok_or_else(|| KeyringError::Malformed {
                    path: path.to_owned(),
                    line: index + 1,
                })?;
            keys.push((id, envelope::cipher(&key)));
        }
        if keys.is_empty() {
            return Err(KeyringError::Empty {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            keys: Arc::new(keys),
        })
    }

    /// Writes a new key file with one key, readable by its owner only.
    ///
    /// # Errors
    /// [`KeyringError::Io`], also when the file exists: keys are never overwritten.
    pub fn generate(path: &Path) -> Result<(), KeyringError> {
        write_new(path, key_line(1).as_bytes()).map_err(|source| io_error(path, source))
    }

    /// Puts a fresh key before the others; the old ones stay and still open. Returns the new key's number.
    ///
    /// # Errors
    /// As [`Self::load`] and [`Self::generate`].
    pub fn rotate(path: &Path) -> Result<MasterKeyId, KeyringError> {
        let current = Self::load(path)?;
        let id = current.keys.iter().map(|(id, _)| *id).max().unwrap_or(0) + 1;
        let old =
            Zeroizing::new(fs::read_to_string(path).map_err(|source| io_error(path, source))?);
        let text = Zeroizing::new(format!("{}{}", key_line(id).as_str(), old.as_str()));
        let fresh = path.with_extension("new");
        write_new(&fresh, text.as_bytes()).map_err(|source| io_error(&fresh, source))?;
        fs::rename(&fresh, path).map_err(|source| io_error(path, source))?;
        Ok(id)
    }

    /// The key that wraps now.
    #[must_use]
    pub fn current(&self) -> MasterKeyId {
        self.keys[0].0
    }

    /// Wraps a tenant's data key under the current master key.
    #[must_use]
    pub fn wrap(&self, tenant: TenantId, key: &DataKey) -> WrappedKey {
        let (master, cipher) = &self.keys[0];
        let wrapped = envelope::seal(
            cipher,
            *master,
            &context(tenant, key.id),
            key.bytes.as_ref(),
        );
        WrappedKey {
            id: key.id,
            wrapped,
        }
    }

    /// Unwraps a tenant's data key.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] if the master key is not in the file; [`SealError::Forged`] if it is another tenant's.
    pub fn unwrap_key(&self, tenant: TenantId, wrapped: &WrappedKey) -> Result<DataKey, SealError> {
        let sealed = wrapped.wrapped.as_bytes();
        let master = envelope::key_id(sealed)?;
        let (_, cipher) = self
            .keys
            .iter()
            .find(|(id, _)| *id == master)
            .ok_or(SealError::UnknownKey(master))?;
        let plain = envelope::open(cipher, &context(tenant, wrapped.id), sealed)?;
        let bytes =
            <[u8; KEY_LEN]>::try_from(plain.as_slice()).map_err(|_| SealError::Malformed)?;
        Ok(DataKey {
            id: wrapped.id,
            bytes: Zeroizing::new(bytes),
        })
    }

    /// Whether this data key is wrapped by an older master key.
    #[must_use]
    pub fn is_stale(&self, wrapped: &WrappedKey) -> bool {
        envelope::key_id(wrapped.wrapped.as_bytes()) != Ok(self.current())
    }
}

fn context(tenant: TenantId, key_id: u32) -> Vec<u8> {
    [
        b"neurality/data-key/1".as_slice(),
        tenant.as_uuid().as_bytes(),
        &key_id.to_be_bytes(),
    ]
    .concat()
}

fn parse_line(line: &str) -> Option<(MasterKeyId, Zeroizing<[u8; KEY_LEN]>)> {
    let (id, key) = line.split_once(char::is_whitespace)?;
    let bytes = Zeroizing::new(BASE64.decode(key.trim()).ok()?);
    Some((
        id.parse().ok()?,
        Zeroizing::new(bytes.as_slice().try_into().ok()?),
    ))
}

fn key_line(id: MasterKeyId) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "{id} {}\n",
        BASE64.encode(envelope::random_key().as_ref())
    ))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn io_error(path: &Path, source: io::Error) -> KeyringError {
    KeyringError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("master.keys");
        (dir, path)
    }

    #[test]
    fn a_generated_file_is_private_and_is_never_overwritten() {
        let (_dir, path) = file();
        Keyring::generate(&path).expect("generate");
        let mode = fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(Keyring::generate(&path).is_err());
    }

    #[test]
    fn after_a_rotation_old_wraps_still_open_and_are_stale() {
        let (_dir, path) = file();
        Keyring::generate(&path).expect("generate");
        let tenant = TenantId::generate();
        let data_key = DataKey::generate(1);
        let wrapped = Keyring::load(&path).expect("load").wrap(tenant, &data_key);
        assert_eq!(Keyring::rotate(&path).expect("rotate"), 2);
        let rotated = Keyring::load(&path).expect("load");
        assert_eq!(rotated.current(), 2);
        assert!(rotated.is_stale(&wrapped));
        let opened = rotated
            .unwrap_key(tenant, &wrapped)
            .expect("old master key is kept");
        assert_eq!(opened.bytes, data_key.bytes);
        assert!(!rotated.is_stale(&rotated.wrap(tenant, &opened)));
    }

    #[test]
    fn a_wrapped_key_of_another_tenant_or_number_does_not_open() {
        let (_dir, path) = file();
        Keyring::generate(&path).expect("generate");
        let ring = Keyring::load(&path).expect("load");
        let tenant = TenantId::generate();
        let wrapped = ring.wrap(tenant, &DataKey::generate(1));
        assert_eq!(
            ring.unwrap_key(TenantId::generate(), &wrapped).err(),
            Some(SealError::Forged)
        );
        let renumbered = WrappedKey { id: 2, ..wrapped };
        assert_eq!(
            ring.unwrap_key(tenant, &renumbered).err(),
            Some(SealError::Forged)
        );
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let (_dir, path) = file();
        fs::write(&path, "# comment\n1 dG9vIHNob3J0\n").expect("write");
        assert!(matches!(
            Keyring::load(&path),
            Err(KeyringError::Malformed { line: 2, .. })
        ));
        fs::write(&path, "\n").expect("write");
        assert!(matches!(
            Keyring::load(&path),
            Err(KeyringError::Empty { .. })
        ));
    }
}
