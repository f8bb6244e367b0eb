//! One row per call: when, from and to whom, how it ended.

use chrono::{DateTime, Utc};

use super::{Db, StorageError, TenantTx};
use crate::{
    domain::{
        call::{CallRecord, Outcome, Route, TransferResult},
        caller::CallOrigin,
        e164::E164,
        ids::{CallId, TenantId},
        phi::Phi,
    },
    security::{Aad, TenantSealer},
};

/// A call that begins.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The call.
    pub call: CallId,
    /// When the gateway admitted it.
    pub started_at: DateTime<Utc>,
    /// The way it came.
    pub route: Route,
    /// The clinic's number.
    pub dialled: E164,
    /// The caller's number, unless withheld.
    pub caller: Option<Phi<E164>>,
    /// What came with it.
    pub origin: CallOrigin,
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct EndedCall {
    /// As it began.
    pub begun: NewCall,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How.
    pub outcome: Outcome,
}

impl From<&CallRecord> for NewCall {
    fn from(record: &CallRecord) -> Self {
        Self {
            call: record.call,
            started_at: record.admitted_at,
            route: record.route,
            dialled: record.dialled.clone(),
            caller: record.caller.clone(),
            origin: record.origin.clone(),
        }
    }
}

impl Db {
    /// Notes a call down; again after a take-over changes nothing.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn begin_call(
        &self,
        sealer: &TenantSealer,
        call: &NewCall,
    ) -> Result<(), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            insert(&mut tx, sealer, call).await?;
            tx.commit().await
        })
        .await
    }

    /// Notes down how a call ended, as [`Self::finish_call`], and makes its row first if Postgres was away when it began.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn end_call(
        &self,
        sealer: &TenantSealer,
        call: &EndedCall,
    ) -> Result<(), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(sealer.tenant()).await?;
            insert(&mut tx, sealer, &call.begun).await?;
            finish(&mut tx, call.begun.call, call.ended_at, call.outcome).await?;
            tx.commit().await
        })
        .await
    }

    /// Notes down how a call ended. The first end stays, unless it was a transfer: then the caller may have come back and ended the call again.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn finish_call(
        &self,
        tenant: TenantId,
        call: CallId,
        ended_at: DateTime<Utc>,
        outcome: Outcome,
    ) -> Result<(), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            finish(&mut tx, call, ended_at, outcome).await?;
            tx.commit().await
        })
        .await
    }

    /// Notes down what became of a call's transfer; of several the last one stays.
    ///
    /// # Errors
    /// [`StorageError`]; doing it again is safe.
    pub async fn note_transfer(
        &self,
        tenant: TenantId,
        call: CallId,
        to: Option<&E164>,
        result: TransferResult,
    ) -> Result<(), StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            sqlx::query!(
                "UPDATE calls SET transferred_to = $2, transfer_result = $3 WHERE call_id = $1",
                call.as_uuid(),
                to.map(E164::as_str),
                result.as_str()
            )
            .execute(tx.connection())
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Whose call this is.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn resolve_call(&self, call: CallId) -> Result<Option<TenantId>, StorageError> {
        self.healed(|| async {
            let mut connection = self.pool.acquire().await?;
            let tenant = sqlx::query_scalar!("SELECT resolve_call($1)", call.as_uuid())
                .fetch_one(&mut *connection)
                .await?;
            Ok(tenant.map(TenantId::from))
        })
        .await
    }
}

/// A row that is there already stays as it is.
async fn insert(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    call: &NewCall,
) -> Result<bool, StorageError> {
    let seal = |column, number: &Phi<E164>| {
        let place = Aad {
            table: "calls",
            column,
            row: call.call.as_uuid(),
        };
        sealer
            .seal(&place, number.expose().as_str().as_bytes())
            .into_bytes()
    };
    let caller = call.caller.as_ref().map(|number| seal("caller", number));
    let forwarded = call.origin.forwarded_from.as_ref();
    let forwarded = forwarded.map(|number| seal("forwarded_from", number));
    let index = call
        .caller
        .as_ref()
        .map(|caller| sealer.phone_index(caller).to_vec());
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "INSERT INTO calls (tenant_id, call_id, started_at, route, dialled, caller, caller_index, attestation, forwarded_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant_id, call_id) DO NOTHING",
        tenant.as_uuid(),
        call.call.as_uuid(),
        call.started_at,
        call.route.as_str(),
        call.dialled.as_str(),
        caller,
        index,
        call.origin.attestation.as_str(),
        forwarded
    )
    .execute(tx.connection())
    .await?;
    Ok(inserted.rows_affected() > 0)
}

async fn finish(
    tx: &mut TenantTx,
    call: CallId,
    ended_at: DateTime<Utc>,
    outcome: Outcome,
) -> Result<(), StorageError> {
    sqlx::query!(
        "UPDATE calls SET ended_at = $2, outcome = $3
         WHERE call_id = $1 AND (ended_at IS NULL OR outcome = 'transferred' AND ended_at < $2)",
        call.as_uuid(),
        ended_at,
        outcome.as_str()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Makes the row of a call whose artifact is written. A row that is there knows better how the call ended, unless nobody told it.
pub(super) async fn make_if_missing(
    tx: &mut TenantTx,
    sealer: &TenantSealer,
    call: &EndedCall,
) -> Result<(), StorageError> {
    if insert(tx, sealer, &call.begun).await? {
        tracing::warn!(call.id = %call.begun.call, "a call's lost row is made anew");
    }
    sqlx::query!(
        "UPDATE calls SET ended_at = $2, outcome = $3 WHERE call_id = $1 AND ended_at IS NULL",
        call.begun.call.as_uuid(),
        call.ended_at,
        call.outcome.as_str()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
