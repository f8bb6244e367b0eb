//! Calling off and moving an appointment. Who may do so is decided before, by `find_booking`.

use sqlx::Acquire;

use super::{
    Booking, BookingStatus, Cancelled, Change, Moved, NO_OVERLAP, ONE_PER_WISH, PATIENT_NO_OVERLAP,
    lock, rules, standing,
};
use crate::{
    domain::{
        appointment::Interval,
        ids::{BookingId, ProviderId, TenantId},
    },
    storage::postgres::{
        Db, Mutation, MutationTool, StorageError, TenantTx, error::violated, mutations,
    },
};

impl Db {
    /// Calls a booking off. A repeat finds it called off.
    ///
    /// # Errors
    /// As [`Db::book`].
    pub async fn cancel(
        &self,
        tenant: TenantId,
        mutation: &Mutation,
        booking: BookingId,
    ) -> Result<Cancelled, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let cancelled = cancel_in(&mut tx, mutation, booking).await?;
            tx.commit().await?;
            Ok(cancelled)
        })
        .await
    }

    /// Moves a booking to another time, perhaps with another practitioner; id and code stay. A repeat finds it there.
    ///
    /// # Errors
    /// As [`Db::book`].
    pub async fn reschedule(
        &self,
        tenant: TenantId,
        mutation: &Mutation,
        booking: BookingId,
        to: (ProviderId, Interval),
    ) -> Result<Moved, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            // Only the calendar that is taken from needs the lock; giving time back conflicts with nobody.
            tx.lock_calendar(to.0).await?;
            let moved = move_in(&mut tx, mutation, booking, to).await?;
            tx.commit().await?;
            Ok(moved)
        })
        .await
    }
}

/// Locks the bookings that are to be called off, always in the same order.
pub(super) async fn lock_all(tx: &mut TenantTx, changes: &[Change]) -> Result<(), StorageError> {
    let mut ids: Vec<BookingId> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Cancel(_, booking) => Some(*booking),
            Change::Book(..) => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        lock(tx, id).await?;
    }
    Ok(())
}

/// Calls a booking off; the caller commits.
pub(super) async fn cancel_in(
    tx: &mut TenantTx,
    mutation: &Mutation,
    booking: BookingId,
) -> Result<Cancelled, StorageError> {
    let mut booking = lock(tx, booking).await?;
    if booking.status == BookingStatus::Cancelled {
        let ours = mutations::of_booking(tx, mutation.call, booking.id).await? > 0;
        return Ok(if ours {
            Cancelled::Done(booking)
        } else {
            Cancelled::Before(booking)
        });
    }
    sqlx::query!(
        "UPDATE bookings SET status = 'cancelled', changed_at = now() WHERE booking_id = $1",
        booking.id.as_uuid()
    )
    .execute(tx.connection())
    .await?;
    let place = (booking.provider, booking.time.start);
    mutations::record(tx, mutation, MutationTool::Cancel, booking.id, place, None).await?;
    booking.status = BookingStatus::Cancelled;
    Ok(Cancelled::Done(booking))
}

async fn move_in(
    tx: &mut TenantTx,
    mutation: &Mutation,
    booking: BookingId,
    to: (ProviderId, Interval),
) -> Result<Moved, StorageError> {
    let booking = lock(tx, booking).await?;
    if booking.status == BookingStatus::Cancelled {
        return Ok(Moved::Cancelled);
    }
    if (booking.provider, booking.time) == to {
        return Ok(Moved::Done(booking));
    }
    rules::lock_patient(tx, booking.patient).await?;
    match standing(tx, to.0, to.1).await? {
        Some(other) if other.id != booking.id => return Ok(Moved::SlotTaken),
        _ => {}
    }
    if !rules::is_working(tx, to.0, &to.1).await? {
        return Ok(Moved::NotOffered);
    }
    let busy = rules::at_that_time(tx, booking.patient, &to.1, Some(booking.id)).await?;
    if let Some(other) = busy {
        return Ok(Moved::PatientBusy(other));
    }
    let Some(moved) = shift(tx, &booking, to).await? else {
        return Ok(Moved::SlotTaken);
    };
    let (at, from) = ((to.0, to.1.start), (booking.provider, booking.time.start));
    let tool = MutationTool::Reschedule;
    mutations::record(tx, mutation, tool, booking.id, at, Some(from)).await?;
    Ok(Moved::Done(moved))
}

/// `None` if the time is taken after all. In a savepoint, so that a refused change does not end the transaction.
async fn shift(
    tx: &mut TenantTx,
    booking: &Booking,
    to: (ProviderId, Interval),
) -> Result<Option<Booking>, StorageError> {
    let mut savepoint = tx.connection().begin().await?;
    let done = sqlx::query!(
        "UPDATE bookings SET provider_id = $2, starts_at = $3, ends_at = $4, changed_at = now() WHERE booking_id = $1",
        booking.id.as_uuid(),
        to.0.as_uuid(),
        to.1.start,
        to.1.end
    )
    .execute(&mut *savepoint)
    .await;
    match done {
        Ok(_) => {
            savepoint.commit().await?;
            Ok(Some(Booking {
                provider: to.0,
                time: to.1,
                ..booking.clone()
            }))
        }
        Err(error) => match violated(&error) {
            Some(NO_OVERLAP | PATIENT_NO_OVERLAP | ONE_PER_WISH) => Ok(None),
            _ => Err(error.into()),
        },
    }
}
