//! Bookings of a patient.

use chrono::{DateTime, Utc};

use super::{Booking, BookingRow, BookingStatus};
use crate::{
    domain::{
        confirmation_code::tolerant_code,
        ids::{BookingId, CallId, PatientId, TenantId},
    },
    security::{BlindIndex, TenantSealer},
    storage::postgres::{Db, Person, StorageError, TenantTx, patients},
};

/// More than one patient has; the clinic's limit is lower.
const MOST: i64 = 50;

/// An appointment that lies ahead, as its patient knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Which.
    pub booking: BookingId,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// What for, by code.
    pub procedure: String,
    /// With whom.
    pub practitioner: String,
}

impl Db {
    /// A booking as it is stored now.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn booking(
        &self,
        tenant: TenantId,
        booking: BookingId,
    ) -> Result<Option<Booking>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let row = sqlx::query_as!(
                BookingRow,
                "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
                 FROM bookings WHERE booking_id = $1",
                booking.as_uuid()
            )
            .fetch_optional(tx.connection())
            .await?;
            Ok(row.map(Booking::from))
        })
        .await
    }

    /// The appointments of a patient that stand and lie ahead, earliest first; only those made in one call, or from one number, if it is given. Whether the caller may know them is
    /// decided before.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn appointments_ahead(
        &self,
        tenant: TenantId,
        patient: PatientId,
        now: DateTime<Utc>,
        made_in: Option<CallId>,
        made_from: Option<&BlindIndex>,
    ) -> Result<Vec<Appointment>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let rows = sqlx::query!(
                "SELECT b.booking_id, b.starts_at, b.procedure_code, p.name
                 FROM bookings b JOIN practitioners p USING (tenant_id, provider_id)
                 WHERE b.patient_id = $1 AND b.status = 'booked' AND b.starts_at > $2
                     AND ($3::uuid IS NULL OR b.call_id = $3) AND ($4::bytea IS NULL OR b.caller_index = $4)
                 ORDER BY b.starts_at LIMIT $5",
                patient.as_uuid(),
                now,
                made_in.map(CallId::as_uuid),
                made_from.map(<[u8; 32]>::as_slice),
                MOST
            )
            .fetch_all(tx.connection())
            .await?;
            Ok(rows
                .into_iter()
                .map(|row| Appointment {
                    booking: row.booking_id.into(),
                    starts_at: row.starts_at,
                    procedure: row.procedure_code,
                    practitioner: row.name,
                })
                .collect())
        })
        .await
    }

    /// The patient of this name and birth date.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn patient_named(
        &self,
        sealer: &TenantSealer,
        person: &Person,
    ) -> Result<Option<PatientId>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            patients::named(&mut tx, sealer, person).await
        })
        .await
    }
}

/// The one booking of this patient whose code sounds like that; one that stands before one that was called off. `None` if it could be more than one.
pub(super) async fn sounding_like(
    tx: &mut TenantTx,
    code: &str,
    patient: PatientId,
) -> Result<Option<Booking>, StorageError> {
    let rows = sqlx::query_as!(
        BookingRow,
        "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
         FROM bookings WHERE patient_id = $1 ORDER BY created_at DESC",
        patient.as_uuid()
    )
    .fetch_all(tx.connection())
    .await?;
    let heard = tolerant_code(code);
    let alike: Vec<Booking> = rows
        .into_iter()
        .map(Booking::from)
        .filter(|booking| tolerant_code(&booking.confirmation_code) == heard)
        .collect();
    let only = |status: BookingStatus| {
        let mut with = alike.iter().filter(|booking| booking.status == status);
        match (with.next(), with.next()) {
            (Some(one), None) => Some(one.clone()),
            _ => None,
        }
    };
    let stands = alike.iter().any(|b| b.status == BookingStatus::Booked);
    Ok(only(if stands {
        BookingStatus::Booked
    } else {
        BookingStatus::Cancelled
    }))
}
