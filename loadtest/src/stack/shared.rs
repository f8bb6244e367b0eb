//! One server of each kind per test process, started by the first test that asks.
//!
//! Tests keep apart by [`Postgres::fresh_database`], [`Redis::fresh_url`] and random room names. A test that freezes, kills or
//! needs webhooks starts servers of its own. The servers end with the process; its files go with the next run.
//!
//! A server that does not start fails each test that asks for it, with the reason.

use std::sync::OnceLock;

use super::{LiveKit, LiveKitOptions, Postgres, Redis, RedisCluster, StackDir, StackError};

/// The PostgreSQL server of this process.
///
/// # Panics
/// If it cannot be started: these are for tests.
pub fn postgres() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| started("postgres", Postgres::start))
}

/// The Redis server of this process.
///
/// # Panics
/// As [`postgres`].
pub fn redis() -> &'static Redis {
    static SERVER: OnceLock<Redis> = OnceLock::new();
    SERVER.get_or_init(|| started("redis", Redis::start))
}

/// The Redis cluster of this process.
///
/// # Panics
/// As [`postgres`].
pub fn redis_cluster() -> &'static RedisCluster {
    static SERVER: OnceLock<RedisCluster> = OnceLock::new();
    SERVER.get_or_init(|| started("redis cluster", RedisCluster::start))
}

/// The LiveKit server of this process: with the SIP API, without webhooks.
///
/// # Panics
/// As [`postgres`].
pub fn livekit() -> &'static LiveKit {
    static SERVER: OnceLock<LiveKit> = OnceLock::new();
    let options = || LiveKitOptions {
        redis: Some(redis().address()),
        ..LiveKitOptions::default()
    };
    SERVER.get_or_init(|| started("livekit", |dir| LiveKit::start(dir, options())))
}

fn started<T>(what: &str, start: impl FnOnce(&StackDir) -> Result<T, StackError>) -> T {
    static DIR: OnceLock<StackDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        StackDir::for_this_process("test")
            .unwrap_or_else(|error| panic!("no folder for the test servers: {error}"))
    });
    start(dir).unwrap_or_else(|error| panic!("the shared {what} does not start: {error}"))
}
