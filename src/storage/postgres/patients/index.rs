//! Names of before `name_index`, indexed. They are sealed, so no migration in SQL can do it.

use uuid::Uuid;

use super::open;
use crate::{
    security::TenantSealer,
    storage::postgres::{StorageError, TenantTx},
};

/// Rows in one step: some milliseconds of opening names.
const BATCH: i64 = 1000;

/// Indexes a batch and returns how many rows it was. Rows that another transaction works at are left to it.
pub(super) async fn index_some(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
) -> Result<usize, StorageError> {
    Ok(index_after(tx, sealer, Uuid::nil()).await?.0)
}

/// Indexes every row of a tenant that is not. The caller commits.
pub(in crate::storage::postgres) async fn index_all(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
) -> Result<usize, StorageError> {
    let (mut done, mut after) = (0, Uuid::nil());
    loop {
        let (indexed, last) = index_after(tx, sealer, after).await?;
        done += indexed;
        match last {
            Some(last) => after = last,
            None => return Ok(done),
        }
    }
}

/// How many rows were indexed, and the last one that was looked at.
async fn index_after(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    after: Uuid,
) -> Result<(usize, Option<Uuid>), StorageError> {
    let rows = sqlx::query!(
        "SELECT patient_id, name, born FROM patients WHERE name_index IS NULL AND patient_id > $1
         ORDER BY patient_id LIMIT $2 FOR UPDATE SKIP LOCKED",
        after,
        BATCH
    )
    .fetch_all(tx.connection())
    .await?;
    let last = rows.last().map(|row| row.patient_id);
    let (mut patients, mut indexes) = (Vec::new(), Vec::new());
    for row in rows {
        match open(sealer, row.patient_id.into(), row.name, row.born) {
            Ok(person) => {
                patients.push(row.patient_id);
                indexes.push(sealer.name_index(&person.name, &person.born).to_vec());
            }
            // It stays as it was: found by the older index. One row that cannot be opened must not hold up the others.
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "a patient's name is not indexed"
            ),
        }
    }
    sqlx::query!(
        "UPDATE patients SET name_index = new.name_index FROM UNNEST($1::uuid[], $2::bytea[]) AS new (patient_id, name_index)
         WHERE patients.patient_id = new.patient_id",
        &patients,
        &indexes
    )
    .execute(tx.connection())
    .await?;
    Ok((patients.len(), last))
}
