//! Neurality: telephone voice agents for clinics, as a pool of stateless workers.
//!
//! # Path of a call
//!
//! 1. [`gateway`] — Twilio posts `/voice`; the signature is checked, `To` names the tenant, the call is admitted, TwiML sends it to LiveKit SIP.
//!    A call by an elastic trunk is in its room already: LiveKit's webhook tells of it.
//! 2. [`dispatch`] — who takes it: admission, the queue, offers, and leases that tell whose worker is gone.
//! 3. [`worker`] — the pod: registered with LiveKit, exact slots; one task per call joins room and pipeline.
//! 4. [`room`] — the LiveKit room: the caller's sound in, the agent's sound out. [`media`] — frames and the playout clock.
//! 5. [`pipeline`] — the conversation: turn machine, speech, context. [`providers`] — the vendors that hear, think and speak.
//! 6. [`tools`] — coverage, slots, bookings, transfer.
//! 7. [`storage`] — Redis for what lives as long as a call (and artifacts that wait for Postgres), Postgres for what stays. [`security`] seals patient data in both.
//!
//! At the end the worker seals the call's audit artifact and writes it through [`storage::postgres`] to the tenant's partition. [`domain`] holds the words of the business,
//! [`config`], [`telemetry`] and [`lifecycle`] serve all roles; [`roles`] wires them.

pub mod cli;
pub mod config;
pub mod dispatch;
pub mod domain;
pub mod gateway;
pub mod lifecycle;
pub mod media;
pub mod pipeline;
pub mod providers;
pub mod roles;
pub mod room;
pub mod security;
pub mod storage;
pub mod telemetry;
pub mod tools;
pub mod worker;
