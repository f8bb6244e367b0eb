//! The pod: registered with LiveKit, exact slots, one task per call.
//!
//! [`registration`] answers LiveKit by rule, [`agent`] is its socket, [`pod`] starts a task per job, [`call`] serves one call from claim to artifact.

pub mod agent;
mod bridge;
pub mod call;
pub mod calls;
mod ending;
pub mod health;
mod heartbeat;
pub mod parked;
pub mod pod;
pub mod registration;
pub mod slots;
mod transfer;

use chrono::{DateTime, Utc};

/// The wall clock, where it enters.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge of the process: here time enters"
)]
fn wall_clock() -> DateTime<Utc> {
    Utc::now()
}
