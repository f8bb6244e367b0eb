//! Correcting a patient's number.

use super::place;
use crate::{
    domain::{
        e164::E164,
        ids::{BookingId, CallId, PatientId},
        phi::Phi,
    },
    security::TenantSealer,
    storage::postgres::{Db, Mutation, Proof, StorageError, TenantTx},
};

/// What became of a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneCorrection {
    /// The patient has this number, now or since an earlier request.
    Done,
    /// The call has booked for this patient and shown no more, and the patient was known before it.
    NotProven,
}

impl Db {
    /// How many corrections a call has made for a patient.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn corrections(
        &self,
        sealer: &TenantSealer,
        call: CallId,
        patient: PatientId,
    ) -> Result<u64, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            let count = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!" FROM patient_changes WHERE call_id = $1 AND patient_id = $2"#,
                call.as_uuid(),
                patient.as_uuid()
            )
            .fetch_one(tx.connection())
            .await?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    /// Replaces the number of a booking's patient, at most once per key. The booking must have been found by `find_booking`, with this proof.
    ///
    /// # Errors
    /// [`StorageError`]; asking again with the same key is safe.
    pub async fn correct_phone(
        &self,
        sealer: &TenantSealer,
        mutation: &Mutation,
        (booking, proof): (BookingId, Proof),
        phone: &Phi<E164>,
    ) -> Result<PhoneCorrection, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            let (patient, index) = lock_patient(&mut tx, booking).await?;
            if index.is_some_and(|index| index == sealer.phone_index(phone)) {
                return Ok(PhoneCorrection::Done);
            }
            if proof == Proof::OwnCall && is_known_before(&mut tx, patient, mutation.call).await? {
                return Ok(PhoneCorrection::NotProven);
            }
            if write_down(&mut tx, mutation, patient).await? {
                set_phone(&mut tx, sealer, patient, phone).await?;
                tx.commit().await?;
            }
            Ok(PhoneCorrection::Done)
        })
        .await
    }
}

/// A booking's patient and the index of their number, locked until the transaction ends.
async fn lock_patient(
    tx: &mut TenantTx,
    booking: BookingId,
) -> Result<(PatientId, Option<Vec<u8>>), StorageError> {
    let row = sqlx::query!(
        "SELECT p.patient_id, p.phone_index FROM patients p JOIN bookings b USING (tenant_id, patient_id) WHERE b.booking_id = $1 FOR UPDATE OF p",
        booking.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok((row.patient_id.into(), row.phone_index))
}

/// Whoever books in a patient's name has not shown that they are that patient.
async fn is_known_before(
    tx: &mut TenantTx,
    patient: PatientId,
    call: CallId,
) -> Result<bool, StorageError> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bookings WHERE patient_id = $1 AND call_id <> $2) AS "known!""#,
        patient.as_uuid(),
        call.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(known)
}

/// `false` if it was done under this key before.
async fn write_down(
    tx: &mut TenantTx,
    mutation: &Mutation,
    patient: PatientId,
) -> Result<bool, StorageError> {
    let done = sqlx::query!(
        "INSERT INTO patient_changes (tenant_id, idempotency_key, call_id, patient_id, changed) VALUES ($1, $2, $3, $4, 'phone')
         ON CONFLICT (tenant_id, idempotency_key) DO NOTHING",
        tx.tenant().as_uuid(),
        mutation.key.0.as_slice(),
        mutation.call.as_uuid(),
        patient.as_uuid()
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() == 1)
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
        "UPDATE patients SET phone = $2, phone_index = $3 WHERE patient_id = $1",
        patient.as_uuid(),
        sealed.as_bytes(),
        index.as_slice()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
