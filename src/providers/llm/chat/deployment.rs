//! What a deployment takes: known by its model's name at first, then learnt from what it refuses.

use parking_lot::Mutex;

use super::wire_error::WireError;
use crate::config::{Effort, ModelTraits};

/// A field of a request that a deployment may do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    ParallelToolCalls,
    Store,
    PromptCacheKey,
    StreamOptions,
    ReasoningEffort,
    MaxCompletionTokens,
    /// Its name from before models thought; sent where the new one is refused.
    MaxTokens,
}

impl Field {
    pub(super) const ALL: [Self; 7] = [
        Self::ParallelToolCalls,
        Self::Store,
        Self::PromptCacheKey,
        Self::StreamOptions,
        Self::ReasoningEffort,
        Self::MaxCompletionTokens,
        Self::MaxTokens,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ParallelToolCalls => "parallel_tool_calls",
            Self::Store => "store",
            Self::PromptCacheKey => "prompt_cache_key",
            Self::StreamOptions => "stream_options",
            Self::ReasoningEffort => "reasoning_effort",
            Self::MaxCompletionTokens => "max_completion_tokens",
            Self::MaxTokens => "max_tokens",
        }
    }
}

/// How a deployment is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Habits {
    traits: ModelTraits,
    left_out: [bool; Field::ALL.len()],
}

impl Habits {
    pub(super) fn new(traits: ModelTraits) -> Self {
        Self {
            traits,
            left_out: [false; Field::ALL.len()],
        }
    }

    pub(super) fn thinks(self) -> bool {
        self.traits.thinks
    }

    pub(super) fn effort(self) -> Option<Effort> {
        self.traits
            .effort
            .filter(|_| self.takes(Field::ReasoningEffort))
    }

    pub(super) fn takes(self, field: Field) -> bool {
        match field {
            // The thinking families refuse it, or do so at the least effort.
            Field::ParallelToolCalls if self.traits.thinks => false,
            Field::ReasoningEffort if self.traits.effort.is_none() => false,
            Field::MaxTokens => !self.keeps(Field::MaxCompletionTokens) && self.keeps(field),
            field => self.keeps(field),
        }
    }

    /// What it was refused for.
    pub(super) fn left_out(self) -> Vec<&'static str> {
        let fields = Field::ALL.into_iter().filter(|field| !self.keeps(*field));
        fields.map(Field::as_str).collect()
    }

    fn keeps(self, field: Field) -> bool {
        !self.left_out[field as usize]
    }

    /// The habits without what an error says that a request of these was refused for; none if it is nothing that can be left out.
    fn without(self, error: &WireError) -> Option<Self> {
        let sent = Field::ALL.into_iter().filter(|field| self.takes(*field));
        let field = match error.param().filter(|param| !param.is_empty()) {
            Some(param) => {
                let root = param.split(['.', '[']).next().unwrap_or(param);
                sent.into_iter().find(|field| field.as_str() == root)?
            }
            None => {
                let text = error.text();
                sent.into_iter().find(|field| is_named(&text, *field))?
            }
        };
        let mut learnt = self;
        let is_unknown = error.is_any(&["unsupported_parameter", "unknown_parameter"]);
        let more = self.effort().and_then(Effort::more);
        match more.filter(|_| field == Field::ReasoningEffort && !is_unknown) {
            Some(more) => learnt.traits.effort = Some(more),
            None => learnt.left_out[field as usize] = true,
        }
        Some(learnt)
    }
}

/// Whether the text of an error names the field. It may hold the caller's words, so a name that is a word is one only in quotes, or behind a colon.
fn is_named(text: &str, field: Field) -> bool {
    let name = field.as_str();
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        let is_quoted = before.ends_with(['"', '\'', '`', '.'])
            || before.ends_with(": ") && after.starts_with(['"', '\\', '.', ',']);
        is_whole && (name.contains('_') || is_quoted)
    })
}

/// What all calls of a process know of one deployment.
#[derive(Debug)]
pub(in crate::providers::llm) struct Deployment(Mutex<Habits>);

impl Deployment {
    pub(in crate::providers::llm) fn new(traits: ModelTraits) -> Self {
        Self(Mutex::new(Habits::new(traits)))
    }

    pub(super) fn habits(&self) -> Habits {
        *self.0.lock()
    }

    /// Learns from the refusal of a request that was made by `asked`. Returns whether the same request can be made in another way.
    pub(super) fn refused(&self, asked: Habits, error: &WireError) -> bool {
        let Some(learnt) = asked.without(error) else {
            return false;
        };
        let mut habits = self.0.lock();
        for field in Field::ALL {
            habits.left_out[field as usize] |= learnt.left_out[field as usize];
        }
        if learnt.traits.effort != asked.traits.effort && habits.traits == asked.traits {
            habits.traits.effort = learnt.traits.effort;
        }
        true
    }

    /// A reply cost thoughts: its model thinks, whatever the deployment is called.
    pub(super) fn thought(&self) {
        let mut habits = self.0.lock();
        if !habits.traits.thinks {
            habits.traits = ModelTraits {
                thinks: true,
                effort: Some(Effort::Low),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(body: serde_json::Value) -> WireError {
        WireError::find(body).expect("an error")
    }

    fn learnt(model: &str, error: serde_json::Value) -> (bool, Vec<&'static str>) {
        let deployment = Deployment::new(ModelTraits::of(model).expect("usable"));
        let before = deployment.habits();
        let can = deployment.refused(before, &refusal(error));
        let after = deployment.habits();
        let gone = Field::ALL
            .into_iter()
            .filter(|f| before.takes(*f) && !after.takes(*f));
        (can, gone.map(Field::as_str).collect())
    }

    /// C34
    #[test]
    fn a_refused_field_is_left_out_whoever_says_so_and_how() {
        for (error, field) in [
            (
                json!({"error": {"message": "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.", "type": "invalid_request_error", "param": "parallel_tool_calls", "code": "unsupported_parameter"}}),
                "parallel_tool_calls",
            ),
            (
                json!({"error": {"message": "Unrecognized request argument supplied: store", "type": "invalid_request_error", "param": null, "code": null}}),
                "store",
            ),
            (
                json!({"error": {"message": "Unknown parameter: 'prompt_cache_key'.", "param": "prompt_cache_key", "code": "unknown_parameter"}}),
                "prompt_cache_key",
            ),
            (
                json!({"error": {"message": "property 'stream_options' is unsupported"}}),
                "stream_options",
            ),
            (
                json!({"error": {"param": "stream_options.include_usage", "code": "unsupported_value"}}),
                "stream_options",
            ),
            (
                json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted"}]}),
                "store",
            ),
            (
                json!({"object": "error", "message": "Additional properties are not allowed ('prompt_cache_key' was unexpected)", "code": 400}),
                "prompt_cache_key",
            ),
            (json!({"error": "Unrecognized field: store."}), "store"),
            (
                json!({"error": {"message": "Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead."}}),
                "max_completion_tokens",
            ),
        ] {
            assert_eq!(
                learnt("gpt-4o", error.clone()),
                (true, vec![field]),
                "{error}"
            );
        }
        for error in [
            json!({"error": {"message": "Invalid 'messages[0].content'", "param": "messages[0].content"}}),
            json!({"error": {"message": "This model's maximum context length is 128000 tokens.", "code": "context_length_exceeded", "param": "messages"}}),
            json!({"error": {"message": "You said: I went to the store and back"}}),
            json!({"error": {"message": "reasoning_effort is wrong"}}),
        ] {
            assert_eq!(learnt("gpt-4o", error.clone()), (false, vec![]), "{error}");
        }
    }

    /// C35
    #[test]
    fn a_thinking_model_is_asked_for_the_least_that_it_takes() {
        let deployment = Deployment::new(ModelTraits::of("gpt-5.1").expect("usable"));
        let effort = || deployment.habits().effort().map(Effort::as_str);
        assert!(!deployment.habits().takes(Field::ParallelToolCalls));
        let value =
            refusal(json!({"error": {"param": "reasoning_effort", "code": "unsupported_value"}}));
        for expected in ["none", "minimal", "low"] {
            assert_eq!(effort(), Some(expected));
            assert!(deployment.refused(deployment.habits(), &value));
        }
        assert_eq!(effort(), None);
        assert!(!deployment.refused(deployment.habits(), &value));
        let deployment = Deployment::new(ModelTraits::of("o4-mini").expect("usable"));
        let unknown =
            refusal(json!({"error": {"param": "reasoning_effort", "code": "unknown_parameter"}}));
        assert!(deployment.refused(deployment.habits(), &unknown));
        assert_eq!(deployment.habits().effort(), None);
    }

    #[test]
    fn two_calls_that_are_refused_at_once_learn_the_same() {
        let deployment = Deployment::new(ModelTraits::of("gpt-4o").expect("usable"));
        let asked = deployment.habits();
        let error = |field: &str| refusal(json!({"error": {"param": field}}));
        assert!(deployment.refused(asked, &error("store")));
        assert!(deployment.refused(asked, &error("store")));
        assert!(deployment.refused(asked, &error("parallel_tool_calls")));
        let habits = deployment.habits();
        assert!(!habits.takes(Field::Store) && !habits.takes(Field::ParallelToolCalls));
        assert!(habits.takes(Field::MaxCompletionTokens) && !habits.takes(Field::MaxTokens));
        assert!(deployment.refused(habits, &error("max_completion_tokens")));
        assert!(deployment.habits().takes(Field::MaxTokens));
    }

    #[test]
    fn a_deployment_whose_replies_cost_thoughts_is_a_thinking_one() {
        let deployment = Deployment::new(ModelTraits::of("prod").expect("usable"));
        deployment.thought();
        assert!(deployment.habits().thinks());
        assert_eq!(deployment.habits().effort(), Some(Effort::Low));
    }
}
