//! OpenAI.

use std::sync::Arc;

use super::{
    LanguageModel, LlmRequest, LlmStream,
    chat::{ChatClient, ChatShared, Deployment, Dialect, secret_header},
};
use crate::{
    config::{ModelTraits, OpenAiConfig},
    providers::{BoxFuture, ProviderError, Vendor, socket::endpoint},
};

/// api.openai.com, or what speaks like it.
pub struct OpenAi(ChatClient);

impl OpenAi {
    /// A client on the shared connections.
    ///
    /// # Errors
    /// The key cannot be a header.
    pub(in crate::providers) fn new(
        config: &OpenAiConfig,
        shared: ChatShared,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let key = secret_header(&format!("Bearer {}", config.api_key.expose()))?;
        Ok(Self(ChatClient {
            vendor: Vendor::OpenAi,
            url: endpoint(&config.base_url, "chat/completions"),
            key: (http::header::AUTHORIZATION, key),
            dialect: Dialect {
                model: Some(config.model.clone()),
                store: true,
                cache_key: true,
            },
            // A model that cannot be used was refused with the configuration.
            deployment: Arc::new(Deployment::new(
                ModelTraits::of(&config.model).unwrap_or_default(),
            )),
            shared,
        }))
    }
}

impl LanguageModel for OpenAi {
    fn vendor(&self) -> Vendor {
        Vendor::OpenAi
    }

    fn reply(&self, request: LlmRequest) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        Box::pin(self.0.reply(request))
    }
}
