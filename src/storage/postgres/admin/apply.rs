//! Makes the tables say what a clinic file says.

use std::collections::BTreeMap;

use chrono::{DateTime, Months, Utc};
use uuid::Uuid;

use super::{
    Admin, ClinicFile, StorageError, TenantTx,
    absence::replace_time_off,
    clinic_file::{PlanLine, PractitionerLine},
};
use crate::domain::{
    ids::{LocationId, ProviderId},
    placement::{ProjectName, Region},
};

impl Admin {
    /// Creates or changes a clinic, in one transaction; doing it again changes nothing. A new clinic gets a data key, the head of its audit
    /// chain, and audit partitions for this month and the next.
    ///
    /// # Errors
    /// [`StorageError`]; nothing is changed then.
    pub async fn apply(&self, clinic: &ClinicFile, now: DateTime<Utc>) -> Result<(), StorageError> {
        let mut tx = self.begin(clinic.id).await?;
        upsert_tenant(&mut tx, clinic).await?;
        self.ensure_key(&mut tx, clinic.id).await?;
        replace_numbers(&mut tx, clinic).await?;
        let locations = upsert_locations(&mut tx, clinic).await?;
        upsert_procedures(&mut tx, clinic).await?;
        let names: Vec<String> = clinic
            .practitioners
            .iter()
            .map(|line| line.name.clone())
            .collect();
        sqlx::query!(
            "UPDATE practitioners SET active = false WHERE name <> ALL ($1)",
            &names
        )
        .execute(tx.connection())
        .await?;
        for line in &clinic.practitioners {
            upsert_practitioner(&mut tx, line, locations[line.location.as_str()]).await?;
        }
        replace_time_off(&mut tx, clinic).await?;
        replace_transfer_hours(&mut tx, clinic).await?;
        replace_plans(&mut tx, &clinic.plans).await?;
        prepare_audit(&mut tx, now).await?;
        tx.commit().await
    }
}

async fn upsert_tenant(tx: &mut TenantTx, clinic: &ClinicFile) -> Result<(), StorageError> {
    sqlx::query!(
        "INSERT INTO tenants (tenant_id, name, time_zone, greeting, instructions, voice, fallback_number, transfer_number,
                              max_concurrent_calls, max_calls_per_minute, region, livekit_project,
                              max_bookings_per_call, max_bookings_per_caller, max_bookings_per_patient)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (tenant_id) DO UPDATE SET
             name = EXCLUDED.name, time_zone = EXCLUDED.time_zone, greeting = EXCLUDED.greeting, instructions = EXCLUDED.instructions,
             voice = EXCLUDED.voice, fallback_number = EXCLUDED.fallback_number, transfer_number = EXCLUDED.transfer_number,
             max_concurrent_calls = EXCLUDED.max_concurrent_calls, max_calls_per_minute = EXCLUDED.max_calls_per_minute,
             region = EXCLUDED.region, livekit_project = EXCLUDED.livekit_project, max_bookings_per_call = EXCLUDED.max_bookings_per_call,
             max_bookings_per_caller = EXCLUDED.max_bookings_per_caller, max_bookings_per_patient = EXCLUDED.max_bookings_per_patient",
        clinic.id.as_uuid(),
        clinic.name,
        clinic.time_zone.name(),
        clinic.greeting,
        clinic.instructions,
        clinic.voice,
        clinic.fallback_number.as_ref().map(|number| number.as_str()),
        clinic.transfer.as_ref().map(|desk| desk.number.as_str()),
        i32::from(clinic.max_concurrent_calls),
        i32::from(clinic.max_calls_per_minute),
        clinic.region.as_ref().map(Region::as_str),
        clinic.livekit_project.as_ref().map(ProjectName::as_str),
        i16::from(clinic.booking_limits.per_call.get()),
        i16::from(clinic.booking_limits.per_caller.get()),
        i16::from(clinic.booking_limits.per_patient.get()),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn replace_transfer_hours(
    tx: &mut TenantTx,
    clinic: &ClinicFile,
) -> Result<(), StorageError> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query!("DELETE FROM transfer_hours WHERE tenant_id = $1", tenant)
        .execute(tx.connection())
        .await?;
    let hours = clinic.transfer.iter().flat_map(|desk| &desk.hours);
    for (day, spans) in hours {
        for span in spans {
            sqlx::query!(
                "INSERT INTO transfer_hours (tenant_id, weekday, opens, closes) VALUES ($1, $2, $3, $4)",
                tenant,
                day.number_from_monday() as i16,
                span.opens,
                span.closes
            )
            .execute(tx.connection())
            .await?;
        }
    }
    Ok(())
}

/// A number of another clinic is refused by the primary key.
async fn replace_numbers(tx: &mut TenantTx, clinic: &ClinicFile) -> Result<(), StorageError> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query!("DELETE FROM phone_numbers WHERE tenant_id = $1", tenant)
        .execute(tx.connection())
        .await?;
    for number in &clinic.numbers {
        sqlx::query!(
            "INSERT INTO phone_numbers (number, tenant_id) VALUES ($1, $2)",
            number.as_str(),
            tenant
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

async fn upsert_locations<'a>(
    tx: &mut TenantTx,
    clinic: &'a ClinicFile,
) -> Result<BTreeMap<&'a str, Uuid>, StorageError> {
    let mut ids = BTreeMap::new();
    for location in &clinic.locations {
        let id = sqlx::query_scalar!(
            "INSERT INTO locations (tenant_id, location_id, name, address) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id, name) DO UPDATE SET address = EXCLUDED.address RETURNING location_id",
            tx.tenant().as_uuid(),
            LocationId::generate().as_uuid(),
            location.name,
            location.address
        )
        .fetch_one(tx.connection())
        .await?;
        ids.insert(location.name.as_str(), id);
    }
    Ok(ids)
}

async fn upsert_procedures(tx: &mut TenantTx, clinic: &ClinicFile) -> Result<(), StorageError> {
    let codes: Vec<String> = clinic
        .procedures
        .iter()
        .map(|line| line.code.clone())
        .collect();
    sqlx::query!(
        "UPDATE procedures SET active = false WHERE code <> ALL ($1)",
        &codes
    )
    .execute(tx.connection())
    .await?;
    for line in &clinic.procedures {
        sqlx::query!(
            "INSERT INTO procedures (tenant_id, code, name, minutes, repeats) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, code) DO UPDATE SET name = EXCLUDED.name, minutes = EXCLUDED.minutes, repeats = EXCLUDED.repeats, active = true",
            tx.tenant().as_uuid(),
            line.code,
            line.name,
            i16::try_from(line.minutes).unwrap_or(i16::MAX),
            line.repeats
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

async fn upsert_practitioner(
    tx: &mut TenantTx,
    line: &PractitionerLine,
    location: Uuid,
) -> Result<(), StorageError> {
    let tenant = tx.tenant().as_uuid();
    let provider = sqlx::query_scalar!(
        "INSERT INTO practitioners (tenant_id, provider_id, location_id, number, name)
         VALUES ($1, $2, $3, (SELECT coalesce(max(number), 0) + 1 FROM practitioners), $4)
         ON CONFLICT (tenant_id, name) DO UPDATE SET location_id = EXCLUDED.location_id, active = true RETURNING provider_id",
        tenant,
        ProviderId::generate().as_uuid(),
        location,
        line.name
    )
    .fetch_one(tx.connection())
    .await?;
    sqlx::query!(
        "DELETE FROM practitioner_procedures WHERE provider_id = $1",
        provider
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "INSERT INTO practitioner_procedures (tenant_id, provider_id, procedure_code) SELECT $1, $2, code FROM unnest($3::text[]) AS code",
        tenant,
        provider,
        &line.procedures
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!("DELETE FROM working_hours WHERE provider_id = $1", provider)
        .execute(tx.connection())
        .await?;
    for hours in &line.hours {
        let days: Vec<i16> = hours
            .days
            .iter()
            .map(|day| day.number_from_monday() as i16)
            .collect();
        sqlx::query!(
            "INSERT INTO working_hours (tenant_id, provider_id, weekday, opens, closes) SELECT $1, $2, day, $4, $5 FROM unnest($3::int2[]) AS day",
            tenant,
            provider,
            &days,
            hours.opens,
            hours.closes
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

async fn replace_plans(tx: &mut TenantTx, plans: &[PlanLine]) -> Result<(), StorageError> {
    let tenant = tx.tenant().as_uuid();
    // Nothing refers to a plan but its rules.
    sqlx::query!("DELETE FROM insurance_plans WHERE tenant_id = $1", tenant)
        .execute(tx.connection())
        .await?;
    for line in plans {
        let plan = Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO insurance_plans (tenant_id, plan_id, payer, plan, aliases) VALUES ($1, $2, $3, $4, $5)",
            tenant,
            plan,
            line.payer,
            line.plan,
            &line.aliases
        )
        .execute(tx.connection())
        .await?;
        for rule in &line.coverage {
            sqlx::query!(
                "INSERT INTO coverage_rules (tenant_id, plan_id, procedure_code, covered, copay_cents, note) VALUES ($1, $2, $3, $4, $5, $6)",
                tenant,
                plan,
                rule.procedure,
                rule.covered,
                rule.copay_cents.map(|cents| i32::try_from(cents).unwrap_or(i32::MAX)),
                rule.note
            )
            .execute(tx.connection())
            .await?;
        }
    }
    Ok(())
}

async fn prepare_audit(tx: &mut TenantTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    sqlx::query!(
        "INSERT INTO audit_heads (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING",
        tx.tenant().as_uuid()
    )
    .execute(tx.connection())
    .await?;
    for month in [now, now + Months::new(1)] {
        sqlx::query!("SELECT ensure_audit_partition($1)", month)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}
