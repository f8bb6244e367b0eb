//! One file per role: builds its object graph and runs it.

pub mod gateway;
pub mod livekit;
