//! Appointments. Postgres decides: exclusion constraints forbid two at one time and two from one wish, a unique key forbids one twice.

mod book;
mod change;
mod list;
mod rules;
mod together;

pub use self::{
    list::Appointment,
    together::{Change, Changed, Together},
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Db, PatientDetails, StorageError, TenantTx, mutations, patients};
use crate::{
    domain::{
        appointment::Interval,
        ids::{BookingId, CallId, PatientId, ProviderId, TenantId},
        phi::Phi,
    },
    security::BlindIndex,
};

/// An appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Its id.
    pub id: BookingId,
    /// With whom.
    pub provider: ProviderId,
    /// For whom.
    pub patient: PatientId,
    /// What for.
    pub procedure: String,
    /// When.
    pub time: Interval,
    /// Whether it stands.
    pub status: BookingStatus,
    /// What the caller notes down; unique among bookings that stand.
    pub confirmation_code: String,
    /// The call that made it.
    pub call: CallId,
}

/// Whether a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingStatus {
    /// It does.
    Booked,
    /// It was called off.
    Cancelled,
}

/// An appointment to be made.
#[derive(Clone, Debug)]
pub struct NewBooking {
    /// With whom.
    pub provider: ProviderId,
    /// What for.
    pub procedure: String,
    /// When.
    pub time: Interval,
    /// For whom.
    pub patient: PatientDetails,
    /// Why, in the patient's words.
    pub reason: Option<Phi<String>>,
    /// The present: what lies ahead is counted from here.
    pub made_at: DateTime<Utc>,
    /// The number from which it is made.
    pub caller: Option<BlindIndex>,
    /// The caller confirmed that it comes on top of another of the same procedure.
    pub additional: bool,
}

/// What became of a request to book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookOutcome {
    /// It was made.
    Booked(Booking),
    /// The same patient has this very appointment already.
    Already(Booking),
    /// Somebody else has the time.
    SlotTaken,
    /// The practitioner does not work then, or not any more.
    NotOffered,
    /// The patient has another appointment at that time.
    PatientBusy(Booking),
    /// The patient has an appointment for the same procedure ahead, and nobody confirmed a second one.
    HasSame(Booking),
    /// As many as may be.
    TooMany(BookingLimit),
}

/// A limit on bookings that stand; how many each allows is the clinic's (`booking_limits` of its file).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookingLimit {
    /// Made in one call.
    PerCall,
    /// Ahead, made from one number.
    PerCaller,
    /// Ahead, for one patient.
    PerPatient,
}

impl BookingLimit {
    /// As the model reads it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PerCall => "per_call",
            Self::PerCaller => "per_caller",
            Self::PerPatient => "per_patient",
        }
    }
}

/// How a caller names a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingRef {
    /// By id.
    Id(BookingId),
    /// By confirmation code.
    Code(String),
}

/// Who asks for a booking: any of these must fit.
#[derive(Clone, Copy, Debug)]
pub struct Claimant {
    /// The call: it may change what it booked.
    pub call: CallId,
    /// The caller's number.
    pub phone: Option<BlindIndex>,
    /// Name and birth date that the caller gave.
    pub person: Option<BlindIndex>,
}

/// A booking that its claimant may change.
#[derive(Clone, Debug)]
pub struct FoundBooking {
    /// The booking.
    pub booking: Booking,
    /// Mutations that the claimant's call has committed to it.
    pub mutations: u64,
}

/// What became of a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is called off, now or by this call before.
    Done(Booking),
    /// It was called off in another call.
    Before(Booking),
}

/// What became of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is at the new time, now or since an earlier request.
    Done(Booking),
    /// Somebody else has the new time.
    SlotTaken,
    /// The practitioner does not work then, or not any more.
    NotOffered,
    /// The patient has another appointment at that time.
    PatientBusy(Booking),
    /// It was called off meanwhile.
    Cancelled,
}

impl Db {
    /// The booking that is meant, if it belongs to who asks; one that stands is preferred to one that was called off.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_booking(
        &self,
        tenant: TenantId,
        wanted: &BookingRef,
        who: &Claimant,
    ) -> Result<Option<FoundBooking>, StorageError> {
        let (id, code) = match wanted {
            BookingRef::Id(id) => (Some(id.as_uuid()), None),
            BookingRef::Code(code) => (None, Some(code.as_str())),
        };
        self.timed(async {
            let mut tx = self.begin(tenant).await?;
            let row = sqlx::query_as!(
                BookingRow,
                "SELECT b.booking_id, b.provider_id, b.patient_id, b.procedure_code, b.starts_at, b.ends_at, b.status, b.confirmation_code, b.call_id
                 FROM bookings b JOIN patients p USING (tenant_id, patient_id)
                 WHERE (b.booking_id = $1 OR b.confirmation_code = $2)
                   AND (b.call_id = $3 OR p.phone_index = $4 OR p.person_index = $5)
                 ORDER BY b.status = 'booked' DESC, b.created_at DESC LIMIT 1",
                id,
                code,
                who.call.as_uuid(),
                who.phone.as_ref().map(BlindIndex::as_slice),
                who.person.as_ref().map(BlindIndex::as_slice)
            )
            .fetch_optional(tx.connection())
            .await?;
            // A code as the line blurred it counts only beside a name and a birth date.
            let found = match (row.map(Booking::from), code, &who.person) {
                (None, Some(code), Some(person)) => match patients::find(&mut tx, person).await? {
                    Some(patient) => list::sounding_like(&mut tx, code, patient).await?,
                    None => None,
                },
                (found, ..) => found,
            };
            let Some(booking) = found else { return Ok(None) };
            let mutations = mutations::of_booking(&mut tx, who.call, booking.id).await?;
            Ok(Some(FoundBooking { booking, mutations }))
        })
        .await
    }
}

/// A row of `bookings`.
struct BookingRow {
    booking_id: Uuid,
    provider_id: Uuid,
    patient_id: Uuid,
    procedure_code: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    status: String,
    confirmation_code: String,
    call_id: Uuid,
}

impl From<BookingRow> for Booking {
    fn from(row: BookingRow) -> Self {
        Self {
            id: row.booking_id.into(),
            provider: row.provider_id.into(),
            patient: row.patient_id.into(),
            procedure: row.procedure_code,
            time: Interval {
                start: row.starts_at,
                end: row.ends_at,
            },
            status: if row.status == "booked" {
                BookingStatus::Booked
            } else {
                BookingStatus::Cancelled
            },
            confirmation_code: row.confirmation_code,
            call: row.call_id.into(),
        }
    }
}

/// A booking by its id, locked until the transaction ends.
async fn lock(tx: &mut TenantTx, booking: BookingId) -> Result<Booking, StorageError> {
    let row = sqlx::query_as!(
        BookingRow,
        "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
         FROM bookings WHERE booking_id = $1 FOR UPDATE",
        booking.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(row.into())
}

/// The booking that stands in this practitioner's time, if one does.
async fn standing(
    tx: &mut TenantTx,
    provider: ProviderId,
    time: Interval,
) -> Result<Option<Booking>, StorageError> {
    let row = sqlx::query_as!(
        BookingRow,
        "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
         FROM bookings WHERE provider_id = $1 AND status = 'booked' AND tstzrange(starts_at, ends_at) && tstzrange($2, $3)
         ORDER BY starts_at LIMIT 1",
        provider.as_uuid(),
        time.start,
        time.end
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Booking::from))
}

/// The constraint that forbids a practitioner two bookings at one time.
const NO_OVERLAP: &str = "bookings_no_overlap";
/// The constraint that forbids a patient two bookings at one time.
const PATIENT_NO_OVERLAP: &str = "bookings_patient_no_overlap";
/// The constraint that forbids two bookings from one wish.
const ONE_PER_WISH: &str = "bookings_one_per_wish";
