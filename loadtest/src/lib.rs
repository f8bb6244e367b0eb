//! The outside world: callers, simulators, and the local stack.

pub mod caller;
pub mod sim;
pub mod speech;
pub mod stack;
