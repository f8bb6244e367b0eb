//! The pod: registered with LiveKit, exact slots, one task per call.
//!
//! [`registration`] answers LiveKit by rule, [`agent`] is its socket, [`pod`] starts a task per job, [`call`] serves one call from claim to artifact. [`slots`] counts
//! the calls, [`vitals`] measures the pod and moves its offer by the rule of [`capacity`], [`presence`] tells the pool.

pub mod agent;
mod artifact;
mod bridge;
pub mod call;
pub mod calls;
pub mod capacity;
mod ending;
mod failure;
pub mod guard;
mod hand_over;
pub mod health;
mod heartbeat;
mod inherit;
pub mod paperwork;
pub mod parked;
pub mod pod;
pub mod presence;
pub mod registered;
pub mod registration;
pub mod slots;
mod standing;
pub mod tenure;
mod transfer;
pub mod vitals;
mod wiring;

use crate::dispatch::wall_clock;
