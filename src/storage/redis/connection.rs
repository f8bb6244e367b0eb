//! One kind of connection over a single server and over a Cluster.

use deadpool_redis::{Runtime, cluster};
use redis::{Cmd, Pipeline, RedisFuture, Value, aio::ConnectionLike};

use super::StoreError;
use crate::config::{ConfigError, RedisConfig};

/// Pooled connections.
#[derive(Clone)]
pub(super) enum Pool {
    Single(deadpool_redis::Pool),
    Cluster(cluster::Pool),
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Pool::Single",
            Self::Cluster(_) => "Pool::Cluster",
        })
    }
}

impl Pool {
    pub(super) fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let urls: Vec<String> = config
            .urls
            .iter()
            .map(|url| url.expose().to_owned())
            .collect();
        if config.cluster {
            Self::cluster(urls, config.pool_size)
        } else {
            Self::single(&urls, config.pool_size)
        }
    }

    fn single(urls: &[String], size: usize) -> Result<Self, ConfigError> {
        let [url] = urls else {
            return Err(ConfigError::invalid(
                "redis.urls",
                "must be one URL unless redis.cluster is set",
            ));
        };
        let builder = deadpool_redis::Config::from_url(url.as_str())
            .builder()
            .map_err(|_| not_a_url())?;
        let pool = builder
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| not_a_url())?;
        Ok(Self::Single(pool))
    }

    fn cluster(urls: Vec<String>, size: usize) -> Result<Self, ConfigError> {
        let builder = cluster::Config::from_urls(urls)
            .builder()
            .map_err(|_| not_a_url())?;
        let pool = builder
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| not_a_url())?;
        Ok(Self::Cluster(pool))
    }

    pub(super) async fn get(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Single(pool) => Connection::Single(pool.get().await?),
            Self::Cluster(pool) => Connection::Cluster(pool.get().await?),
        })
    }
}

/// The driver's own error may repeat the URL, and the URL may hold a password.
fn not_a_url() -> ConfigError {
    ConfigError::invalid("redis.urls", "must be redis:// or rediss:// URLs")
}

/// A connection on loan from the pool.
pub(super) enum Connection {
    Single(deadpool_redis::Connection),
    Cluster(cluster::Connection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
