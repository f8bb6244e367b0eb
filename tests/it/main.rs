//! Tests against real servers: one binary, one module per part.

mod architecture;
mod bookings;
mod calendars;
mod calls;
mod chaos;
mod debug_say;
mod debug_stream;
mod debug_turn;
mod dispatch;
mod gateway;
mod healing;
mod identity;
mod lifecycle;
mod model;
mod operator;
mod phi;
mod postgres;
mod providers;
mod provision;
mod redis;
mod retention;
mod support;
mod tenancy;
mod tools;
mod transfers;
mod vad;
