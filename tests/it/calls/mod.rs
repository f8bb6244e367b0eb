//! Whole calls: a patient on the phone, the product's processes, real servers, simulated vendors.

mod booking;
