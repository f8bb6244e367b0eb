//! What is in the way of an appointment, asked in the transaction that makes it.

use chrono_tz::Tz;

use super::{BookOutcome, Booking, BookingLimit, BookingRow, NewBooking};
use crate::{
    domain::{
        appointment::{Interval, WorkingHours, is_open},
        ids::{BookingId, CallId, PatientId, ProviderId},
    },
    storage::postgres::{StorageError, TenantTx, calendar::working_hours},
};

/// Why a booking may not be made; `None` if it may. The patient is locked.
pub(super) async fn refusal(
    tx: &mut TenantTx,
    wanted: &NewBooking,
    patient: PatientId,
    call: CallId,
) -> Result<Option<BookOutcome>, StorageError> {
    if !is_working(tx, wanted.provider, &wanted.time).await? {
        return Ok(Some(BookOutcome::NotOffered));
    }
    if let Some(there) = at_that_time(tx, patient, &wanted.time, None).await? {
        return Ok(Some(BookOutcome::PatientBusy(there)));
    }
    if !wanted.additional
        && let Some(there) = ahead(tx, patient, wanted, call).await?
    {
        return Ok(Some(BookOutcome::HasSame(there)));
    }
    let limit = limit_reached(tx, wanted, patient, call).await?;
    Ok(limit.map(BookOutcome::TooMany))
}

/// Waits until no other transaction counts the bookings of this call or calling number. Held to the end of the transaction.
pub(super) async fn lock_caller(
    tx: &mut TenantTx,
    wanted: &NewBooking,
    call: CallId,
) -> Result<(), StorageError> {
    let call = call.as_uuid();
    lock(tx, "call", call.as_bytes()).await?;
    match &wanted.caller {
        Some(caller) => lock(tx, "caller", caller).await,
        None => Ok(()),
    }
}

/// Waits until no other transaction looks for what this patient has. Held to the end of the transaction.
pub(super) async fn lock_patient(
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<(), StorageError> {
    lock(tx, "patient", patient.as_uuid().as_bytes()).await
}

async fn lock(tx: &mut TenantTx, kind: &str, name: &[u8]) -> Result<(), StorageError> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('bookings of ' || $1 || encode($2, 'hex'), 0))",
        kind,
        name
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whether the time lies in the practitioner's hours, outside their time off and the clinic's holidays. They may have changed since the time was offered.
pub(super) async fn is_working(
    tx: &mut TenantTx,
    provider: ProviderId,
    time: &Interval,
) -> Result<bool, StorageError> {
    let away = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM time_off WHERE (provider_id = $1 OR provider_id IS NULL)
                          AND tstzrange(starts_at, ends_at) && tstzrange($2, $3)) AS "away!""#,
        provider.as_uuid(),
        time.start,
        time.end
    )
    .fetch_one(tx.connection())
    .await?;
    if away {
        return Ok(false);
    }
    let rows = sqlx::query!(
        "SELECT t.time_zone, h.weekday, h.opens, h.closes
         FROM tenants t JOIN practitioners p USING (tenant_id) JOIN working_hours h USING (tenant_id, provider_id)
         WHERE provider_id = $1 AND p.active",
        provider.as_uuid()
    )
    .fetch_all(tx.connection())
    .await?;
    let Some(first) = rows.first() else {
        return Ok(false);
    };
    let zone: Tz = first
        .time_zone
        .parse()
        .map_err(|_| StorageError::Malformed("time zone"))?;
    let hours: Vec<WorkingHours> = rows
        .iter()
        .map(|row| working_hours(row.weekday, row.opens, row.closes))
        .collect::<Result<_, _>>()?;
    Ok(is_open(zone, &hours, time))
}

/// The patient's appointment at that time, with whomever, but for `except`.
pub(super) async fn at_that_time(
    tx: &mut TenantTx,
    patient: PatientId,
    time: &Interval,
    except: Option<BookingId>,
) -> Result<Option<Booking>, StorageError> {
    let row = sqlx::query_as!(
        BookingRow,
        "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
         FROM bookings WHERE patient_id = $1 AND status = 'booked' AND booking_id IS DISTINCT FROM $4
             AND tstzrange(starts_at, ends_at) && tstzrange($2, $3)
         ORDER BY starts_at LIMIT 1",
        patient.as_uuid(),
        time.start,
        time.end,
        except.map(BookingId::as_uuid)
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Booking::from))
}

/// The patient's next appointment for this procedure, or for any that this call has booked: who wished for one does not leave with two. `None` if the
/// procedure is one that repeats.
async fn ahead(
    tx: &mut TenantTx,
    patient: PatientId,
    wanted: &NewBooking,
    call: CallId,
) -> Result<Option<Booking>, StorageError> {
    let row = sqlx::query_as!(
        BookingRow,
        "SELECT booking_id, provider_id, patient_id, procedure_code, starts_at, ends_at, status, confirmation_code, call_id
         FROM bookings WHERE patient_id = $1 AND (procedure_code = $2 OR call_id = $4) AND status = 'booked' AND starts_at > $3
             AND NOT (SELECT repeats FROM procedures WHERE code = $2)
         ORDER BY starts_at LIMIT 1",
        patient.as_uuid(),
        wanted.procedure,
        wanted.made_at,
        call.as_uuid()
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(Booking::from))
}

async fn limit_reached(
    tx: &mut TenantTx,
    wanted: &NewBooking,
    patient: PatientId,
    call: CallId,
) -> Result<Option<BookingLimit>, StorageError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM bookings WHERE status = 'booked' AND call_id = $1)
                      >= max_bookings_per_call AS "call!",
                  (SELECT count(*) FROM bookings WHERE status = 'booked' AND caller_index = $2 AND starts_at > $4)
                      >= max_bookings_per_caller AS "caller!",
                  (SELECT count(*) FROM bookings WHERE status = 'booked' AND patient_id = $3 AND starts_at > $4)
                      >= max_bookings_per_patient AS "patient!"
           FROM tenants"#,
        call.as_uuid(),
        wanted.caller.as_ref().map(<[u8; 32]>::as_slice),
        patient.as_uuid(),
        wanted.made_at
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(match (row.call, row.caller, row.patient) {
        (true, ..) => Some(BookingLimit::PerCall),
        (_, true, _) => Some(BookingLimit::PerCaller),
        (.., true) => Some(BookingLimit::PerPatient),
        _ => None,
    })
}
