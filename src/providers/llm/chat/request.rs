//! The request's body.

use serde::Serialize;
use serde_json::Value;

use super::{
    deployment::{Field, Habits},
    names::ToolNames,
    replay::{WireMessage, replay},
};
use crate::{
    config::Effort,
    providers::llm::{LlmRequest, ToolSpec},
};

/// An answer on the telephone is short; a model that rambles is cut here.
const MAX_COMPLETION_TOKENS: u32 = 1000;
/// Thoughts count, and a model that is cut in them says nothing.
const MAX_THINKING_TOKENS: u32 = 8000;

/// What a vendor's API knows beyond the common part; it answers 400 to fields that it does not know.
pub(in crate::providers::llm) struct Dialect {
    /// `model`; Azure has it in the path.
    pub(in crate::providers::llm) model: Option<String>,
    /// `store: false` may be said (else not storing is the vendor's default).
    pub(in crate::providers::llm) store: bool,
    /// `prompt_cache_key` may be said.
    pub(in crate::providers::llm) cache_key: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
}

/// Obfuscation stays on: without it the sizes of packets tell an observer the lengths of a patient's words.
#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'static str,
    description: &'static str,
    parameters: &'a Value,
}

impl Dialect {
    /// The body as JSON: here the conversation leaves the process, to the vendor that serves it.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub(super) fn body(
        &self,
        request: &LlmRequest,
        habits: Habits,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let names = ToolNames::new(request.tools.iter().map(|tool| tool.name));
        let tokens = if habits.thinks() {
            MAX_THINKING_TOKENS
        } else {
            MAX_COMPLETION_TOKENS
        };
        let has_tools = !request.tools.is_empty();
        let takes = |field| habits.takes(field);
        serde_json::to_vec(&Body {
            model: self.model.as_deref(),
            messages: replay(&request.messages, &names),
            tools: request.tools.iter().map(tool).collect(),
            parallel_tool_calls: (has_tools && takes(Field::ParallelToolCalls)).then_some(true),
            max_completion_tokens: takes(Field::MaxCompletionTokens).then_some(tokens),
            max_tokens: takes(Field::MaxTokens).then_some(tokens),
            reasoning_effort: habits.effort().map(Effort::as_str),
            stream: true,
            stream_options: takes(Field::StreamOptions).then_some(StreamOptions {
                include_usage: true,
            }),
            store: (self.store && takes(Field::Store)).then_some(false),
            prompt_cache_key: (self.cache_key && takes(Field::PromptCacheKey))
                .then_some(&request.cache_key),
        })
    }
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    Tool {
        r#type: "function",
        function: Function {
            name: spec.name,
            description: spec.description,
            parameters: &spec.parameters,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        config::ModelTraits,
        domain::{
            conversation::{ToolCallId, ToolRequest},
            phi::Phi,
        },
        providers::llm::Message,
    };

    fn request() -> LlmRequest {
        let id = ToolCallId("call_1".into());
        LlmRequest {
            messages: vec![
                Message::System(Phi::new("rules".into())),
                Message::User(Phi::new("hi".into())),
                Message::Assistant {
                    text: Phi::default(),
                    tool_calls: vec![ToolRequest {
                        id: id.clone(),
                        name: "look".into(),
                        arguments: Phi::new("{}".into()),
                    }],
                },
                Message::Tool {
                    id,
                    content: Phi::new("[]".into()),
                },
            ],
            tools: vec![ToolSpec {
                name: "look",
                description: "Looks.",
                parameters: json!({"type": "object"}),
            }],
            cache_key: "tenant-1".into(),
        }
    }

    fn body(dialect: &Dialect) -> Value {
        body_for(dialect, "gpt-4o")
    }

    fn body_for(dialect: &Dialect, model: &str) -> Value {
        let habits = Habits::new(ModelTraits::of(model).expect("usable"));
        let bytes = dialect.body(&request(), habits).expect("json");
        serde_json::from_slice(&bytes).expect("json")
    }

    #[test]
    fn openai_is_told_not_to_store_and_gets_every_tool_answer() {
        let body = body(&Dialect {
            model: Some("gpt-4o".into()),
            store: true,
            cache_key: true,
        });
        assert_eq!(body["store"], json!(false));
        assert_eq!(body["prompt_cache_key"], json!("tenant-1"));
        assert_eq!(body["stream_options"], json!({"include_usage": true}));
        assert_eq!(body["parallel_tool_calls"], json!(true));
        assert_eq!(
            body["messages"][2],
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]})
        );
        assert_eq!(
            body["messages"][3],
            json!({"role": "tool", "content": "[]", "tool_call_id": "call_1"})
        );
        assert_eq!(body["tools"][0]["function"]["name"], json!("look"));
    }

    #[test]
    fn a_vendor_is_not_sent_fields_that_it_refuses() {
        let body = body(&Dialect {
            model: None,
            store: false,
            cache_key: false,
        });
        for field in ["model", "store", "prompt_cache_key"] {
            assert!(body.get(field).is_none(), "{field}");
        }
    }

    /// C18, C35
    #[test]
    fn a_thinking_model_is_asked_to_think_little_and_may_use_tokens_for_it() {
        let dialect = Dialect {
            model: Some("o4-mini".into()),
            store: true,
            cache_key: true,
        };
        for (model, effort) in [
            ("o4-mini", "low"),
            ("gpt-5-mini", "minimal"),
            ("gpt-5.1", "none"),
        ] {
            let body = body_for(&dialect, model);
            assert_eq!(body["reasoning_effort"], json!(effort), "{model}");
            assert!(
                body["max_completion_tokens"].as_u64() >= Some(4000),
                "{model}"
            );
            for field in ["parallel_tool_calls", "temperature", "max_tokens"] {
                assert!(body.get(field).is_none(), "{model}: {field}");
            }
        }
        let body = body(&dialect);
        assert!(body.get("reasoning_effort").is_none());
        assert_eq!(body["max_completion_tokens"], json!(1000));
    }
}
