//! Simulators.
pub mod hear;
