//! The conversation.
//!
//! [`session`] owns a call: it moves bytes between the room and the vendors and does what the [`turn`] machine decides. The caller's sound goes
//! to the voice detector and the recogniser (`hearing`); their reports go to the turn machine; a committed turn starts a `reply`, whose text
//! becomes [`speech`], of which `claims` lets nothing pass that no tool bears out, and which the synthesiser and the playout (`voice`) bring to the caller. What was said *and heard* is the `context` of the next
//! reply, is written through by the [`journal`] and ends up in the [`report`]. A pod that is to inherit a call listens along in [`standby`].

mod claims;
pub mod clock;
mod context;
pub mod cover;
pub mod hearing;
pub mod journal;
pub mod latency;
pub mod lines;
mod parting;
pub mod prompt;
mod reply;
pub mod report;
mod retained;
mod returned;
pub mod session;
pub mod snapshot;
pub mod speech;
pub mod standby;
pub mod toolbox;
pub mod turn;
pub mod voice;
