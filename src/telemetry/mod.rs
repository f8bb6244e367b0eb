//! Logs, traces, metrics.

pub mod metrics;
