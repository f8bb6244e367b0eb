//! The words of the business, without I/O: ids, phone numbers, patient data, time, coverage, the audit artifact.

pub mod call;
pub mod call_time;
pub mod conversation;
pub mod e164;
pub mod ids;
pub mod job;
pub mod phi;
pub mod tenant;
