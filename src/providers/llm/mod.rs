//! Language models.

pub mod azure;
pub mod chat;
pub mod openai;

use tokio::sync::mpsc;

use super::{BoxFuture, ProviderError, Vendor};
pub use crate::domain::conversation::ToolSpec;
use crate::domain::{
    conversation::{ToolCallId, ToolRequest},
    phi::Phi,
};

/// A streaming chat model with tools.
pub trait LanguageModel: Send + Sync {
    /// Whose model it is.
    fn vendor(&self) -> Vendor;

    /// Asks for a reply; returns when the vendor's answer begins (status 200). Dropping the stream cancels the request.
    ///
    /// # Errors
    /// [`ProviderError`] when the request is refused, late or cannot be sent.
    fn reply(&self, request: LlmRequest) -> BoxFuture<'_, Result<LlmStream, ProviderError>>;

    /// As [`Self::reply`], but `last` is tried after all others: it cut or filtered the answer that is asked for again.
    ///
    /// # Errors
    /// As [`Self::reply`].
    fn reply_elsewhere(
        &self,
        request: LlmRequest,
        _last: Vendor,
    ) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        self.reply(request)
    }
}

/// What the model is asked.
#[derive(Clone, Debug)]
pub struct LlmRequest {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Tools it may call.
    pub tools: Vec<ToolSpec>,
    /// Groups requests with the same prefix (no patient data).
    pub cache_key: String,
}

/// One message of the conversation.
#[derive(Clone, Debug)]
pub enum Message {
    /// House rules.
    System(Phi<String>),
    /// The caller.
    User(Phi<String>),
    /// The model's earlier answer.
    Assistant {
        /// What it said (what was heard of it); may be empty beside tool calls.
        text: Phi<String>,
        /// What it asked for.
        tool_calls: Vec<ToolRequest>,
    },
    /// The one answer to a tool call.
    Tool {
        /// Which call.
        id: ToolCallId,
        /// JSON.
        content: Phi<String>,
    },
}

/// A running reply; capacity 64, the driver waits.
#[derive(Debug)]
pub struct LlmStream {
    /// Who answers.
    pub vendor: Vendor,
    /// The pieces; ends after `Done` or `Failed`.
    pub events: mpsc::Receiver<LlmEvent>,
}

/// A piece of a reply.
#[derive(Debug)]
pub enum LlmEvent {
    /// More text.
    Text(Phi<String>),
    /// A complete tool call (its fragments joined).
    ToolCall(ToolRequest),
    /// The reply is complete.
    Done(Finish),
    /// It broke off.
    Failed(ProviderError),
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It said all.
    Stop,
    /// It waits for its tools.
    ToolCalls,
    /// It hit the length limit: the last tool call's arguments may be cut.
    Length,
    /// The vendor's filter stopped it.
    Filtered,
}
