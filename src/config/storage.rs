use serde::Deserialize;

use super::Secret;

/// Redis, single or Cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// One URL, or the seed nodes of a Cluster.
    pub urls: Vec<Secret>,
    /// The URLs are a Cluster's nodes.
    pub cluster: bool,
    /// Connections per process.
    pub pool_size: usize,
    /// Milliseconds for one command or script.
    pub timeout_ms: u64,
    /// Seconds an unconfirmed concurrent-call slot lives.
    pub slot_ttl_secs: u64,
    /// Seconds call records and session state live after their last write.
    pub session_ttl_secs: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            urls: vec![Secret::new("redis://127.0.0.1:6379")],
            cluster: false,
            pool_size: 16,
            timeout_ms: 500,
            slot_ttl_secs: 60,
            session_ttl_secs: 7200,
        }
    }
}

/// Postgres.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// The application's login: neither owner nor superuser.
    pub url: Secret,
    /// The owner's login, for `migrate`, `tenant`, `keys rewrap` and `audit verify` only.
    pub owner_url: Secret,
    /// Connections per process.
    pub pool_size: u32,
    /// Milliseconds to get a connection.
    pub acquire_timeout_ms: u64,
    /// Milliseconds for one statement.
    pub statement_timeout_ms: u64,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            owner_url: Secret::default(),
            pool_size: 8,
            acquire_timeout_ms: 1000,
            statement_timeout_ms: 3000,
        }
    }
}
