//! AES-256-GCM with a header and bound context.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::SealError;
use crate::domain::ids::TenantId;

/// First byte of each sealed value.
const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;
const HEADER_LEN: usize = 1 + 4 + NONCE_LEN;
/// Bytes of every symmetric key here.
pub(super) const KEY_LEN: usize = 32;

/// Where a sealed value lives. It opens nowhere else.
///
/// Values in Redis use the table `redis`, the kind of value as column and the call's id as row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aad {
    /// Table name.
    pub table: &'static str,
    /// Column name.
    pub column: &'static str,
    /// The row's own id.
    pub row: Uuid,
}

impl Aad {
    /// Unambiguous: the two texts carry their lengths.
    fn encode(&self, tenant: TenantId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(tenant.as_uuid().as_bytes());
        for text in [self.table, self.column] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(self.row.as_bytes());
        bytes
    }
}

/// A sealed value as stored: version, key id, nonce, ciphertext, tag. Safe to log, but long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl From<Vec<u8>> for Sealed {
    /// Takes stored bytes; whether they open is found out by opening them.
    fn from(stored: Vec<u8>) -> Self {
        Self(stored)
    }
}

/// Seals with a fresh random nonce. 2^32 values may be sealed under one key before nonces become likely to meet; a tenant key is rotated long before.
pub(super) fn seal(cipher: &Aes256Gcm, key_id: u32, context: &[u8], plain: &[u8]) -> Sealed {
    let mut nonce = [0; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    let payload = Payload {
        msg: plain,
        aad: context,
    };
    let ciphertext = cipher
        .encrypt(&Nonce::from(nonce), payload)
        .expect("AES-GCM takes messages up to 64 GiB");
    let mut bytes = Vec::with_capacity(HEADER_LEN + ciphertext.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&key_id.to_be_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&ciphertext);
    Sealed(bytes)
}

/// Which key sealed this.
pub(super) fn key_id(sealed: &[u8]) -> Result<u32, SealError> {
    match sealed {
        [VERSION, a, b, c, d, rest @ ..] if rest.len() >= NONCE_LEN => {
            Ok(u32::from_be_bytes([*a, *b, *c, *d]))
        }
        _ => Err(SealError::Malformed),
    }
}

/// Opens what [`seal`] sealed under the same key and context.
pub(super) fn open(
    cipher: &Aes256Gcm,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    key_id(sealed)?;
    let (nonce, ciphertext) = sealed[HEADER_LEN - NONCE_LEN..].split_at(NONCE_LEN);
    let nonce = <[u8; NONCE_LEN]>::try_from(nonce).map_err(|_| SealError::Malformed)?;
    let payload = Payload {
        msg: ciphertext,
        aad: context,
    };
    cipher
        .decrypt(&Nonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| SealError::Forged)
}

/// The context of a tenant's field.
pub(super) fn field_context(tenant: TenantId, aad: &Aad) -> Vec<u8> {
    aad.encode(tenant)
}

/// A sub-key for one purpose: HKDF-Expand (RFC 5869) of one block.
pub(super) fn derive(key: &[u8; KEY_LEN], purpose: &str) -> Zeroizing<[u8; KEY_LEN]> {
    let mut mac = hmac(key);
    mac.update(purpose.as_bytes());
    mac.update(&[1]);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// HMAC-SHA-256 under this key.
pub(super) fn hmac(key: &[u8; KEY_LEN]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// A tenant's data key, bare. It lives only while a [`TenantSealer`](super::TenantSealer) is built or the key is wrapped anew.
pub struct DataKey {
    /// Its number within the tenant, from 1.
    pub id: u32,
    pub(super) bytes: Zeroizing<[u8; KEY_LEN]>,
}

impl DataKey {
    /// A fresh key from the operating system's randomness.
    #[must_use]
    pub fn generate(id: u32) -> Self {
        Self {
            id,
            bytes: random_key(),
        }
    }

    pub(super) fn cipher(&self) -> Aes256Gcm {
        cipher(&derive(&self.bytes, "neurality/seal/1"))
    }
}

/// 256 bits from the operating system.
pub(super) fn random_key() -> Zeroizing<[u8; KEY_LEN]> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    OsRng
        .try_fill_bytes(bytes.as_mut())
        .expect("the operating system has randomness");
    bytes
}

pub(super) fn cipher(key: &[u8; KEY_LEN]) -> Aes256Gcm {
    Aes256Gcm::new(key.into())
}

/// A data key as stored in `tenant_keys`.
#[derive(Clone, Debug)]
pub struct WrappedKey {
    /// The data key's number within the tenant.
    pub id: u32,
    /// Sealed by a master key.
    pub wrapped: Sealed,
}
