//! Making an appointment.

use rand::Rng;
use sqlx::Acquire;

use super::{BookOutcome, Booking, BookingStatus, NO_OVERLAP, NewBooking, standing};
use crate::{
    domain::ids::{BookingId, PatientId},
    security::{Aad, TenantSealer},
    storage::postgres::{
        Db, Mutation, MutationTool, StorageError, TenantTx,
        error::violated,
        mutations::{self, record},
        patients,
    },
};

/// Without characters that sound or look alike.
const CODE_ALPHABET: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_LEN: usize = 4;
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
            let patient = patients::upsert(&mut tx, sealer, &wanted.patient).await?;
            if let Some(there) = standing(&mut tx, wanted.provider, wanted.time).await? {
                let same = there.patient == patient
                    && there.time == wanted.time
                    && there.procedure == wanted.procedure;
                // Somebody else's time leaves nothing of this patient behind.
                return Ok(if same {
                    BookOutcome::Already(there)
                } else if patients::is_near(&mut tx, sealer, there.patient, &wanted.patient).await?
                {
                    BookOutcome::SimilarName
                } else {
                    BookOutcome::SlotTaken
                });
            }
            if mutations::is_done(&mut tx, mutation).await? {
                // Made under this key and called off since: a late repeat must not make it again.
                return Ok(BookOutcome::SlotTaken);
            }
            let Some(booking) = insert(&mut tx, sealer, mutation, wanted, patient).await? else {
                return Ok(BookOutcome::SlotTaken);
            };
            record(
                &mut tx,
                mutation,
                MutationTool::Book,
                booking.id,
                (booking.provider, booking.time.start),
                None,
            )
            .await?;
            tx.commit().await?;
            Ok(BookOutcome::Booked(booking))
        })
        .await
    }
}

/// `None` if the time is taken after all, by somebody who did not lock the calendar.
async fn insert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    mutation: &Mutation,
    wanted: &NewBooking,
    patient: PatientId,
) -> Result<Option<Booking>, StorageError> {
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
        match insert_row(tx, sealer, mutation, wanted, &booking).await {
            Ok(()) => return Ok(Some(booking)),
            Err(error) if violated(&error) == Some("bookings_live_code") => {}
            Err(error) if violated(&error) == Some(NO_OVERLAP) => return Ok(None),
            Err(error) => return Err(error.into()),
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
                               reason, call_id, idempotency_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
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
        mutation.key.0.as_slice()
    )
    .execute(&mut *savepoint)
    .await?;
    savepoint.commit().await
}

fn random_code() -> String {
    let mut rng = rand::rng();
    (0..CODE_LEN)
        .map(|_| char::from(CODE_ALPHABET[rng.random_range(0..CODE_ALPHABET.len())]))
        .collect()
}
