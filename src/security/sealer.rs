//! One tenant's keys at work.

use std::{collections::BTreeMap, fmt, sync::Arc};

use aes_gcm::Aes256Gcm;
use chrono::{DateTime, NaiveDate, Utc};
use hmac::Mac;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    Aad, DataKey, SealError, Sealed,
    envelope::{self, KEY_LEN},
};
use crate::domain::{
    e164::E164,
    ids::{CallId, TenantId},
    person_name::index_key,
    phi::Phi,
};

/// A keyed hash by which a sealed field can be found. Equal values of one tenant have equal indexes; nothing else can be read from it.
pub type BlindIndex = [u8; 32];

/// Names one mutation of a call; see `tools::idempotency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub [u8; 32]);

/// Keyed hash of an audit record and of all records before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainMac(pub [u8; 32]);

impl ChainMac {
    /// What the first record follows.
    pub const GENESIS: Self = Self([0; 32]);
}

/// An audit record's place in its tenant's chain.
#[derive(Clone, Copy, Debug)]
pub struct ChainLink<'a> {
    /// From 1, without gaps.
    pub sequence: u64,
    /// The record before.
    pub previous: ChainMac,
    /// The partition's key.
    pub started_at: DateTime<Utc>,
    /// The call.
    pub call: CallId,
    /// The document as stored, sealed.
    pub document: &'a Sealed,
}

/// What a checkpoint of an audit chain states.
#[derive(Clone, Copy, Debug)]
pub struct ChainStatement<'a> {
    /// The record after which it holds.
    pub sequence: u64,
    /// The chain's value there.
    pub head: ChainMac,
    /// The month before which records were taken out, if any were.
    pub detached_before: Option<DateTime<Utc>>,
    /// Records up to `sequence` that stayed then.
    pub kept: &'a [u64],
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

/// Seals and opens one tenant's fields. A cheap clone; keys are wiped when the last clone is gone.
#[derive(Clone)]
pub struct TenantSealer {
    tenant: TenantId,
    keys: Arc<Keys>,
}

struct Keys {
    ciphers: BTreeMap<u32, Aes256Gcm>,
    current: u32,
    blind: Zeroizing<[u8; KEY_LEN]>,
    chain: Zeroizing<[u8; KEY_LEN]>,
    token: Zeroizing<[u8; KEY_LEN]>,
    idempotency: Zeroizing<[u8; KEY_LEN]>,
}

impl TenantSealer {
    /// Takes a tenant's data keys. The newest seals, all open. Blind indexes and the audit chain hang on the oldest, so that a rotation does not
    /// change what is already stored; `None` if there is no key.
    #[must_use]
    pub fn new(tenant: TenantId, data_keys: &[DataKey]) -> Option<Self> {
        let root = data_keys.iter().min_by_key(|key| key.id)?;
        let current = data_keys.iter().map(|key| key.id).max()?;
        let keys = Keys {
            ciphers: data_keys.iter().map(|key| (key.id, key.cipher())).collect(),
            current,
            blind: envelope::derive(&root.bytes, "neurality/blind-index/1"),
            chain: envelope::derive(&root.bytes, "neurality/audit-chain/1"),
            token: envelope::derive(&root.bytes, "neurality/slot-token/1"),
            idempotency: envelope::derive(&root.bytes, "neurality/idempotency/1"),
        };
        Some(Self {
            tenant,
            keys: Arc::new(keys),
        })
    }

    /// Whose keys these are.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Seals a value for its place.
    #[must_use]
    pub fn seal(&self, aad: &Aad, plain: &[u8]) -> Sealed {
        let cipher = &self.keys.ciphers[&self.keys.current];
        envelope::seal(
            cipher,
            self.keys.current,
            &envelope::field_context(self.tenant, aad),
            plain,
        )
    }

    /// Opens a value at its place.
    ///
    /// # Errors
    /// [`SealError`]; no retry helps.
    pub fn open(&self, aad: &Aad, sealed: &Sealed) -> Result<Phi<Zeroizing<Vec<u8>>>, SealError> {
        let id = envelope::key_id(sealed.as_bytes())?;
        let cipher = self
            .keys
            .ciphers
            .get(&id)
            .ok_or(SealError::UnknownKey(id))?;
        envelope::open(
            cipher,
            &envelope::field_context(self.tenant, aad),
            sealed.as_bytes(),
        )
        .map(Phi::new)
    }

    /// Opens a text.
    ///
    /// # Errors
    /// As [`Self::open`]; [`SealError::Malformed`] if it is not UTF-8.
    pub fn open_text(&self, aad: &Aad, sealed: &Sealed) -> Result<Phi<String>, SealError> {
        let plain = self.open(aad, sealed)?;
        let text = std::str::from_utf8(plain.expose()).map_err(|_| SealError::Malformed)?;
        Ok(Phi::new(text.to_owned()))
    }

    /// Seals a value of this kind for a call's keys in Redis.
    #[must_use]
    pub fn seal_for_redis(&self, kind: &'static str, call: CallId, plain: &[u8]) -> Sealed {
        self.seal(&redis_place(kind, call), plain)
    }

    /// Opens a value of this kind from a call's keys in Redis.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_from_redis(
        &self,
        kind: &'static str,
        call: CallId,
        stored: Vec<u8>,
    ) -> Result<Phi<Zeroizing<Vec<u8>>>, SealError> {
        self.open(&redis_place(kind, call), &Sealed::from(stored))
    }

    /// Finds patients and calls by number.
    #[must_use]
    pub fn phone_index(&self, number: &Phi<E164>) -> BlindIndex {
        self.keyed_hash(
            &self.keys.blind,
            "phone",
            &[number.expose().as_str().as_bytes()],
        )
    }

    /// Finds a patient by name and birth date, whatever the name's accents, order, hyphens, title and suffix.
    #[must_use]
    pub fn name_index(&self, name: &Phi<String>, born: &Phi<NaiveDate>) -> BlindIndex {
        let name = Zeroizing::new(index_key(name.expose()));
        self.keyed_hash(
            &self.keys.blind,
            "name",
            &[name.as_bytes(), born.expose().to_string().as_bytes()],
        )
    }

    /// The index of before [`Self::name_index`], by which rows of then are found: case, punctuation and spaces do not matter, accents and the order of
    /// names do.
    #[must_use]
    pub fn person_index(&self, name: &Phi<String>, born: &Phi<NaiveDate>) -> BlindIndex {
        let name: Zeroizing<String> = Zeroizing::new(
            name.expose()
                .chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect(),
        );
        self.keyed_hash(
            &self.keys.blind,
            "person",
            &[name.as_bytes(), born.expose().to_string().as_bytes()],
        )
    }

    /// Names a mutation from its parts; they may hold patient data, the name tells nothing of it.
    #[must_use]
    pub fn idempotency_key(&self, parts: &[&[u8]]) -> IdempotencyKey {
        IdempotencyKey(self.keyed_hash(&self.keys.idempotency, "mutation", parts))
    }

    /// Signs a token that is handed out and must come back unaltered.
    #[must_use]
    pub fn token_tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.keyed_hash(&self.keys.token, "token", parts)
    }

    /// The chain's value after this record.
    #[must_use]
    pub fn chain(&self, link: &ChainLink<'_>) -> ChainMac {
        let call = link.call.as_uuid();
        let parts: [&[u8]; 5] = [
            &link.sequence.to_be_bytes(),
            &link.previous.0,
            &link.started_at.timestamp_micros().to_be_bytes(),
            call.as_bytes(),
            &Sha256::digest(link.document.as_bytes()),
        ];
        ChainMac(self.keyed_hash(&self.keys.chain, "audit", &parts))
    }

    /// Signs a checkpoint of the chain, with the chain's key.
    #[must_use]
    pub fn checkpoint(&self, statement: &ChainStatement<'_>) -> ChainMac {
        let before = statement.detached_before.map(|at| at.timestamp_micros());
        let kept = statement
            .kept
            .iter()
            .flat_map(|sequence| sequence.to_be_bytes());
        let parts: [&[u8]; 6] = [
            &statement.sequence.to_be_bytes(),
            &statement.head.0,
            &[u8::from(before.is_some())],
            &before.unwrap_or_default().to_be_bytes(),
            &kept.collect::<Vec<u8>>(),
            &statement.made_at.timestamp_micros().to_be_bytes(),
        ];
        ChainMac(self.keyed_hash(&self.keys.chain, "checkpoint", &parts))
    }

    /// The tenant is in the key already; it is hashed too so that two tenants who were given one key by mistake still differ.
    fn keyed_hash(&self, key: &[u8; KEY_LEN], kind: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = envelope::hmac(key);
        mac.update(self.tenant.as_uuid().as_bytes());
        let kind = kind.as_bytes();
        for part in std::iter::once(&kind).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn redis_place(kind: &'static str, call: CallId) -> Aad {
    Aad {
        table: "redis",
        column: kind,
        row: call.as_uuid(),
    }
}

impl fmt::Debug for TenantSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantSealer")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const AAD: Aad = Aad {
        table: "patients",
        column: "name",
        row: Uuid::from_u128(7),
    };

    fn sealer(tenant: TenantId) -> TenantSealer {
        TenantSealer::new(tenant, &[DataKey::generate(1)]).expect("one key")
    }

    fn date(text: &str) -> Phi<NaiveDate> {
        Phi::new(text.parse().expect("date"))
    }

    #[test]
    fn a_value_opens_only_at_its_own_tenant_table_column_and_row() {
        let key = DataKey::generate(1);
        let ours =
            TenantSealer::new(TenantId::generate(), std::slice::from_ref(&key)).expect("key");
        let theirs = TenantSealer::new(TenantId::generate(), &[key]).expect("key");
        let sealed = ours.seal(&AAD, b"Maria Lopez");
        assert_eq!(
            ours.open_text(&AAD, &sealed).expect("own place").expose(),
            "Maria Lopez"
        );
        assert_eq!(theirs.open(&AAD, &sealed), Err(SealError::Forged));
        for elsewhere in [
            Aad {
                table: "calls",
                ..AAD
            },
            Aad {
                column: "born",
                ..AAD
            },
            Aad {
                row: Uuid::from_u128(8),
                ..AAD
            },
            Aad {
                table: "patientsn",
                column: "ame",
                ..AAD
            },
        ] {
            assert_eq!(
                ours.open(&elsewhere, &sealed),
                Err(SealError::Forged),
                "{elsewhere:?}"
            );
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let sealer = sealer(TenantId::generate());
        let sealed = sealer.seal(&AAD, b"1980-04-12");
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(
                sealer.open(&AAD, &Sealed::from(bytes)).is_err(),
                "byte {index}"
            );
        }
        assert_eq!(
            sealer.open(&AAD, &Sealed::from(vec![1, 0])),
            Err(SealError::Malformed)
        );
    }

    #[test]
    fn the_newest_key_seals_older_ones_open_and_indexes_survive() {
        let tenant = TenantId::generate();
        let (old, new) = (DataKey::generate(1), DataKey::generate(2));
        let before = TenantSealer::new(tenant, std::slice::from_ref(&old)).expect("key");
        let sealed = before.seal(&AAD, b"text");
        let name = Phi::new("Maria Lopez".to_owned());
        let index = before.person_index(&name, &date("1980-04-12"));
        let after = TenantSealer::new(tenant, &[old, new]).expect("keys");
        assert_eq!(
            after
                .open(&AAD, &sealed)
                .expect("old key is kept")
                .expose()
                .as_slice(),
            b"text"
        );
        assert_eq!(
            before.open(&AAD, &after.seal(&AAD, b"x")),
            Err(SealError::UnknownKey(2))
        );
        assert_eq!(after.person_index(&name, &date("1980-04-12")), index);
    }

    // C47: a person was another one by an accent or by the order of their names.
    #[test]
    fn a_person_is_found_whatever_the_form_of_their_name() {
        let sealer = sealer(TenantId::generate());
        let index =
            |name: &str, born: &str| sealer.name_index(&Phi::new(name.to_owned()), &date(born));
        let maria = index("Maria Lopez", "1980-04-12");
        for form in [
            "María López",
            "LOPEZ, Maria",
            "Lopez Maria",
            "Mrs. Maria Lopez",
            "M-A-R-I-A L-O-P-E-Z",
        ] {
            assert_eq!(index(form, "1980-04-12"), maria, "{form}");
        }
        for other in ["Maria J Lopez", "Mario Lopez", "Maria"] {
            assert_ne!(index(other, "1980-04-12"), maria, "{other}");
        }
        assert_ne!(index("Maria Lopez", "1980-04-13"), maria);
    }

    #[test]
    fn a_person_is_found_whatever_the_spelling_of_spaces_and_case() {
        let sealer = sealer(TenantId::generate());
        let index =
            |name: &str, born: &str| sealer.person_index(&Phi::new(name.to_owned()), &date(born));
        assert_eq!(
            index("Maria O'Neil-Lopez", "1980-04-12"),
            index("maria oneil lopez", "1980-04-12")
        );
        assert_ne!(
            index("Maria Lopez", "1980-04-12"),
            index("Maria Lopez", "1980-04-13")
        );
    }
}
