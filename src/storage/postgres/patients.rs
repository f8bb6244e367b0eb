//! Patients, found by blind index, stored sealed.

use chrono::NaiveDate;

use super::{StorageError, TenantTx};
use crate::{
    domain::{e164::E164, ids::PatientId, phi::Phi},
    security::{Aad, TenantSealer},
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

fn place(column: &'static str, patient: PatientId) -> Aad {
    Aad {
        table: "patients",
        column,
        row: patient.as_uuid(),
    }
}

/// The patient of this name and birth date, new if need be. A number is kept if none is known yet: it is one of the things by which callers show who they
/// are, so whoever knows a name and a birth date must not replace it.
pub(super) async fn upsert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    details: &PatientDetails,
) -> Result<PatientId, StorageError> {
    let index = sealer.person_index(&details.name, &details.born);
    let patient = match find(tx, &index).await? {
        Some(known) => known,
        None => match insert(tx, sealer, details, &index).await? {
            Some(new) => new,
            // Somebody else inserted the same person after we looked.
            None => find(tx, &index)
                .await?
                .ok_or(StorageError::Malformed("patient"))?,
        },
    };
    if let Some(phone) = &details.phone {
        set_phone(tx, sealer, patient, phone).await?;
    }
    Ok(patient)
}

pub(super) async fn find(
    tx: &mut TenantTx,
    index: &[u8],
) -> Result<Option<PatientId>, StorageError> {
    let id = sqlx::query_scalar!(
        "SELECT patient_id FROM patients WHERE person_index = $1",
        index
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(PatientId::from))
}

async fn insert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    details: &PatientDetails,
    index: &[u8],
) -> Result<Option<PatientId>, StorageError> {
    let id = PatientId::generate();
    let name = sealer.seal(&place("name", id), details.name.expose().as_bytes());
    let born = sealer.seal(
        &place("born", id),
        details.born.expose().to_string().as_bytes(),
    );
    let done = sqlx::query!(
        "INSERT INTO patients (tenant_id, patient_id, name, born, person_index) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, person_index) DO NOTHING",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        name.as_bytes(),
        born.as_bytes(),
        index
    )
    .execute(tx.connection())
    .await?;
    Ok((done.rows_affected() == 1).then_some(id))
}

async fn set_phone(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    patient: PatientId,
    phone: &Phi<E164>,
) -> Result<(), StorageError> {
    let sealed = sealer.seal(&place("phone", patient), phone.expose().as_str().as_bytes());
    let index = sealer.phone_index(phone);
    sqlx::query!(
        "UPDATE patients SET phone = $2, phone_index = $3 WHERE patient_id = $1 AND phone_index IS NULL",
        patient.as_uuid(),
        sealed.as_bytes(),
        index.as_slice()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
