//! The outside world: callers, simulators, and the local stack.

pub mod bench;
pub mod caller;
pub mod chaos;
pub mod cli;
pub mod demo;
pub mod product;
pub mod sim;
pub mod speech;
pub mod stack;
pub mod verdict;
