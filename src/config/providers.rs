use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::{ConfigError, Secret, models::ModelTraits};

/// Speech and language vendors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProvidersConfig {
    /// Speech in and out.
    pub deepgram: DeepgramConfig,
    /// OpenAI.
    pub openai: OpenAiConfig,
    /// Azure OpenAI.
    pub azure: AzureConfig,
    /// Language models in the order they are tried.
    pub llm: Vec<LlmVendor>,
    /// `libonnxruntime.so`.
    pub onnxruntime: PathBuf,
    /// `silero_vad.onnx`.
    pub silero_model: PathBuf,
    /// Milliseconds to open a provider's socket.
    pub connect_timeout_ms: u64,
    /// Milliseconds to the model's first token.
    pub llm_first_token_timeout_ms: u64,
    /// Milliseconds for one reply over all attempts and vendors, until its first token.
    pub llm_total_timeout_ms: u64,
    /// Milliseconds of sound without any result after which a recogniser counts as dead.
    pub stt_stall_timeout_ms: u64,
    /// Milliseconds from text to the first audio byte, and between later ones.
    pub tts_first_byte_timeout_ms: u64,
}

/// Deepgram.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeepgramConfig {
    /// `ws://` or `wss://` base.
    pub base_url: Url,
    /// API key.
    pub api_key: Secret,
    /// Streaming model.
    pub stt_model: String,
    /// Recognition language.
    pub language: String,
    /// Default voice.
    pub tts_model: String,
}

/// OpenAI.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OpenAiConfig {
    /// API base.
    pub base_url: Url,
    /// API key.
    pub api_key: Secret,
    /// Model.
    pub model: String,
}

/// Azure OpenAI.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AzureConfig {
    /// Resource endpoint.
    pub base_url: Url,
    /// API key.
    pub api_key: Secret,
    /// Deployment name.
    pub deployment: String,
    /// Model behind the deployment, if the deployment's name does not tell; may be empty.
    pub model: String,
    /// API version.
    pub api_version: String,
}

/// A language-model vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LlmVendor {
    /// api.openai.com
    OpenAi,
    /// Azure OpenAI.
    Azure,
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a literal URL parses")
}

impl Default for DeepgramConfig {
    fn default() -> Self {
        Self {
            base_url: url("wss://api.deepgram.com"),
            api_key: Secret::default(),
            stt_model: "nova-3-medical".into(),
            language: "en-US".into(),
            tts_model: "aura-2-thalia-en".into(),
        }
    }
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            base_url: url("https://api.openai.com/v1/"),
            api_key: Secret::default(),
            model: "gpt-4o".into(),
        }
    }
}

impl Default for AzureConfig {
    fn default() -> Self {
        Self {
            base_url: url("https://resource.openai.azure.com"),
            api_key: Secret::default(),
            deployment: "gpt-4o".into(),
            model: String::new(),
            api_version: "2024-10-21".into(),
        }
    }
}

impl Default for ProvidersConfig {
    fn default() -> Self {
        Self {
            deepgram: DeepgramConfig::default(),
            openai: OpenAiConfig::default(),
            azure: AzureConfig::default(),
            llm: vec![LlmVendor::OpenAi],
            onnxruntime: "target/tools/onnx/libonnxruntime.so".into(),
            silero_model: "target/tools/models/silero_vad.onnx".into(),
            connect_timeout_ms: 5000,
            llm_first_token_timeout_ms: 5000,
            llm_total_timeout_ms: 8000,
            stt_stall_timeout_ms: 8000,
            tts_first_byte_timeout_ms: 3000,
        }
    }
}

impl ProvidersConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.llm.is_empty() {
            return Err(ConfigError::invalid(
                "providers.llm",
                "must name at least one vendor",
            ));
        }
        for vendor in &self.llm {
            let (key, model) = match vendor {
                LlmVendor::OpenAi => ("providers.openai.model", self.openai.model.as_str()),
                LlmVendor::Azure if self.azure.model.is_empty() => {
                    ("providers.azure.deployment", self.azure.model_name())
                }
                LlmVendor::Azure => ("providers.azure.model", self.azure.model_name()),
            };
            ModelTraits::of(model).map_err(|why| ConfigError::invalid(key, why))?;
        }
        Ok(())
    }
}

impl AzureConfig {
    /// The name by which the model behind the deployment is known.
    #[must_use]
    pub fn model_name(&self) -> &str {
        if self.model.is_empty() {
            &self.deployment
        } else {
            &self.model
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C18
    #[test]
    fn a_model_that_cannot_be_used_is_refused_at_the_start_with_the_reason() {
        let mut config = ProvidersConfig::default();
        config.openai.model = "o1-mini".into();
        config.azure.deployment = "o3-pro".into();
        let error = config.validate().expect_err("no tools").to_string();
        assert!(
            error.starts_with("providers.openai.model") && error.contains("tools"),
            "{error}"
        );
        config.llm = vec![LlmVendor::Azure];
        let error = config.validate().expect_err("too slow").to_string();
        assert!(error.starts_with("providers.azure.deployment"), "{error}");
        // A deployment may be called as one likes.
        config.azure.model = "o4-mini".into();
        config.validate().expect("it thinks, but not for long");
        config.azure.model = "gpt-4o-realtime".into();
        let error = config.validate().expect_err("no text").to_string();
        assert!(error.starts_with("providers.azure.model"), "{error}");
    }
}
