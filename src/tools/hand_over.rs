//! `transfer_to_human` and `end_call`: outputs that the call performs after the agent's next words.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    ToolSet,
    answer::{Answer, Answered},
    arguments,
    outcome::CallEffect,
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferArgs {
    /// Why, in a few words.
    reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndArgs {
    /// Why, in a few words.
    reason: String,
}

impl ToolSet {
    pub(super) fn transfer_to_human(&self, args: TransferArgs) -> Answered {
        arguments::text("reason", &args.reason)?;
        let profile = self.profile();
        if profile.transfer_number.is_none() && profile.fallback_number.is_none() {
            return Ok(Answer::declined(json!({ "status": "nobody_available" })));
        }
        Ok(Answer::done(json!({ "status": "transferring" }))
            .with_effect(CallEffect::TransferToHuman))
    }

    pub(super) fn end_call(&self, args: EndArgs) -> Answered {
        arguments::text("reason", &args.reason)?;
        Ok(Answer::done(json!({ "status": "ending" })).with_effect(CallEffect::EndCall))
    }
}
