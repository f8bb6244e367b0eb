//! What a tool hands to the model.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::outcome::{CallEffect, ToolStatus};
use crate::storage::postgres::StorageError;

/// The JSON and what it means.
pub(super) struct Answer {
    pub(super) content: Value,
    pub(super) status: ToolStatus,
    pub(super) effect: Option<CallEffect>,
}

impl Answer {
    pub(super) fn done(content: Value) -> Self {
        Self {
            content,
            status: ToolStatus::Done,
            effect: None,
        }
    }

    pub(super) fn declined(content: Value) -> Self {
        Self {
            content,
            status: ToolStatus::Declined,
            effect: None,
        }
    }

    pub(super) fn invalid(code: &str, message: &str) -> Self {
        Self {
            content: error(code, message),
            status: ToolStatus::Invalid,
            effect: None,
        }
    }

    /// Held back, because something else that was asked for with it was refused.
    pub(super) fn not_done(message: &str) -> Self {
        Self::declined(json!({ "status": "not_done", "message": message }))
    }

    /// Nothing is claimed: a mutation may or may not have happened, and asking again is safe.
    pub(super) fn failed() -> Self {
        let message = "The clinic's system did not answer. Nothing is confirmed. Apologise, try once more, then offer to transfer the caller.";
        Self {
            content: error("unavailable", message),
            status: ToolStatus::Failed,
            effect: None,
        }
    }

    pub(super) fn with_effect(mut self, effect: CallEffect) -> Self {
        self.effect = Some(effect);
        self
    }
}

fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}

/// Why a tool did not run to its end.
pub(super) enum Refusal {
    /// The model is told, and may correct itself.
    Invalid {
        code: &'static str,
        message: Cow<'static, str>,
    },
    /// The world said no: a normal answer.
    Declined(Value),
    /// Storage failed.
    Storage(StorageError),
}

impl Refusal {
    pub(super) fn invalid(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid {
            code,
            message: message.into(),
        }
    }

    pub(super) fn arguments(message: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid("invalid_arguments", message)
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

pub(super) type Answered = Result<Answer, Refusal>;
