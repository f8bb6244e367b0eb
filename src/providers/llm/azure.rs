//! Azure OpenAI.

use std::sync::Arc;

use http::HeaderName;

use super::{
    LanguageModel, LlmRequest, LlmStream,
    chat::{ChatClient, ChatShared, Deployment, Dialect, secret_header},
};
use crate::{
    config::{AzureConfig, ModelTraits},
    providers::{BoxFuture, ProviderError, Vendor, socket::endpoint},
};

/// The first API version that knows `store`; earlier ones answer 400 to it, and do not store unasked.
const KNOWS_STORE: &str = "2025-01-01";

/// A deployment of an Azure OpenAI resource.
pub struct Azure(ChatClient);

impl Azure {
    /// A client on the shared connections.
    ///
    /// # Errors
    /// The key cannot be a header.
    pub(in crate::providers) fn new(
        config: &AzureConfig,
        shared: ChatShared,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let path = format!("openai/deployments/{}/chat/completions", config.deployment);
        let mut url = endpoint(&config.base_url, &path);
        url.query_pairs_mut()
            .append_pair("api-version", &config.api_version);
        let knows_store = config.api_version.as_str() >= KNOWS_STORE;
        Ok(Self(ChatClient {
            vendor: Vendor::Azure,
            url,
            key: (
                HeaderName::from_static("api-key"),
                secret_header(config.api_key.expose())?,
            ),
            dialect: Dialect {
                model: None,
                store: knows_store,
                cache_key: false,
            },
            // A model that cannot be used was refused with the configuration.
            deployment: Arc::new(Deployment::new(
                ModelTraits::of(config.model_name()).unwrap_or_default(),
            )),
            shared,
        }))
    }
}

impl LanguageModel for Azure {
    fn vendor(&self) -> Vendor {
        Vendor::Azure
    }

    fn reply(&self, request: LlmRequest) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        Box::pin(self.0.reply(request))
    }
}
