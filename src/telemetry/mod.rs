//! Logs, traces, metrics; all three free of patient data: [`Phi`](crate::domain::phi::Phi) prints `[phi]`, metric labels are closed enums, and
//! libraries, whose verbose lines may hold a body or an address, write nothing below `warn`.

pub mod labels;
pub mod logs;
pub mod metrics;
#[cfg(test)]
mod page;
pub mod pool;
mod register;
mod span_sender;
pub mod vitals;
