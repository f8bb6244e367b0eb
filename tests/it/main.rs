//! Tests against real servers: one binary, one module per part.

mod architecture;
mod providers;
mod dispatch;
mod gateway;
mod provision;
mod redis;
mod vad;
