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

use super::{Db, PatientDetails, Person, StorageError, TenantTx, mutations, patients};
use crate::{
    domain::{
        appointment::Interval,
        ids::{BookingId, CallId, PatientId, ProviderId},
        person_name::Likeness,
        phi::Phi,
    },
    security::{BlindIndex, TenantSealer},
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
    /// Somebody of this birth date and a name like that has the time: perhaps the same patient.
    SimilarName,
    /// The practitioner does not work then, or not any more.
    NotOffered,
    /// The patient has another appointment at that time.
    PatientBusy(Booking),
    /// The patient has an appointment for the same procedure ahead, or one that this call booked, and nobody confirmed a second one.
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

/// Who asks for a booking, with what they have shown. The rule is `docs/adr/0020-proof-of-identity.md`.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// The call: it may change what it booked.
    pub call: CallId,
    /// The caller's number, if the network vouches for it.
    pub phone: Option<BlindIndex>,
    /// The number that the caller says is the patient's.
    pub stated_phone: Option<BlindIndex>,
    /// Who the caller says the patient is.
    pub person: Option<Person>,
}

/// What showed that a booking is the claimant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was made in this call: good for this booking, not for the patient's other ones.
    OwnCall,
    /// The patient's name and birth date beside the booking's code.
    Person,
}

/// A booking that its claimant may change.
#[derive(Clone, Debug)]
pub struct FoundBooking {
    /// The booking.
    pub booking: Booking,
    /// Mutations that the claimant's call has committed to it.
    pub mutations: u64,
    /// Why the claimant may.
    pub proof: Proof,
}

/// What a search for a claimant's booking found.
#[derive(Clone, Debug)]
pub enum Found {
    /// It is theirs.
    Theirs(FoundBooking),
    /// Code and birth date fit, and the name nearly does: to be asked, and neither shown nor changed.
    Unclear,
    /// None, or somebody else's.
    Nothing,
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
        sealer: &TenantSealer,
        wanted: &BookingRef,
        who: &Claimant,
    ) -> Result<Found, StorageError> {
        let (id, code) = match wanted {
            BookingRef::Id(id) => (Some(id.as_uuid()), None),
            BookingRef::Code(code) => (None, Some(code.as_str())),
        };
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            let rows = sqlx::query!(
                "SELECT b.booking_id, b.call_id, b.patient_id, p.name, p.born, p.phone_index
                 FROM bookings b JOIN patients p USING (tenant_id, patient_id)
                 WHERE b.booking_id = $1 OR b.confirmation_code = $2
                 ORDER BY b.call_id = $3 DESC, b.status = 'booked' DESC, b.created_at DESC LIMIT $4",
                id,
                code,
                who.call.as_uuid(),
                MOST_WITH_ONE_CODE
            )
            .fetch_all(tx.connection())
            .await?;
            let mut is_unclear = false;
            for row in rows {
                let mut proof = (row.call_id == who.call.as_uuid()).then_some(Proof::OwnCall);
                if let Some(person) = &who.person {
                    let name = patients::likeness_to(person, sealer, row.patient_id, (row.name, row.born))?;
                    let by_phone = row.phone_index.as_deref().is_some_and(|index| who.has_phone(index));
                    match name {
                        Likeness::Same => proof = Some(Proof::Person),
                        Likeness::Near if by_phone => proof = Some(Proof::Person),
                        Likeness::Near => is_unclear = true,
                        Likeness::Other => {}
                    }
                }
                let Some(proof) = proof else { continue };
                let booking = by_id(&mut tx, row.booking_id.into()).await?;
                let mutations = mutations::of_booking(&mut tx, who.call, booking.id).await?;
                return Ok(Found::Theirs(FoundBooking { booking, mutations, proof }));
            }
            // A code as the line blurred it counts only beside a name and a birth date.
            if let (Some(code), Some(person)) = (code, &who.person)
                && let Some(patient) = patients::named(&mut tx, sealer, person).await?
                && let Some(booking) = list::sounding_like(&mut tx, code, patient).await?
            {
                let mutations = mutations::of_booking(&mut tx, who.call, booking.id).await?;
                return Ok(Found::Theirs(FoundBooking { booking, mutations, proof: Proof::Person }));
            }
            Ok(if is_unclear { Found::Unclear } else { Found::Nothing })
        })
        .await
    }
}

impl Claimant {
    fn has_phone(&self, patients: &[u8]) -> bool {
        [&self.phone, &self.stated_phone]
            .into_iter()
            .flatten()
            .any(|shown| shown.as_slice() == patients)
    }
}

/// Codes are given again when a booking was called off.
const MOST_WITH_ONE_CODE: i64 = 50;

async fn by_id(tx: &mut TenantTx, booking: BookingId) -> Result<Booking, StorageError> {
    let row = sqlx::query_as!(
        BookingRow,
        "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
         FROM bookings WHERE booking_id = $1",
        booking.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(row.into())
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
