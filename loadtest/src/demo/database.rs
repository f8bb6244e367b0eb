//! What Postgres holds, read as the application's login and in the tenant's name: as the product itself would see it.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::stack::Database;

/// The call's bookings. Sealed columns come as the length of what is stored: their content is not Postgres' to know.
///
/// # Errors
/// `psql` failed.
pub(super) fn bookings(
    database: &Database,
    tenant: &str,
    call: &str,
) -> anyhow::Result<Vec<Value>> {
    let sealed = |column: &str| format!("'sealed, ' || octet_length({column}) || ' bytes'");
    let sql = format!(
        "SELECT coalesce(json_agg(row), '[]') FROM (
            SELECT b.booking_id, b.status, b.confirmation_code, b.procedure_code, pr.name AS practitioner, b.starts_at, b.ends_at,
                   {} AS patient_name, {} AS patient_born, {} AS reason
            FROM bookings b JOIN patients p USING (tenant_id, patient_id)
                 JOIN practitioners pr ON (pr.tenant_id, pr.provider_id) = (b.tenant_id, b.provider_id)
            WHERE b.call_id = '{call}'::uuid ORDER BY b.created_at) AS row",
        sealed("p.name"),
        sealed("p.born"),
        sealed("b.reason"),
    );
    let rows: Value =
        serde_json::from_str(&as_tenant(database, tenant, &sql)?).context("read the bookings")?;
    Ok(rows.as_array().cloned().unwrap_or_default())
}

fn as_tenant(database: &Database, tenant: &str, sql: &str) -> anyhow::Result<String> {
    let scope = format!("BEGIN; SET LOCAL app.tenant_id = '{tenant}'; {sql}; COMMIT");
    let output = Command::new("psql")
        .args([
            "-X",
            "-w",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            &scope,
            database.app_url(),
        ])
        .stdin(Stdio::null())
        .output()
        .context("run psql")?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
