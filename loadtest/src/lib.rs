//! The outside world: callers, simulators, and the local stack.

pub mod stack;
