//! Making an appointment.

use rand::Rng;
use sqlx::Acquire;

use super::{
    BookOutcome, Booking, BookingStatus, NO_OVERLAP, NewBooking, ONE_PER_WISH, PATIENT_NO_OVERLAP,
    rules, standing,
};
use crate::{
    domain::{
        confirmation_code::new_code,
        ids::{BookingId, PatientId},
    },
    security::{Aad, TenantSealer},
    storage::postgres::{
        Db, Mutation, MutationTool, StorageError, TenantTx,
        error::violated,
        mutations::{self, record},
        patients,
    },
};

/// Standing bookings of a clinic are few against the million codes: more collisions than this in a row are a fault.
const CODE_ATTEMPTS: u32 = 8;

impl Db {
    /// Books, at most once per key. A repeat, or the same patient asking for the time they have, gets the booking that stands.
    ///
    /// # Errors
    /// [`StorageError`]; nothing is booked then, except perhaps on [`StorageError::Deadline`]: asking again with the same key is safe.
    pub async fn book(
        &self,
        sealer: &TenantSealer,
        mutation: &Mutation,
        wanted: &NewBooking,
    ) -> Result<BookOutcome, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            tx.lock_calendar(wanted.provider).await?;
            let outcome = book_in(&mut tx, sealer, mutation, wanted).await?;
            // Who gets nothing leaves nothing of themselves behind.
            if matches!(outcome, BookOutcome::Booked(_)) {
                tx.commit().await?;
            }
            Ok(outcome)
        })
        .await
    }
}

/// Books in a transaction that holds the calendar; the caller commits, if [`BookOutcome::Booked`].
pub(super) async fn book_in(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    mutation: &Mutation,
    wanted: &NewBooking,
) -> Result<BookOutcome, StorageError> {
    rules::lock_caller(tx, wanted, mutation.call).await?;
    let patient = patients::upsert(tx, sealer, &wanted.patient).await?;
    rules::lock_patient(tx, patient).await?;
    if let Some(there) = standing(tx, wanted.provider, wanted.time).await? {
        return occupied(tx, sealer, there, patient, wanted).await;
    }
    if mutations::is_done(tx, mutation).await? {
        // Made under this key and called off since: a late repeat must not make it again.
        return Ok(BookOutcome::SlotTaken);
    }
    if let Some(refusal) = rules::refusal(tx, wanted, patient, mutation.call).await? {
        return Ok(refusal);
    }
    let booking = match insert(tx, sealer, mutation, wanted, patient).await? {
        Inserted::Row(booking) => booking,
        Inserted::SlotTaken => return Ok(BookOutcome::SlotTaken),
        Inserted::PatientHasAnother => {
            let refusal = rules::refusal(tx, wanted, patient, mutation.call).await?;
            return Ok(refusal.unwrap_or(BookOutcome::SlotTaken));
        }
    };
    let place = (booking.provider, booking.time.start);
    record(tx, mutation, MutationTool::Book, booking.id, place, None).await?;
    Ok(BookOutcome::Booked(booking))
}

/// The practitioner's time is taken: by whom decides what to say.
async fn occupied(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    there: Booking,
    patient: PatientId,
    wanted: &NewBooking,
) -> Result<BookOutcome, StorageError> {
    if there.patient != patient {
        let is_near = patients::is_near(tx, sealer, there.patient, &wanted.patient).await?;
        return Ok(if is_near {
            BookOutcome::SimilarName
        } else {
            BookOutcome::SlotTaken
        });
    }
    let is_same = there.time == wanted.time && there.procedure == wanted.procedure;
    Ok(if is_same {
        BookOutcome::Already(there)
    } else {
        BookOutcome::PatientBusy(there)
    })
}

enum Inserted {
    Row(Booking),
    /// By somebody who did not lock the calendar.
    SlotTaken,
    /// Made by somebody who did not lock the patient.
    PatientHasAnother,
}

async fn insert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    mutation: &Mutation,
    wanted: &NewBooking,
    patient: PatientId,
) -> Result<Inserted, StorageError> {
    for _ in 0..CODE_ATTEMPTS {
        let booking = Booking {
            id: BookingId::generate(),
            provider: wanted.provider,
            patient,
            procedure: wanted.procedure.clone(),
            time: wanted.time,
            status: BookingStatus::Booked,
            confirmation_code: random_code(),
            call: mutation.call,
        };
        let Err(error) = insert_row(tx, sealer, mutation, wanted, &booking).await else {
            return Ok(Inserted::Row(booking));
        };
        match violated(&error) {
            Some("bookings_live_code") => {}
            Some(NO_OVERLAP) => return Ok(Inserted::SlotTaken),
            Some(PATIENT_NO_OVERLAP | ONE_PER_WISH) => return Ok(Inserted::PatientHasAnother),
            _ => return Err(error.into()),
        }
    }
    Err(StorageError::Malformed("confirmation codes"))
}

/// In a savepoint, so that a refused row does not end the transaction.
async fn insert_row(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    mutation: &Mutation,
    wanted: &NewBooking,
    booking: &Booking,
) -> Result<(), sqlx::Error> {
    let place = Aad {
        table: "bookings",
        column: "reason",
        row: booking.id.as_uuid(),
    };
    let reason = wanted
        .reason
        .as_ref()
        .map(|reason| sealer.seal(&place, reason.expose().as_bytes()).into_bytes());
    let tenant = tx.tenant();
    let mut savepoint = tx.connection().begin().await?;
    sqlx::query!(
        "INSERT INTO bookings (tenant_id, booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, confirmation_code,
                               reason, call_id, idempotency_key, created_at, caller_index, additional)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14 OR (SELECT repeats FROM procedures WHERE code = $5))",
        tenant.as_uuid(),
        booking.id.as_uuid(),
        booking.provider.as_uuid(),
        booking.patient.as_uuid(),
        booking.procedure,
        booking.time.start,
        booking.time.end,
        booking.confirmation_code,
        reason,
        booking.call.as_uuid(),
        mutation.key.0.as_slice(),
        wanted.made_at,
        wanted.caller.as_ref().map(<[u8; 32]>::as_slice),
        wanted.additional
    )
    .execute(&mut *savepoint)
    .await?;
    savepoint.commit().await
}

fn random_code() -> String {
    let mut rng = rand::rng();
    new_code(|below| rng.random_range(0..below))
}
