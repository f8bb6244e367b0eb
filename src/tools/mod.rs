//! What the model can do: typed, validated, idempotent. One file per tool.

pub mod outcome;
