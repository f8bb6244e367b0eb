//! Changes that are one: all of them are made, or none.

use super::{
    BookOutcome, Cancelled, NewBooking,
    book::book_in,
    change::{cancel_in, lock_all},
};
use crate::{
    domain::ids::{BookingId, ProviderId},
    security::TenantSealer,
    storage::postgres::{Db, Mutation, StorageError},
};

/// One of the changes.
#[derive(Clone, Debug)]
pub enum Change {
    /// Calls a booking off.
    Cancel(Mutation, BookingId),
    /// Makes one.
    Book(Mutation, Box<NewBooking>),
}

/// A change that was made, or was so already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Called off.
    Cancelled(Cancelled),
    /// [`BookOutcome::Booked`] or [`BookOutcome::Already`].
    Booked(BookOutcome),
}

/// What became of changes that are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Together {
    /// All were made, in the order given.
    Done(Vec<Changed>),
    /// This one cannot be made, so none was.
    Refused(usize, BookOutcome),
}

impl Db {
    /// Makes all of the changes in one transaction: first calls off what is to be called off, which may free the time or the limit that the rest needs.
    /// A repeat finds them made.
    ///
    /// # Errors
    /// As [`Db::book`].
    pub async fn change_together(
        &self,
        sealer: &TenantSealer,
        changes: &[Change],
    ) -> Result<Together, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            for provider in calendars(changes) {
                tx.lock_calendar(provider).await?;
            }
            lock_all(&mut tx, changes).await?;
            let mut made = vec![None; changes.len()];
            for (place, change) in changes.iter().enumerate() {
                if let Change::Cancel(mutation, booking) = change {
                    let cancelled = cancel_in(&mut tx, mutation, *booking).await?;
                    made[place] = Some(Changed::Cancelled(cancelled));
                }
            }
            for (place, change) in changes.iter().enumerate() {
                let Change::Book(mutation, wanted) = change else {
                    continue;
                };
                match book_in(&mut tx, sealer, mutation, wanted).await? {
                    done @ (BookOutcome::Booked(_) | BookOutcome::Already(_)) => {
                        made[place] = Some(Changed::Booked(done));
                    }
                    // Dropping the transaction takes everything back.
                    refused => return Ok(Together::Refused(place, refused)),
                }
            }
            tx.commit().await?;
            Ok(Together::Done(made.into_iter().flatten().collect()))
        })
        .await
    }
}

/// Always in the same order, so that nobody waits in a circle.
fn calendars(changes: &[Change]) -> Vec<ProviderId> {
    let mut providers: Vec<ProviderId> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Book(_, wanted) => Some(wanted.provider),
            Change::Cancel(..) => None,
        })
        .collect();
    providers.sort_unstable();
    providers.dedup();
    providers
}
