//! The operator's statements, as owner of the schema: migrations, clinics, keys. Row level security binds the owner too, so these go through
//! `TenantTx` as well.

mod absence;
mod apply;
mod clinic_file;
mod keys;
mod retention;

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::Instant;

pub use self::{
    clinic_file::{ClinicFile, ClinicFileError},
    retention::{DetachError, Detached, Exported, ExportedRecord},
};
use super::{StorageError, TenantTx};
use crate::{config::PostgresConfig, domain::ids::TenantId, security::Keyring};

static MIGRATOR: Migrator = sqlx::migrate!();

/// Pause between two attempts to reach a database that is starting.
const RETRY: Duration = Duration::from_millis(500);

/// A migration that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A migration failed; it was rolled back, those before it stay.
    #[error("migrate")]
    Migrate(#[from] MigrateError),
}

/// Brings the schema up to date and returns how many migrations there are. Waits until the database answers, at most `patience`; runners that
/// start at once wait for each other on an advisory lock.
///
/// # Errors
/// [`MigrationError`].
pub async fn migrate(owner_url: &str, patience: Duration) -> Result<usize, MigrationError> {
    let options = PgConnectOptions::from_str(owner_url)
        .map_err(|_| StorageError::Misconfigured)?
        .application_name("neurality-migrate");
    let mut connection = connect_patiently(&options, patience).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await.map_err(StorageError::from)?;
    Ok(MIGRATOR.iter().count())
}

async fn connect_patiently(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<PgConnection, StorageError> {
    let started = Instant::now();
    loop {
        let left = patience.saturating_sub(started.elapsed());
        let error = match tokio::time::timeout(left, options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => StorageError::from(error),
            Err(_) => StorageError::Deadline,
        };
        if !matches!(error, StorageError::Unavailable(_)) || started.elapsed() + RETRY > patience {
            return Err(error);
        }
        tracing::info!("postgres does not answer yet");
        tokio::time::sleep(RETRY).await;
    }
}

/// The owner's way to the tables.
pub struct Admin {
    pool: PgPool,
    keyring: Keyring,
}

/// A clinic in a list.
#[derive(Clone, Debug)]
pub struct TenantLine {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// Its numbers.
    pub numbers: Vec<String>,
}

impl Admin {
    /// Prepares connections as the owner.
    ///
    /// # Errors
    /// [`StorageError::Misconfigured`].
    pub fn connect(config: &PostgresConfig, keyring: Keyring) -> Result<Self, StorageError> {
        // A person waits, and a clinic file is many statements: no short limits here.
        let options = super::connect_options(config.owner_url.expose(), Duration::from_secs(60))?;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .connect_lazy_with(options);
        Ok(Self { pool, keyring })
    }

    /// All clinics, by name.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn tenants(&self) -> Result<Vec<TenantLine>, StorageError> {
        let mut tx = self.pool.begin().await?;
        // The one role whose policy shows every clinic.
        sqlx::query!("SET LOCAL ROLE neurality_resolver")
            .execute(&mut *tx)
            .await?;
        let rows = sqlx::query!(
            r#"SELECT t.tenant_id, t.name, array_remove(array_agg(n.number ORDER BY n.number), NULL) AS "numbers!: Vec<String>"
               FROM tenants t LEFT JOIN phone_numbers n USING (tenant_id)
               GROUP BY t.tenant_id, t.name ORDER BY t.name"#
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| TenantLine {
                id: row.tenant_id.into(),
                name: row.name,
                numbers: row.numbers,
            })
            .collect())
    }

    async fn begin(&self, tenant: TenantId) -> Result<TenantTx, StorageError> {
        TenantTx::begin(&self.pool, tenant).await
    }
}
