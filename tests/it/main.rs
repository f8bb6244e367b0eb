//! Tests against real servers: one binary, one module per part.

mod architecture;
mod dispatch;
mod gateway;
mod providers;
mod provision;
mod redis;
mod vad;
