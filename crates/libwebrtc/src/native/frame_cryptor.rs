//! End-to-end encryption. Not supported: every operation fails, and nothing is passed off as encrypted.
//!
//! A [`FrameCryptor`] cannot report failure from its constructor, so an enabled one *stops its
//! sender*: media that was meant to be encrypted never leaves in the clear.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::RtcError;
use crate::callback::Callback;
use crate::native::packet_trailer::PacketTrailerHandler;
use crate::peer_connection_factory::PeerConnectionFactory;
use crate::rtp_receiver::RtpReceiver;
use crate::rtp_sender::RtpSender;

/// Told when a cryptor changes state: participant and new state.
pub type OnStateChange = Box<dyn FnMut(String, EncryptionState) + Send + Sync>;
type StateChangeFn = dyn FnMut(String, EncryptionState) + Send + Sync;

/// How a key is made from a passphrase.
#[derive(Copy, Clone, Debug)]
#[non_exhaustive]
pub enum KeyDerivationAlgorithm {
    /// Password-based, iterated.
    PBKDF2,
    /// Extract and expand.
    HKDF,
}

/// How keys are kept.
#[derive(Debug, Clone)]
pub struct KeyProviderOptions {
    /// One key for all participants.
    pub shared_key: bool,
    /// How many ratchet steps to try.
    pub ratchet_window_size: i32,
    /// Salt of a ratchet step.
    pub ratchet_salt: Vec<u8>,
    /// Failures in a row to accept; -1 for any number.
    pub failure_tolerance: i32,
    /// How many keys to keep.
    pub key_ring_size: i32,
    /// From passphrase to key.
    pub key_derivation_algorithm: KeyDerivationAlgorithm,
}

/// The cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionAlgorithm {
    /// AES in Galois/counter mode.
    AesGcm,
    /// AES in block chaining mode.
    AesCbc,
}

/// What a cryptor last met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionState {
    /// Nothing yet.
    New,
    /// It works.
    Ok,
    /// A frame could not be encrypted.
    EncryptionFailed,
    /// A frame could not be decrypted.
    DecryptionFailed,
    /// There is no key.
    MissingKey,
    /// The key was ratcheted.
    KeyRatcheted,
    /// Anything else.
    InternalError,
}

/// A data packet after encryption.
#[derive(Debug, Clone)]
pub struct EncryptedPacket {
    /// The cipher text.
    pub data: Vec<u8>,
    /// The initialisation vector.
    pub iv: Vec<u8>,
    /// Which key.
    pub key_index: u32,
}

/// A key ring that refuses keys.
#[derive(Clone, Debug)]
pub struct KeyProvider;

impl KeyProvider {
    /// An empty ring.
    pub fn new(_options: KeyProviderOptions) -> Self {
        tracing::warn!("end-to-end encryption is not supported: media under it will not flow");
        Self
    }

    /// Refuses the key: always `false`.
    pub fn set_shared_key(&self, _key_index: i32, _key: Vec<u8>) -> bool {
        false
    }

    /// Always `None`.
    pub fn ratchet_shared_key(&self, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    /// Always `None`.
    pub fn get_shared_key(&self, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    /// Refuses the key: always `false`.
    pub fn set_key(&self, _participant_id: String, _key_index: i32, _key: Vec<u8>) -> bool {
        false
    }

    /// Always `None`.
    pub fn ratchet_key(&self, _participant_id: String, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    /// Always `None`.
    pub fn get_key(&self, _participant_id: String, _key_index: i32) -> Option<Vec<u8>> {
        None
    }

    /// Has no effect.
    pub fn set_sif_trailer(&self, _trailer: Vec<u8>) {}
}

/// Blocks the sender it is attached to while it is enabled.
#[derive(Clone)]
pub struct FrameCryptor {
    inner: Arc<Inner>,
}

struct Inner {
    participant_id: String,
    sender: Option<RtpSender>,
    enabled: AtomicBool,
    key_index: AtomicI32,
    on_state_change: Callback<StateChangeFn>,
}

impl fmt::Debug for FrameCryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameCryptor")
            .field("participant_id", &self.inner.participant_id)
            .finish()
    }
}

impl FrameCryptor {
    fn new(participant_id: String, sender: Option<RtpSender>) -> Self {
        let inner = Inner {
            participant_id,
            sender,
            enabled: AtomicBool::new(false),
            key_index: AtomicI32::new(0),
            on_state_change: Callback::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// For what is sent.
    pub fn new_for_rtp_sender(
        _factory: &PeerConnectionFactory,
        participant_id: String,
        _algorithm: EncryptionAlgorithm,
        _key_provider: KeyProvider,
        sender: RtpSender,
    ) -> Self {
        Self::new(participant_id, Some(sender))
    }

    /// For what is received. Encrypted frames do not decode, so nothing needs to be blocked.
    pub fn new_for_rtp_receiver(
        _factory: &PeerConnectionFactory,
        participant_id: String,
        _algorithm: EncryptionAlgorithm,
        _key_provider: KeyProvider,
        _receiver: RtpReceiver,
    ) -> Self {
        Self::new(participant_id, None)
    }

    /// Enabling blocks the sender and reports [`EncryptionState::InternalError`].
    pub fn set_enabled(&self, enabled: bool) {
        self.inner.enabled.store(enabled, Ordering::Release);
        if let Some(sender) = &self.inner.sender {
            sender.block(enabled);
        }
        if enabled {
            self.report();
        }
    }

    fn report(&self) {
        let id = self.inner.participant_id.clone();
        self.inner
            .on_state_change
            .call(|f| f(id, EncryptionState::InternalError));
    }

    /// The flag of [`Self::set_enabled`].
    pub fn enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Acquire)
    }

    /// Has no effect beyond [`Self::key_index`].
    pub fn set_key_index(&self, index: i32) {
        self.inner.key_index.store(index, Ordering::Release);
    }

    /// The index set before.
    pub fn key_index(&self) -> i32 {
        self.inner.key_index.load(Ordering::Acquire)
    }

    /// Whose media.
    pub fn participant_id(&self) -> String {
        self.inner.participant_id.clone()
    }

    /// Sets the callback, and calls it at once if the cryptor is already enabled.
    pub fn on_state_change(&self, handler: Option<OnStateChange>) {
        self.inner.on_state_change.set(handler);
        if self.enabled() {
            self.report();
        }
    }

    /// Has no effect.
    pub fn set_packet_trailer_handler(&self, _handler: &PacketTrailerHandler) {}
}

/// Encrypts data packets: always fails.
#[derive(Clone, Debug)]
pub struct DataPacketCryptor;

impl DataPacketCryptor {
    /// A cryptor that refuses.
    pub fn new(_algorithm: EncryptionAlgorithm, _key_provider: KeyProvider) -> Self {
        Self
    }

    /// # Errors
    /// Always [`RtcErrorType::Unsupported`](crate::RtcErrorType::Unsupported).
    pub fn encrypt(
        &self,
        _participant_id: &str,
        _key_index: u32,
        _data: &[u8],
    ) -> Result<EncryptedPacket, Box<dyn std::error::Error>> {
        Err(RtcError::unsupported("end-to-end encryption").into())
    }

    /// # Errors
    /// Always [`RtcErrorType::Unsupported`](crate::RtcErrorType::Unsupported).
    pub fn decrypt(
        &self,
        _participant_id: &str,
        _packet: &EncryptedPacket,
    ) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        Err(RtcError::unsupported("end-to-end encryption").into())
    }
}
