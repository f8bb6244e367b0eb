//! The crate under the unmodified `livekit` SDK, against a real LiveKit server on loopback.
//!
//! One binary: the servers start once and serve all tests at the same time. Each test has rooms of its own.

mod conversation;
mod data;
mod dependencies;
mod direct;
mod freeze;
mod hygiene;
mod participant;
mod reconnect;
mod republish;
mod server;
mod sound;
