//! What can go wrong with Postgres, by what the caller can do about it.

use crate::security::SealError;

/// A storage operation that did not happen, or of which it is not known.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The connection string is wrong. Nothing helps but another.
    #[error("postgres.url is not a connection string")]
    Misconfigured,
    /// Postgres cannot be reached. Later may help.
    #[error("postgres is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// No answer in time; a write may yet have happened. Later may help, a repeat under the same idempotency key is safe.
    #[error("postgres did not answer in time")]
    Deadline,
    /// Lost against a concurrent transaction: the same again, at once, may succeed.
    #[error("conflict with a concurrent transaction")]
    Conflict(#[source] sqlx::Error),
    /// The connection is no use any more, and nothing was done: its server takes no writes since a failover, its plans are older than the schema, or it ended. The
    /// same on a fresh connection may succeed.
    #[error("the connection to postgres went stale")]
    Stale(#[source] sqlx::Error),
    /// The server takes no writes: a failover is under way. Later may help.
    #[error("postgres is read-only")]
    ReadOnly,
    /// The connection ended while a commit was under way: it may have happened. A repeat under the same idempotency key is safe.
    #[error("postgres went away during a commit")]
    InDoubt(#[source] sqlx::Error),
    /// Postgres refused the statement (constraint, privilege, syntax): a bug of ours, or of who seeded the data.
    #[error("postgres refused the statement")]
    Refused(#[source] sqlx::Error),
    /// What is stored is not of its form.
    #[error("malformed {0} in postgres")]
    Malformed(&'static str),
    /// A sealed field does not open.
    #[error("open sealed field")]
    Sealed(#[from] SealError),
    /// The tenant has no data key: it was never applied, or its key was destroyed.
    #[error("tenant has no data key")]
    NoKey,
}

impl StorageError {
    /// The same operation, under the same idempotency key, may succeed if done again at once.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Stale(_) | Self::InDoubt(_))
    }

    /// As it is when no other connection did better.
    pub(super) fn given_up(self) -> Self {
        match self {
            Self::Stale(error) => Self::Unavailable(error),
            other => other,
        }
    }

    /// As it is after a commit that failed: a connection that ended leaves open whether the server had committed.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Stale(error) | Self::Unavailable(error) => Self::InDoubt(error),
            other => other,
        }
    }
}

const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK: &str = "40P01";
const CANCELLED: &str = "57014";
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Too many connections, no memory, no disk: a class of SQLSTATE.
const EXHAUSTED: &str = "53";
/// The server starts, stops or fails over, or the connection broke: classes of SQLSTATE.
const GONE: [&str; 2] = ["57P", "08"];
/// A write where none is taken: the primary became a standby, and this connection stayed with it.
const READ_ONLY: &str = "25006";
/// Said of a prepared statement whose result has other columns since a migration, besides of things that Postgres never learnt.
const FEATURE_NOT_SUPPORTED: &str = "0A000";
/// The prepared statement is not there: a proxy has put another server behind the connection.
const NO_SUCH_STATEMENT: &str = "26000";

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let Some(code) = error.as_database_error().and_then(|e| e.code()) else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::Deadline,
                sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                    Self::Stale(error)
                }
                sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => Self::Unavailable(error),
                _ => Self::Refused(error),
            };
        };
        match code.as_ref() {
            CANCELLED | LOCK_NOT_AVAILABLE => Self::Deadline,
            SERIALIZATION_FAILURE | DEADLOCK => Self::Conflict(error),
            READ_ONLY | NO_SUCH_STATEMENT => Self::Stale(error),
            FEATURE_NOT_SUPPORTED if is_stale_plan(&error) => Self::Stale(error),
            code if GONE.iter().any(|class| code.starts_with(class)) => Self::Stale(error),
            code if code.starts_with(EXHAUSTED) => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}

/// The constraint that a statement ran into, if that is why it failed.
pub(super) fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// `0A000` is also said of statements that no connection can run. The message is in the server's language, the routine that raised it is not.
fn is_stale_plan(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    let raised_by = error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .and_then(sqlx::postgres::PgDatabaseError::routine);
    matches!(
        raised_by,
        Some("RevalidateCachedQuery" | "UpdateCachedPlan" | "BuildCachedPlan")
    )
}
