//! The request's body.

use serde::Serialize;
use serde_json::Value;

use crate::providers::llm::{LlmRequest, Message, ToolSpec};

/// An answer on the telephone is short; a model that rambles is cut here.
const MAX_COMPLETION_TOKENS: u32 = 1000;

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
    max_completion_tokens: u32,
    stream: bool,
    stream_options: StreamOptions,
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
struct WireMessage<'a> {
    role: &'static str,
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Called<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a str,
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
    pub(super) fn body(&self, request: &LlmRequest) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Body {
            model: self.model.as_deref(),
            messages: request.messages.iter().map(message).collect(),
            tools: request.tools.iter().map(tool).collect(),
            parallel_tool_calls: (!request.tools.is_empty()).then_some(true),
            max_completion_tokens: MAX_COMPLETION_TOKENS,
            stream: true,
            stream_options: StreamOptions {
                include_usage: true,
            },
            store: self.store.then_some(false),
            prompt_cache_key: self.cache_key.then_some(&request.cache_key),
        })
    }
}

fn message(message: &Message) -> WireMessage<'_> {
    let plain = |role, content| WireMessage {
        role,
        content: Some(content),
        tool_calls: Vec::new(),
        tool_call_id: None,
    };
    match message {
        Message::System(text) => plain("system", text.expose()),
        Message::User(text) => plain("user", text.expose()),
        Message::Tool { id, content } => WireMessage {
            tool_call_id: Some(&id.0),
            ..plain("tool", content.expose())
        },
        Message::Assistant { text, tool_calls } => WireMessage {
            role: "assistant",
            content: (!text.expose().is_empty() || tool_calls.is_empty())
                .then_some(text.expose().as_str()),
            tool_calls: tool_calls
                .iter()
                .map(|call| ToolCall {
                    id: &call.id.0,
                    r#type: "function",
                    function: Called {
                        name: &call.name,
                        arguments: call.arguments.expose(),
                    },
                })
                .collect(),
            tool_call_id: None,
        },
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
    use crate::domain::{
        conversation::{ToolCallId, ToolRequest},
        phi::Phi,
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
        let bytes = dialect.body(&request()).expect("json");
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
}
