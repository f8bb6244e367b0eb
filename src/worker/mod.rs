//! The pod: registered with LiveKit, exact slots, one task per call.

pub mod agent;
pub mod calls;
pub mod health;
pub mod registration;
pub mod slots;
