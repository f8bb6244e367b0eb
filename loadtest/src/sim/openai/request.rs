//! The request: parsing, and the checks that the real service makes of a message history.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::refusal::Refusal;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ChatRequest {
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    pub(super) tools: Vec<Tool>,
    #[serde(default)]
    pub(super) tool_choice: Option<Value>,
    #[serde(default)]
    pub(super) parallel_tool_calls: Option<bool>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    pub(super) stream_options: Option<StreamOptions>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    pub(super) include_usage: bool,
    #[serde(default)]
    pub(super) include_obfuscation: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) role: Role,
    #[serde(default)]
    pub(super) content: Option<Content>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    pub(super) tool_call_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) function: Function,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) arguments: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tool {
    pub(super) function: ToolFunction,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ToolFunction {
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: Option<Map<String, Value>>,
}

impl Message {
    pub(super) fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts
                .iter()
                .map(|p| p.text.as_str())
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    pub(super) fn calls(&self) -> &[ToolCall] {
        self.tool_calls.as_deref().unwrap_or_default()
    }
}

impl ChatRequest {
    /// # Errors
    /// 400 with the service's wording.
    pub(super) fn parse(body: &Value) -> Result<Self, Refusal> {
        let request: Self = serde_json::from_value(body.clone()).map_err(|e| {
            Refusal::invalid(
                "",
                format!("We could not parse the JSON body of your request: {e}"),
            )
        })?;
        if request.messages.is_empty() {
            return Err(Refusal::invalid(
                "messages",
                "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            ));
        }
        check_tools(&request)?;
        check_history(&request.messages)?;
        Ok(request)
    }

    pub(super) fn model(&self) -> Result<&str, Refusal> {
        self.model
            .as_deref()
            .filter(|m| !m.is_empty())
            .ok_or_else(|| Refusal::invalid("model", "you must provide a model parameter"))
    }

    /// A rough count, as for usage.
    pub(super) fn prompt_tokens(&self) -> usize {
        let call_len = |m: &Message| {
            m.calls()
                .iter()
                .map(|c| c.function.name.len() + c.function.arguments.len())
                .sum::<usize>()
        };
        self.messages
            .iter()
            .map(|m| 4 + (m.text().len() + call_len(m)) / 4)
            .sum::<usize>()
            + self.tools.len() * 40
    }
}

fn check_tools(request: &ChatRequest) -> Result<(), Refusal> {
    for (index, tool) in request.tools.iter().enumerate() {
        let name = &tool.function.name;
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            let param = format!("tools[{index}].function.name");
            return Err(Refusal::invalid(
                &param,
                format!("Invalid '{param}': string does not match pattern."),
            ));
        }
    }
    let Some(forced) = request
        .tool_choice
        .as_ref()
        .and_then(|c| c.pointer("/function/name"))
        .and_then(Value::as_str)
    else {
        return Ok(());
    };
    if request.tools.iter().any(|t| t.function.name == forced) {
        return Ok(());
    }
    Err(Refusal::invalid(
        "tool_choice",
        format!("Tool choice '{forced}' not found in 'tools' parameter."),
    ))
}

/// Every tool call is answered right after the message that made it, and every answer belongs to such a call.
fn check_history(messages: &[Message]) -> Result<(), Refusal> {
    let mut open: Vec<&str> = Vec::new();
    let mut in_answers = false;
    for (index, message) in messages.iter().enumerate() {
        let param = format!("messages.[{index}].role");
        if message.role == Role::Tool {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            let Some(at) = open.iter().position(|o| *o == id).filter(|_| in_answers) else {
                let text = "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
                return Err(Refusal::invalid(&param, text));
            };
            open.remove(at);
            continue;
        }
        if !open.is_empty() {
            return Err(unanswered(&param, &open));
        }
        in_answers = !message.calls().is_empty();
        if in_answers && message.role != Role::Assistant {
            return Err(Refusal::invalid(
                &param,
                "Only messages with role 'assistant' may have 'tool_calls'.",
            ));
        }
        open.extend(message.calls().iter().map(|c| c.id.as_str()));
    }
    if open.is_empty() {
        Ok(())
    } else {
        Err(unanswered("messages", &open))
    }
}

fn unanswered(param: &str, ids: &[&str]) -> Refusal {
    let text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
    Refusal::invalid(
        param,
        format!(
            "{text} The following tool_call_ids did not have response messages: {}",
            ids.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;

    fn check(messages: Value) -> Result<(), StatusCode> {
        ChatRequest::parse(&json!({"model": "gpt-4o", "messages": messages}))
            .map(drop)
            .map_err(|r| r.status)
    }

    fn call(id: &str) -> Value {
        json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
    }

    #[test]
    fn answered_calls_pass() {
        let user = json!({"role": "user", "content": [{"type": "text", "text": "hi"}]});
        let asks =
            json!({"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]});
        let answer = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "{}"});
        assert_eq!(
            check(json!([user, asks, answer("b"), answer("a"), user])),
            Ok(())
        );
        for bad in [
            json!([user, asks, answer("a")]),
            json!([user, asks, answer("a"), user]),
            json!([user, asks, answer("a"), answer("c")]),
            json!([user, answer("a")]),
            json!([user, asks, answer("a"), answer("b"), answer("b")]),
            json!([{"role": "user", "tool_calls": [call("a")]}]),
            json!([{"role": "nobody", "content": "x"}]),
            json!([]),
        ] {
            assert_eq!(check(bad.clone()), Err(StatusCode::BAD_REQUEST), "{bad}");
        }
    }
}
