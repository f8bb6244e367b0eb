//! Twilio's webhooks: a call comes in, its leg to us reports, and the caller is led on when the leg ends.

pub mod after;
pub mod briefing;
pub mod links;
mod people;
pub mod request;
pub mod signature;
pub mod status;
pub mod transfer;
pub mod twiml;
pub mod voice;
