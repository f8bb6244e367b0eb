//! What may be lost: call records, the queue, claims, session state, slots, caches.
//!
//! Every key of a tenant carries the tag `{<tenant>}` (one Cluster slot) and a TTL; sealed artifacts that wait for Postgres are the one exception. A decision is one
//! Lua script within one tag, with the time passed in. Nothing here is the last guard of a booking or an artifact: that is Postgres.
//!
//! A write by a worker names its epoch and is refused with [`WriteError::Fenced`] once the call was dispatched anew.

mod admission;
mod artifacts;
mod claim;
mod connection;
mod error;
mod failover;
mod heirs;
mod keys;
mod lease;
mod offers;
mod pods;
mod record;
mod reply;
mod rooms;
mod script;
mod session;
mod slots;
mod transfers;
mod unwritten;
mod waiting;

use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, ScriptInvocation};
use chrono::{DateTime, Utc};

use self::connection::Pool;
/// What [`StoredCall::open`] fails with.
pub use crate::security::SealError;

pub use self::{
    admission::{Admission, Applicant, Limits, Refusal},
    claim::Claim,
    error::{StoreError, WriteError},
    failover::through_failover,
    lease::{Lapse, Lease},
    offers::{Offer, Survey},
    pods::PodReport,
    record::{StoredCall, StoredOrigin},
    session::Session,
    transfers::Return,
    unwritten::Adoption,
};
use crate::config::{ConfigError, RedisConfig};

/// Redis, single or Cluster. A cheap clone; connects on the first command.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    deadline: Duration,
    slot_ttl: Duration,
    session_ttl: Duration,
}

impl Store {
    /// A store over the configured servers.
    ///
    /// # Errors
    /// [`ConfigError`] if the URLs are not Redis URLs, or are several without `cluster`.
    pub fn open(config: &RedisConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            pool: Pool::new(config)?,
            deadline: Duration::from_millis(config.timeout_ms),
            slot_ttl: Duration::from_secs(config.slot_ttl_secs),
            session_ttl: Duration::from_secs(config.session_ttl_secs),
        })
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query(&::redis::cmd("PING")).await
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.within_deadline(async {
            let mut connection = self.pool.get().await?;
            Ok(command.query_async(&mut connection).await?)
        })
        .await
    }

    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.within_deadline(async {
            let mut connection = self.pool.get().await?;
            Ok(script.invoke_async(&mut connection).await?)
        })
        .await
    }

    /// The deadline covers the wait for a connection too.
    async fn within_deadline<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(self.deadline, work)
            .await
            .unwrap_or(Err(StoreError::Deadline))
    }

    fn session_ttl_ms(&self) -> u64 {
        millis(self.session_ttl)
    }

    fn slot_until_ms(&self, now: DateTime<Utc>) -> i64 {
        now.timestamp_millis() + i64::try_from(self.slot_ttl.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
