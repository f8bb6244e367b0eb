//! Tests against real servers: one binary, one module per part.

mod architecture;
mod providers;
mod dispatch;
mod provision;
mod redis;
mod vad;
