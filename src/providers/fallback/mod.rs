//! The one place that decides whether a failed vendor is asked again, and who is asked instead.
//!
//! Language models form a chain with a [`breaker::Breaker`] each ([`model::ModelChain`]). The recogniser and the synthesiser have one
//! vendor: opening a stream is tried again within the deadline ([`open`]); a stream that breaks later is reported, and the call
//! opens another.

pub mod breaker;
pub mod model;
pub mod open;

use std::time::Duration;

use rand::Rng;

/// First wait between two attempts; it doubles.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The wait before the attempt after `attempt` (from 0): between half and all of 100, 200, 400, 800 ms, so that calls that
/// failed together do not come back together.
fn backoff(attempt: u32) -> Duration {
    let full = FIRST_BACKOFF * 2u32.pow(attempt.min(3));
    full.mul_f64(rand::rng().random_range(0.5..=1.0))
}
