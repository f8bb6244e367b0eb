//! One file per role: builds its object graph and runs it.

pub mod audit;
pub mod debug;
pub mod gateway;
pub mod keys;
pub mod livekit;
pub mod migrate;
pub mod probe;
pub mod tenant;
pub mod worker;
