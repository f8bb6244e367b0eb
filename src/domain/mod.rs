//! The words of the business, without I/O: ids, phone numbers, patient data, time, coverage, the audit artifact.

pub mod appointment;
pub mod artifact;
pub mod call;
pub mod call_time;
pub mod capture;
pub mod confirmation_code;
pub mod conversation;
pub mod coverage;
pub mod e164;
pub mod ids;
pub mod job;
pub mod offer;
pub mod opening_hours;
pub mod phi;
pub mod placement;
pub mod spoken;
pub mod tenant;
pub mod time_of_day;
