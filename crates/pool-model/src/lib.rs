//! The pool's queue, claim and lease rules as a pure state machine, and a checker that walks through all of its states.
//!
//! - [`record`]: what the Lua scripts do to one call, operation by operation. `tests/it/model/replay.rs` holds it to the scripts on a real Redis.
//! - [`world`]: calls, gateways, workers, messages on their way, a partition. [`steps`] lists what may happen next, [`moves`] does it.
//! - [`canon`]: states that differ only in names or in what nobody can see are one state.
//! - [`check`]: all states, breadth first; the first one that breaks a rule is reported with the shortest way to it. [`calm`]: none of them is a dead end for a call.
//!
//! **Time.** What the rules ask of time is only that a gateway waits for longer (`pool.lease_lapse_ms`) than a worker speaks on after its last accepted renewal was sent
//! (`pool.lease_mute_ms`). So there is one clock event, [`Tick`](steps::Step::Tick): a renewal that was sent before the last tick lets nobody speak, and a lease that was seen before the
//! last tick, and not raised since, may lapse. Nothing is lost by that: at the moment when two workers speak, both renewals are younger than the mute time; each wait
//! that led there is longer than that, so it holds a moment before both of them, and a tick fits there.
//!
//! **Messages.** An operation runs at once and is answered, or runs and its answer is lost, or is under way for any time and then runs, or is lost. An answer that is
//! late is not a case of its own: it confirms a worker for no longer than one that came at once, and a worker that has an answer need not act on it.
//!
//! A crate of its own, without dependencies, because a development build optimises it; the checker would be too slow otherwise.

pub mod calm;
pub mod canon;
pub mod check;
pub mod moves;
pub mod record;
pub mod rules;
pub mod steps;
pub mod world;
