//! What can go wrong with Redis, by what the caller can do about it.

use deadpool_redis::PoolError;
use redis::RedisError;

use crate::domain::ids::Epoch;

/// A command that did not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Redis cannot be reached or refused the command; retry with back-off, or go on without it.
    #[error("redis is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer within `redis.timeout_ms`; the command may yet have run.
    #[error("redis did not answer in time")]
    Deadline,
    /// A stored value is not of the form that this version writes.
    #[error("malformed {0} in redis")]
    Malformed(&'static str),
}

/// A fenced write that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The call was dispatched anew: the writer must let go of it.
    #[error("fenced by epoch {current}")]
    Fenced {
        /// Who owns the call.
        current: Epoch,
    },
    /// The call has ended: its leg is gone, or its end was decided elsewhere.
    #[error("the call is over")]
    Over,
    /// Redis does not know the call (it lost it, or it never was); a worker writes it back with [`super::Store::restore`].
    #[error("no record of the call")]
    Unknown,
    /// Redis failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            Self::Deadline
        } else {
            Self::Unavailable(Box::new(error))
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => Self::Deadline,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}
