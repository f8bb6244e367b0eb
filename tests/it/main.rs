//! Tests against real servers: one binary, one module per part.

mod architecture;
mod calls;
mod chaos;
mod dispatch;
mod gateway;
mod hostile;
mod lifecycle;
mod model;
mod operator;
mod phi;
mod postgres;
mod providers;
mod provision;
mod redis;
mod support;
mod tenancy;
mod tools;
mod transfers;
mod vad;
