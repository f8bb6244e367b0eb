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
    /// The same operation may succeed if done again at once.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK: &str = "40P01";
const CANCELLED: &str = "57014";
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Too many connections, or the server starts, stops or fails over: classes of SQLSTATE.
const AWAY: [&str; 3] = ["53", "57P", "08"];

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let Some(code) = error.as_database_error().and_then(|e| e.code()) else {
            return match error {
                sqlx::Error::PoolTimedOut => Self::Deadline,
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_) => Self::Unavailable(error),
                _ => Self::Refused(error),
            };
        };
        match code.as_ref() {
            CANCELLED | LOCK_NOT_AVAILABLE => Self::Deadline,
            SERIALIZATION_FAILURE | DEADLOCK => Self::Conflict(error),
            code if AWAY.iter().any(|class| code.starts_with(class)) => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}

/// The constraint that a statement ran into, if that is why it failed.
pub(super) fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}
