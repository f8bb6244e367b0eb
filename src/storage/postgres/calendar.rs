//! Practitioners, their hours, their time off and what is booked.

use std::collections::BTreeMap;

use chrono::{NaiveTime, Weekday};

use super::{Db, StorageError, TenantTx};
use crate::domain::{
    appointment::{Calendar, Interval, Practitioner, WorkingHours},
    ids::{ProviderId, TenantId},
};

impl Db {
    /// The calendars of everybody who does this procedure, with what is booked, and when they are away, inside `window`.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn calendars(
        &self,
        tenant: TenantId,
        procedure: &str,
        window: Interval,
    ) -> Result<Vec<Calendar>, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let rows = sqlx::query!(
                "SELECT p.provider_id, p.number, p.name, h.weekday, h.opens, h.closes
                 FROM practitioners p
                 JOIN practitioner_procedures d USING (tenant_id, provider_id)
                 JOIN working_hours h USING (tenant_id, provider_id)
                 WHERE p.active AND d.procedure_code = $1
                 ORDER BY p.number, h.weekday, h.opens",
                procedure
            )
            .fetch_all(tx.connection())
            .await?;
            let mut busy = busy(&mut tx, window).await?;
            let holidays = away(&mut tx, window, &mut busy).await?;
            let mut calendars: BTreeMap<i16, Calendar> = BTreeMap::new();
            for row in rows {
                let provider = ProviderId::from(row.provider_id);
                let calendar = calendars.entry(row.number).or_insert_with(|| Calendar {
                    practitioner: Practitioner {
                        id: provider,
                        number: row.number.unsigned_abs(),
                        name: row.name,
                    },
                    hours: Vec::new(),
                    busy: busy.remove(&provider).unwrap_or_default(),
                });
                calendar
                    .hours
                    .push(working_hours(row.weekday, row.opens, row.closes)?);
            }
            let closed = |mut calendar: Calendar| {
                calendar.busy.extend(&holidays);
                calendar
            };
            Ok(calendars.into_values().map(closed).collect())
        })
        .await
    }

    /// The practitioner with this number, if active.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn practitioner(
        &self,
        tenant: TenantId,
        number: u16,
    ) -> Result<Option<Practitioner>, StorageError> {
        let Ok(small) = i16::try_from(number) else {
            return Ok(None);
        };
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let row = sqlx::query!(
                "SELECT provider_id, name FROM practitioners WHERE number = $1 AND active",
                small
            )
            .fetch_optional(tx.connection())
            .await?;
            Ok(row.map(|row| Practitioner {
                id: row.provider_id.into(),
                number,
                name: row.name,
            }))
        })
        .await
    }
}

async fn busy(
    tx: &mut TenantTx,
    window: Interval,
) -> Result<BTreeMap<ProviderId, Vec<Interval>>, StorageError> {
    let rows = sqlx::query!(
        "SELECT provider_id, starts_at, ends_at FROM bookings
         WHERE status = 'booked' AND tstzrange(starts_at, ends_at) && tstzrange($1, $2)",
        window.start,
        window.end
    )
    .fetch_all(tx.connection())
    .await?;
    let mut busy: BTreeMap<ProviderId, Vec<Interval>> = BTreeMap::new();
    for row in rows {
        busy.entry(row.provider_id.into())
            .or_default()
            .push(Interval {
                start: row.starts_at,
                end: row.ends_at,
            });
    }
    Ok(busy)
}

/// Adds practitioners' time off to what keeps them busy, and returns when the whole clinic is closed.
async fn away(
    tx: &mut TenantTx,
    window: Interval,
    busy: &mut BTreeMap<ProviderId, Vec<Interval>>,
) -> Result<Vec<Interval>, StorageError> {
    let rows = sqlx::query!(
        "SELECT provider_id, starts_at, ends_at FROM time_off WHERE tstzrange(starts_at, ends_at) && tstzrange($1, $2)",
        window.start,
        window.end
    )
    .fetch_all(tx.connection())
    .await?;
    let mut holidays = Vec::new();
    for row in rows {
        let time = Interval {
            start: row.starts_at,
            end: row.ends_at,
        };
        match row.provider_id {
            Some(provider) => busy.entry(provider.into()).or_default().push(time),
            None => holidays.push(time),
        }
    }
    Ok(holidays)
}

pub(super) fn working_hours(
    weekday: i16,
    opens: NaiveTime,
    closes: NaiveTime,
) -> Result<WorkingHours, StorageError> {
    let index = u8::try_from(weekday - 1).map_err(|_| StorageError::Malformed("weekday"))?;
    let weekday = Weekday::try_from(index).map_err(|_| StorageError::Malformed("weekday"))?;
    Ok(WorkingHours {
        weekday,
        opens,
        closes,
    })
}
