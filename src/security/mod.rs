//! Keys and sealed fields.
//!
//! Three layers, outermost first:
//!
//! 1. [`Keyring`] — master keys of the installation, read from a local file. Several may be in it: the first is current, the others still open what they wrapped.
//! 2. [`DataKey`] — one per tenant (more after a rotation), stored wrapped by a master key in `tenant_keys`.
//! 3. [`TenantSealer`] — what the rest of the system holds: seals and opens fields of one tenant, looks patients up by blind index, chains the audit.
//!
//! A sealed value is bound to tenant, table, column and row ([`Aad`]): copied anywhere else it does not open. See `docs/adr/0008-keys-and-blind-indexes.md`.

mod envelope;
mod keyring;
mod sealer;

pub use self::{
    envelope::{Aad, DataKey, Sealed, WrappedKey},
    keyring::{Keyring, KeyringError, MasterKeyId},
    sealer::{BlindIndex, ChainLink, ChainMac, ChainStatement, IdempotencyKey, TenantSealer},
};

/// A sealed value or wrapped key that cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short, or of a format that this version does not know.
    #[error("not a sealed value")]
    Malformed,
    /// Sealed by a key that is not at hand: a key file without an old master key, or a tenant key that was destroyed.
    #[error("sealed by unknown key {0}")]
    UnknownKey(u32),
    /// Altered, or moved here from another tenant, table, column or row.
    #[error("sealed value does not belong here or was altered")]
    Forged,
}
