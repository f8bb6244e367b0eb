//! Postgres: what must not be lost. One file per aggregate.
//!
//! [`Db`] is the application's pool. Tenant rows are reached through `TenantTx` alone, which sets the tenant for the length of a transaction; row level security
//! does the rest (docs/adr/0005-tenancy-and-sealed-phi.md). Every operation has a deadline on both sides of the socket, and is tried again when its connection
//! turned out to be no use. The operator's statements, as owner of the
//! schema, are in [`admin`].

pub mod admin;
mod audit;
mod audit_chain;
mod audit_walk;
mod bookings;
mod calendar;
mod calls;
mod checkpoint;
mod clinic;
mod connections;
mod coverage;
mod error;
mod mutations;
mod patients;
mod pending;
mod tx;

use std::{future::Future, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::Instant;

pub use self::{
    audit::{ArtifactWrite, PhiAccess, SealedArtifact},
    audit_walk::{ChainBreak, ChainReport, KeptHead},
    bookings::{
        Appointment, BookOutcome, Booking, BookingLimit, BookingRef, BookingStatus, Cancelled,
        Change, Changed, Claimant, Found, FoundBooking, Moved, NewBooking, Proof, Together,
    },
    calls::{EndedCall, NewCall},
    checkpoint::Checkpoint,
    clinic::Clinic,
    error::StorageError,
    mutations::{Mutation, MutationTool},
    patients::{PatientDetails, Person, PhoneCorrection},
    pending::PendingArtifact,
};
use self::{connections::Retirement, tx::TenantTx};
use crate::{config::PostgresConfig, domain::ids::TenantId, security::Keyring};

/// Waits before an operation is tried again on another connection. A failover takes seconds, and the deadline is for all attempts together.
const HEALING: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_millis(1000),
];

/// The application's way to Postgres; a cheap clone.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    retirement: Retirement,
    keyring: Keyring,
    deadline: Duration,
}

impl Db {
    /// Prepares a pool as the application's login; connections are made on demand, so Postgres may come up later.
    ///
    /// # Errors
    /// [`StorageError::Misconfigured`] if the URL does not parse.
    pub fn connect(config: &PostgresConfig, keyring: Keyring) -> Result<Self, StorageError> {
        let statement = Duration::from_millis(config.statement_timeout_ms);
        let acquire = Duration::from_millis(config.acquire_timeout_ms);
        let retirement = Retirement::default();
        let known = retirement.clone();
        let pool = PgPoolOptions::new()
            .max_connections(config.pool_size)
            .acquire_timeout(acquire)
            .before_acquire(move |_, connection| {
                let is_spared = known.spares(connection.age, Instant::now());
                Box::pin(std::future::ready(Ok(is_spared)))
            })
            .connect_lazy_with(connect_options(config.url.expose(), statement)?);
        Ok(Self {
            pool,
            retirement,
            keyring,
            deadline: acquire + statement,
        })
    }

    /// Answers when a connection works, and bookings can be written by it: for readiness.
    ///
    /// # Errors
    /// [`StorageError`]; [`StorageError::ReadOnly`] if the server takes no writes.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.healed(|| async {
            let met_by = self.retirement.generation();
            let mut connection = self.pool.acquire().await?;
            let is_read_only = sqlx::query_scalar!(
                r#"SELECT current_setting('transaction_read_only') = 'on' AS "is_read_only!""#
            )
            .fetch_one(&mut *connection)
            .await?;
            match is_read_only {
                false => Ok(()),
                true => {
                    self.retirement.retire_read_only(met_by, Instant::now());
                    Err(StorageError::ReadOnly)
                }
            }
        })
        .await
    }

    /// Closes the pool; waits for running operations.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that sees this tenant's rows only. A connection that stayed with a server which takes no writes any more is exchanged for another, before
    /// anything was done; where no other is to be had, what only reads still works.
    async fn begin(&self, tenant: TenantId) -> Result<TenantTx, StorageError> {
        loop {
            let met_by = self.retirement.generation();
            let (tx, is_read_only) = TenantTx::begin_and_look(&self.pool, tenant).await?;
            if !is_read_only || !self.retirement.retire_read_only(met_by, Instant::now()) {
                return Ok(tx);
            }
            tracing::warn!("postgres connections are read-only: they are replaced");
        }
    }

    /// Gives an operation its deadline, as [`Self::timed`], and does it again on a fresh connection when its own went stale before anything was committed. For work
    /// that may be done from its beginning: one transaction, or none.
    async fn healed<T, F>(&self, work: impl Fn() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        self.timed(async {
            for wait in HEALING {
                tokio::time::sleep(wait).await;
                let met_by = self.retirement.generation();
                match work().await {
                    Err(error @ (StorageError::Stale(_) | StorageError::ReadOnly)) => {
                        tracing::debug!(
                            error = &error as &dyn std::error::Error,
                            "again on a fresh connection"
                        );
                        if !matches!(error, StorageError::ReadOnly) {
                            self.retirement.retire(met_by, Instant::now());
                        }
                    }
                    result => return result,
                }
            }
            work().await.map_err(StorageError::given_up)
        })
        .await
    }

    /// Gives an operation its deadline: a frozen server runs no statement timeout. Dropping the operation rolls it back.
    async fn timed<T, E: From<StorageError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match tokio::time::timeout(self.deadline, work).await {
            Ok(result) => result,
            Err(_) => Err(StorageError::Deadline.into()),
        }
    }
}

/// The server's side of the deadlines.
fn connect_options(url: &str, statement: Duration) -> Result<PgConnectOptions, StorageError> {
    let limit = format!("{}ms", statement.as_millis());
    let options = PgConnectOptions::from_str(url).map_err(|_| StorageError::Misconfigured)?;
    Ok(options
        .application_name("neurality")
        .options([
            ("statement_timeout", limit.as_str()),
            ("lock_timeout", limit.as_str()),
            ("idle_in_transaction_session_timeout", "10s"),
            ("timezone", "UTC"),
        ])
        .disable_statement_logging())
}
