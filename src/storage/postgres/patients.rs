//! Patients, found by blind index, stored sealed. Who may see or change what is decided in `docs/adr/0020-proof-of-identity.md`.

mod correct;
mod index;

use chrono::NaiveDate;
use uuid::Uuid;

pub use self::correct::PhoneCorrection;
pub(super) use self::index::index_all;
use super::{StorageError, TenantTx};
use crate::{
    domain::{
        e164::E164,
        ids::PatientId,
        person_name::{Likeness, likeness},
        phi::Phi,
    },
    security::{Aad, BlindIndex, Sealed, TenantSealer},
};

/// Who an appointment is for.
#[derive(Clone, Debug)]
pub struct PatientDetails {
    /// Full name.
    pub name: Phi<String>,
    /// Birth date.
    pub born: Phi<NaiveDate>,
    /// Where to reach them.
    pub phone: Option<Phi<E164>>,
}

/// Who somebody says they are.
#[derive(Clone, Debug)]
pub struct Person {
    /// Full name.
    pub name: Phi<String>,
    /// Birth date.
    pub born: Phi<NaiveDate>,
}

impl Person {
    /// How near this person is to a patient: another one, if the birth dates differ.
    fn likeness(&self, patient: &Self) -> Likeness {
        if self.born != patient.born {
            return Likeness::Other;
        }
        likeness(self.name.expose(), patient.name.expose())
    }
}

fn place(column: &'static str, patient: PatientId) -> Aad {
    Aad {
        table: "patients",
        column,
        row: patient.as_uuid(),
    }
}

/// The patient of this name and birth date, new if need be. A number is kept of a new patient only: it is one of the things by which callers show who they
/// are, so whoever knows a name and a birth date must not give or replace it. [`super::Db::correct_phone`] does that, for who has shown more.
pub(super) async fn upsert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    details: &PatientDetails,
) -> Result<PatientId, StorageError> {
    let keys = Keys::of(sealer, &details.name, &details.born);
    keys.lock(tx).await?;
    if let Some(known) = find(tx, &keys).await? {
        return Ok(known);
    }
    // Perhaps under a form of the name that was stored before there was an index for it.
    if index::index_some(tx, sealer).await? > 0
        && let Some(known) = find(tx, &keys).await?
    {
        return Ok(known);
    }
    match insert(tx, sealer, details, &keys).await? {
        Some(new) => Ok(new),
        // A version that does not lock the name inserted the same person after we looked.
        None => find(tx, &keys)
            .await?
            .ok_or(StorageError::Malformed("patient")),
    }
}

/// Whether a patient has this birth date and a name like that, but not the same.
pub(super) async fn is_near(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    patient: PatientId,
    details: &PatientDetails,
) -> Result<bool, StorageError> {
    let row = sqlx::query!(
        "SELECT name, born FROM patients WHERE patient_id = $1",
        patient.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    let known = open(sealer, patient, row.name, row.born)?;
    let asked = Person {
        name: details.name.clone(),
        born: details.born.clone(),
    };
    Ok(asked.likeness(&known) == Likeness::Near)
}

/// A patient's name and birth date in the clear.
pub(super) fn open(
    sealer: &TenantSealer,
    patient: PatientId,
    name: Vec<u8>,
    born: Vec<u8>,
) -> Result<Person, StorageError> {
    let name = sealer.open_text(&place("name", patient), &Sealed::from(name))?;
    let born = sealer.open_text(&place("born", patient), &Sealed::from(born))?;
    let born = born
        .expose()
        .parse()
        .map_err(|_| StorageError::Malformed("birth date"))?;
    Ok(Person {
        name,
        born: Phi::new(born),
    })
}

/// How a claimant's person fits the patient of a booking.
pub(super) fn likeness_to(
    person: &Person,
    sealer: &TenantSealer,
    patient: Uuid,
    sealed: (Vec<u8>, Vec<u8>),
) -> Result<Likeness, StorageError> {
    let known = open(sealer, patient.into(), sealed.0, sealed.1)?;
    Ok(person.likeness(&known))
}

/// By what a patient is found.
struct Keys {
    /// The name in its one form.
    name: BlindIndex,
    /// The name as it was indexed before.
    person: BlindIndex,
}

impl Keys {
    fn of(sealer: &TenantSealer, name: &Phi<String>, born: &Phi<NaiveDate>) -> Self {
        Self {
            name: sealer.name_index(name, born),
            person: sealer.person_index(name, born),
        }
    }

    /// Two forms of one name that come at once must not become two patients; no unique index can say so, for there are such patients already.
    async fn lock(&self, tx: &mut TenantTx) -> Result<(), StorageError> {
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtextextended('patient ' || encode($1, 'hex'), 0))",
            self.name.as_slice()
        )
        .fetch_one(tx.connection())
        .await?;
        Ok(())
    }
}

/// The patient of this name and birth date, if there is one.
pub(super) async fn named(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    person: &Person,
) -> Result<Option<PatientId>, StorageError> {
    find(tx, &Keys::of(sealer, &person.name, &person.born)).await
}

/// Of several the one that was found by the older index, then the oldest.
async fn find(tx: &mut TenantTx, keys: &Keys) -> Result<Option<PatientId>, StorageError> {
    let id = sqlx::query_scalar!(
        "SELECT patient_id FROM patients WHERE person_index = $1 OR name_index = $2
         ORDER BY person_index = $1 DESC, created_at, patient_id LIMIT 1",
        keys.person.as_slice(),
        keys.name.as_slice()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(PatientId::from))
}

async fn insert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    details: &PatientDetails,
    keys: &Keys,
) -> Result<Option<PatientId>, StorageError> {
    let id = PatientId::generate();
    let seal = |column, plain: &[u8]| sealer.seal(&place(column, id), plain).into_bytes();
    let phone = details.phone.as_ref();
    let done = sqlx::query!(
        "INSERT INTO patients (tenant_id, patient_id, name, born, person_index, name_index, phone, phone_index) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, person_index) DO NOTHING",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        seal("name", details.name.expose().as_bytes()),
        seal("born", details.born.expose().to_string().as_bytes()),
        keys.person.as_slice(),
        keys.name.as_slice(),
        phone.map(|number| seal("phone", number.expose().as_str().as_bytes())),
        phone.map(|number| sealer.phone_index(number).to_vec())
    )
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}
