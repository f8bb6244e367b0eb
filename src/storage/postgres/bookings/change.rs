//! Calling off and moving an appointment. Who may do so is decided before, by `find_booking`.

use super::{Booking, BookingStatus, Cancelled, Moved, NO_OVERLAP, lock, standing};
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
            let mut booking = lock(&mut tx, booking).await?;
            if booking.status == BookingStatus::Cancelled {
                let ours = mutations::of_booking(&mut tx, mutation.call, booking.id).await? > 0;
                return Ok(if ours { Cancelled::Done(booking) } else { Cancelled::Before(booking) });
            }
            sqlx::query!(
                "UPDATE bookings SET status = 'cancelled', changed_at = now() WHERE booking_id = $1",
                booking.id.as_uuid()
            )
            .execute(tx.connection())
            .await?;
            let place = (booking.provider, booking.time.start);
            mutations::record(&mut tx, mutation, MutationTool::Cancel, booking.id, place, None).await?;
            tx.commit().await?;
            booking.status = BookingStatus::Cancelled;
            Ok(Cancelled::Done(booking))
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
            let booking = lock(&mut tx, booking).await?;
            if booking.status == BookingStatus::Cancelled {
                return Ok(Moved::Cancelled);
            }
            if (booking.provider, booking.time) == to {
                return Ok(Moved::Done(booking));
            }
            match standing(&mut tx, to.0, to.1).await? {
                Some(other) if other.id != booking.id => return Ok(Moved::SlotTaken),
                _ => {}
            }
            let Some(moved) = shift(&mut tx, &booking, to).await? else {
                return Ok(Moved::SlotTaken);
            };
            let (at, from) = ((to.0, to.1.start), (booking.provider, booking.time.start));
            mutations::record(
                &mut tx,
                mutation,
                MutationTool::Reschedule,
                booking.id,
                at,
                Some(from),
            )
            .await?;
            tx.commit().await?;
            Ok(Moved::Done(moved))
        })
        .await
    }
}

/// `None` if the time is taken after all.
async fn shift(
    tx: &mut TenantTx,
    booking: &Booking,
    to: (ProviderId, Interval),
) -> Result<Option<Booking>, StorageError> {
    let done = sqlx::query!(
        "UPDATE bookings SET provider_id = $2, starts_at = $3, ends_at = $4, changed_at = now() WHERE booking_id = $1",
        booking.id.as_uuid(),
        to.0.as_uuid(),
        to.1.start,
        to.1.end
    )
    .execute(tx.connection())
    .await;
    match done {
        Ok(_) => Ok(Some(Booking {
            provider: to.0,
            time: to.1,
            ..booking.clone()
        })),
        Err(error) if violated(&error) == Some(NO_OVERLAP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
