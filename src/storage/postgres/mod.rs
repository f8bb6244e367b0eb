//! Postgres: what must not be lost. One file per aggregate.
//!
//! [`Db`] is the application's pool. Tenant rows are reached through `TenantTx` alone, which sets the tenant for the length of a transaction; row level security
//! does the rest (docs/adr/0005-tenancy-and-sealed-phi.md). Every operation has a deadline on both sides of the socket. The operator's statements, as owner of the
//! schema, are in [`admin`].

pub mod admin;
mod audit;
mod audit_chain;
mod bookings;
mod calendar;
mod calls;
mod clinic;
mod coverage;
mod error;
mod mutations;
mod patients;
mod tx;

use std::{future::Future, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use self::tx::TenantTx;
pub use self::{
    audit::{ArtifactWrite, PhiAccess, SealedArtifact},
    audit_chain::{ChainBreak, ChainReport, KeptHead},
    bookings::{
        Appointment, BookOutcome, Booking, BookingLimit, BookingRef, BookingStatus, Cancelled,
        Change, Changed, Claimant, FoundBooking, Moved, NewBooking, Together,
    },
    calls::NewCall,
    clinic::Clinic,
    error::StorageError,
    mutations::{Mutation, MutationTool},
    patients::PatientDetails,
};
use crate::{config::PostgresConfig, domain::ids::TenantId, security::Keyring};

/// The application's way to Postgres; a cheap clone.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
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
        let pool = PgPoolOptions::new()
            .max_connections(config.pool_size)
            .acquire_timeout(acquire)
            .connect_lazy_with(connect_options(config.url.expose(), statement)?);
        Ok(Self {
            pool,
            keyring,
            deadline: acquire + statement,
        })
    }

    /// Answers when a connection works: for readiness.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.timed(async {
            let mut connection = self.pool.acquire().await?;
            sqlx::query_scalar!("SELECT 1")
                .fetch_one(&mut *connection)
                .await?;
            Ok(())
        })
        .await
    }

    /// Closes the pool; waits for running operations.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that sees this tenant's rows only.
    async fn begin(&self, tenant: TenantId) -> Result<TenantTx, StorageError> {
        TenantTx::begin(&self.pool, tenant).await
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
