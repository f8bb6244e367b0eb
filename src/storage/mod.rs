//! Where state lives.

pub mod postgres;
pub mod redis;
