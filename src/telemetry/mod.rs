//! Logs, traces, metrics; all three free of patient data: [`Phi`](crate::domain::phi::Phi) prints `[phi]`, metric labels are closed enums, and a
//! layer refuses the fields that a library might fill with a body or an address.

pub mod labels;
pub mod logs;
pub mod metrics;
mod span_sender;
