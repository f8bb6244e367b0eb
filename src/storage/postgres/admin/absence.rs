//! Time off and holidays as a clinic file writes them.

use chrono::{NaiveDate, NaiveDateTime};
use serde::Deserialize;
use uuid::Uuid;

use super::{ClinicFile, StorageError, TenantTx};
use crate::domain::{appointment::instant, ids::ProviderId};

/// `2026-12-25` (a day), `2026-12-28 to 2026-12-31` (days, both included) or `2026-12-24 12:00 to 2026-12-24 18:00`, local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Absence {
    /// From this local time on.
    pub starts: NaiveDateTime,
    /// Until, and not at, this local time.
    pub ends: NaiveDateTime,
}

impl TryFrom<String> for Absence {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (first, last) = text.split_once(" to ").unwrap_or((&text, &text));
        let absence = bounds(first).zip(bounds(last)).map(|(first, last)| Self {
            starts: first.0,
            ends: last.1,
        });
        absence
            .filter(|absence| absence.starts < absence.ends)
            .ok_or_else(|| {
                format!("{text:?} is not of the form \"2026-12-25\", \"2026-12-28 to 2026-12-31\" or \"2026-12-24 12:00 to 2026-12-24 18:00\"")
            })
    }
}

/// Where a day begins and ends; a time is both.
fn bounds(text: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let next = day.succ_opt()?;
        return Some((
            day.and_time(chrono::NaiveTime::MIN),
            next.and_time(chrono::NaiveTime::MIN),
        ));
    }
    let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let time = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some((time, time))
}

/// Makes the table say what the file says. No booking is made meanwhile into a time that was free before.
pub(super) async fn replace_time_off(
    tx: &mut TenantTx,
    clinic: &ClinicFile,
) -> Result<(), StorageError> {
    let tenant = tx.tenant().as_uuid();
    let providers =
        sqlx::query!("SELECT provider_id, name FROM practitioners ORDER BY provider_id")
            .fetch_all(tx.connection())
            .await?;
    for row in &providers {
        tx.lock_calendar(ProviderId::from(row.provider_id)).await?;
    }
    sqlx::query!("DELETE FROM time_off WHERE tenant_id = $1", tenant)
        .execute(tx.connection())
        .await?;
    for closed in &clinic.closed {
        insert(tx, clinic, None, closed).await?;
    }
    for line in &clinic.practitioners {
        let provider = providers.iter().find(|row| row.name == line.name);
        let provider = provider.map(|row| row.provider_id);
        for absence in &line.time_off {
            insert(tx, clinic, provider, absence).await?;
        }
    }
    Ok(())
}

async fn insert(
    tx: &mut TenantTx,
    clinic: &ClinicFile,
    provider: Option<Uuid>,
    absence: &Absence,
) -> Result<(), StorageError> {
    let at = |local: NaiveDateTime| instant(clinic.time_zone, local.date(), local.time());
    let (starts, ends) = (at(absence.starts), at(absence.ends));
    // Inside the hour that a clock change skips there is nothing to take off.
    if starts >= ends {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO time_off (tenant_id, time_off_id, provider_id, starts_at, ends_at) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant().as_uuid(),
        Uuid::now_v7(),
        provider,
        starts,
        ends
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absence(text: &str) -> Result<(String, String), String> {
        let absence = Absence::try_from(text.to_owned())?;
        Ok((absence.starts.to_string(), absence.ends.to_string()))
    }

    #[test]
    fn an_absence_is_a_day_days_or_a_span_of_time() {
        for (text, starts, ends) in [
            ("2026-12-25", "2026-12-25 00:00:00", "2026-12-26 00:00:00"),
            (
                "2026-12-28 to 2026-12-31",
                "2026-12-28 00:00:00",
                "2027-01-01 00:00:00",
            ),
            (
                "2026-12-24 12:00 to 2026-12-24 18:00",
                "2026-12-24 12:00:00",
                "2026-12-24 18:00:00",
            ),
            (
                "2026-12-24T12:00 to 2026-12-26",
                "2026-12-24 12:00:00",
                "2026-12-27 00:00:00",
            ),
        ] {
            assert_eq!(
                absence(text),
                Ok((starts.to_owned(), ends.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_span_is_refused_and_nothing_panics() {
        for text in [
            "",
            "Christmas",
            "2026-12-25 12:00",
            "2026-12-31 to 2026-12-28",
            "2026-13-01",
            "2026-12-24 18:00 to 2026-12-24 12:00",
            "+262142-12-31",
        ] {
            assert!(absence(text).is_err(), "{text}");
        }
    }
}
