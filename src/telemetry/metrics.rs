//! The catalogue of metrics.
