//! The conversation.

pub mod turn;
