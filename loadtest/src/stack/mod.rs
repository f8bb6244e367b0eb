//! The local stack: real Postgres, Redis and LiveKit servers as child processes, for the demo and for tests.
//!
//! ```no_run
//! # fn main() -> Result<(), loadtest::stack::StackError> {
//! use loadtest::stack::{Lifetime, LiveKit, LiveKitOptions, Postgres, Redis, StackDir};
//!
//! let dir = StackDir::exclusive("demo", Lifetime::Parent)?;
//! let postgres = Postgres::start(&dir)?;
//! let database = postgres.create_database("neurality")?; // migrate with database.owner_url(), run with database.app_url()
//! let redis = Redis::start(&dir)?;
//! let livekit = LiveKit::start(&dir, LiveKitOptions { redis: Some(redis.address()), ..LiveKitOptions::default() })?;
//! postgres.server().freeze()?; // what a hung primary looks like
//! # Ok(())
//! # }
//! ```
//!
//! Tests share one server of each kind per process through [`shared`], with a fresh database or Redis index each.
//!
//! Everything here blocks the calling thread: milliseconds as a rule, about two seconds for the first Postgres. In async code
//! that minds, wrap it in `spawn_blocking`.
//!
//! **Nothing outlives its parent** (unless it is asked to, [`Lifetime::Detached`]): servers run under `setpriv --pdeathsig`,
//! so the kernel ends them when this process dies, by whatever signal. What a killed run leaves on disk, the next run sweeps.

mod dir;
mod door;
mod livekit;
mod ports;
mod postgres;
mod process;
mod redis;
mod service;
pub mod shared;
#[cfg(test)]
mod tests;
mod tools;

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

pub use dir::{Lifetime, StackDir};
pub use door::FrontDoor;
pub use livekit::{LiveKit, LiveKitOptions};
pub use ports::{free_tcp_port, free_udp_port};
pub use postgres::{Database, Postgres};
pub use process::Signal;
pub use redis::{Redis, RedisCluster};
pub use service::{Service, ServiceSpec};
pub use tools::{onnxruntime_library, silero_model, workspace_root};

/// Why a part of the local stack could not be brought up or handled.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A program or file is not on this machine.
    #[error("{what} is missing: run `make setup`")]
    Missing {
        /// The program or file.
        what: String,
    },
    /// Another live process owns the stack directory.
    #[error("the stack in {} belongs to the running process {pid}", .dir.display())]
    InUse {
        /// The directory both want.
        dir: PathBuf,
        /// Its owner.
        pid: u32,
    },
    /// The server ended before it was ready.
    #[error("{name} ended while starting ({status}); the end of its log:\n{log}")]
    Exited {
        /// Which server.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        log: String,
    },
    /// The server runs but did not become ready in time.
    #[error("{name} was not ready after {waited:?}; the end of its log:\n{log}")]
    NotReady {
        /// Which server.
        name: String,
        /// How long we waited.
        waited: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The service was asked for something only a running one can do.
    #[error("{name} is not running")]
    NotRunning {
        /// Which server.
        name: String,
    },
    /// A command that the stack runs (`initdb`, `psql`, a Redis command) failed.
    #[error("{what} failed: {output}")]
    Command {
        /// The command in words.
        what: String,
        /// What it printed.
        output: String,
    },
    /// The operating system refused something.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// The refusal.
        source: io::Error,
    },
}

impl StackError {
    /// Whether a server ended because somebody took its port between our look and its bind.
    fn is_port_taken(&self) -> bool {
        matches!(self, Self::Exited { log, .. } if log.to_lowercase().contains("address already in use"))
    }
}

/// Adds what was being done to an I/O error.
fn doing(what: impl Into<String>) -> impl FnOnce(io::Error) -> StackError {
    let what = what.into();
    move |source| StackError::Io { what, source }
}
