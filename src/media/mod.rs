//! Sound inside the pod: frames and the playout clock. No I/O, no tasks; time is an input.

pub mod frame;
pub mod loudness;
pub mod playout;
