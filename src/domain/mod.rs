//! The words of the business, without I/O: ids, phone numbers, patient data, time, coverage, the audit artifact.

pub mod appointment;
pub mod artifact;
pub mod call;
pub mod call_time;
pub mod caller;
pub mod capture;
pub mod conversation;
pub mod coverage;
pub mod e164;
pub mod fold;
pub mod ids;
pub mod job;
pub mod keyterms;
pub mod likeness;
pub mod money;
pub mod opening_hours;
pub mod person_name;
pub mod phi;
pub mod phone;
pub mod placement;
pub mod spoken;
pub mod tenant;
pub mod written_date;
