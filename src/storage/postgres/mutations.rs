//! The ledger of committed mutations: what makes a repeat recognisable after a pod's death.

use chrono::{DateTime, Utc};

use super::{Db, StorageError, TenantTx};
use crate::{
    domain::ids::{BookingId, CallId, ProviderId, TenantId},
    security::IdempotencyKey,
};

/// A mutation about to run.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// Its name; the same request has the same.
    pub key: IdempotencyKey,
    /// The call on whose behalf it runs.
    pub call: CallId,
}

/// A tool that changes bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationTool {
    /// `book_appointment`.
    Book,
    /// `cancel_appointment`.
    Cancel,
    /// `reschedule_appointment`.
    Reschedule,
}

impl MutationTool {
    /// The tool's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Book => "book_appointment",
            Self::Cancel => "cancel_appointment",
            Self::Reschedule => "reschedule_appointment",
        }
    }
}

/// A practitioner's time.
pub(super) type Place = (ProviderId, DateTime<Utc>);

impl Db {
    /// How many mutations this call has committed that took or freed this time.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn mutations_of_slot(
        &self,
        tenant: TenantId,
        call: CallId,
        provider: ProviderId,
        starts_at: DateTime<Utc>,
    ) -> Result<u64, StorageError> {
        self.healed(|| async {
            let mut tx = self.begin(tenant).await?;
            let count = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!" FROM tool_executions
                   WHERE call_id = $1 AND ((provider_id = $2 AND starts_at = $3) OR (from_provider_id = $2 AND from_starts_at = $3))"#,
                call.as_uuid(),
                provider.as_uuid(),
                starts_at
            )
            .fetch_one(tx.connection())
            .await?;
            Ok(count.unsigned_abs())
        })
        .await
    }
}

/// How many mutations this call has committed to this booking.
pub(super) async fn of_booking(
    tx: &mut TenantTx,
    call: CallId,
    booking: BookingId,
) -> Result<u64, StorageError> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM tool_executions WHERE call_id = $1 AND booking_id = $2"#,
        call.as_uuid(),
        booking.as_uuid()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(count.unsigned_abs())
}

/// Whether this very mutation was committed before.
pub(super) async fn is_done(tx: &mut TenantTx, mutation: &Mutation) -> Result<bool, StorageError> {
    let done = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM tool_executions WHERE idempotency_key = $1) AS "done!""#,
        mutation.key.0.as_slice()
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(done)
}

/// Writes the mutation down, in the transaction that makes it.
pub(super) async fn record(
    tx: &mut TenantTx,
    mutation: &Mutation,
    tool: MutationTool,
    booking: BookingId,
    at: Place,
    from: Option<Place>,
) -> Result<(), StorageError> {
    sqlx::query!(
        "INSERT INTO tool_executions
            (tenant_id, idempotency_key, call_id, tool, booking_id, provider_id, starts_at, from_provider_id, from_starts_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.tenant().as_uuid(),
        mutation.key.0.as_slice(),
        mutation.call.as_uuid(),
        tool.as_str(),
        booking.as_uuid(),
        at.0.as_uuid(),
        at.1,
        from.map(|(provider, _)| provider.as_uuid()),
        from.map(|(_, starts_at)| starts_at),
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
