//! Tests against real servers: one binary, one module per part.

mod architecture;
mod redis;
mod vad;
