//! The words of the business, without I/O: ids, phone numbers, patient data, time, coverage, the audit artifact.

pub mod appointment;
pub mod artifact;
pub mod call;
pub mod call_time;
pub mod caller;
pub mod capture;
pub mod confirmation_code;
pub mod conversation;
pub mod coverage;
pub mod e164;
pub mod fold;
pub mod ids;
pub mod job;
pub mod keyterms;
pub mod likeness;
pub mod offer;
pub mod opening_hours;
pub mod person_name;
pub mod phi;
pub mod phone;
pub mod placement;
pub mod spoken;
pub mod tenant;
pub mod time_of_day;
pub mod written_date;
