//! Configuration: compiled-in defaults, then a YAML file, then `NEURALITY__SECTION__KEY` variables; checked before any port is bound.
//!
//! One file per section. A secret is a [`Secret`]: it prints nothing and may be given as a file (`{ file: /run/secrets/x }`).

mod gateway;
mod livekit;
mod models;
mod pipeline;
mod pool;
mod providers;
mod secret;
mod security;
mod storage;
mod telemetry;
mod worker;

use std::path::Path;

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Yaml},
};
use serde::Deserialize;

pub use self::{
    gateway::{GatewayConfig, TwilioConfig},
    livekit::{LiveKitConfig, LiveKitProject, SipTransport},
    models::{Effort, ModelTraits},
    pipeline::{EndpointingConfig, PipelineConfig},
    pool::PoolConfig,
    providers::{AzureConfig, DeepgramConfig, LlmVendor, OpenAiConfig, ProvidersConfig},
    secret::Secret,
    security::SecurityConfig,
    storage::{PostgresConfig, RedisConfig},
    telemetry::{LogFormat, TelemetryConfig},
    worker::WorkerConfig,
};

/// A setting that cannot be used; the text names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source could not be read or has a wrong shape.
    #[error("read configuration: {0}")]
    Read(String),
    /// A value, or a pair of values, is wrong.
    #[error("{key}: {problem}")]
    Invalid {
        /// The dotted key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl ConfigError {
    /// A wrong value under this key.
    pub fn invalid(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            key,
            problem: problem.into(),
        }
    }
}

/// Which keys are wrong and how. Not figment's own text, which quotes the values: they may be secrets.
fn without_values(errors: figment::Error) -> String {
    let describe = |error: figment::Error| {
        let problem = match &error.kind {
            Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
                format!("must be {expected}")
            }
            Kind::InvalidLength(_, expected) => format!("must have {expected}"),
            Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
            Kind::MissingField(name) => format!("`{name}` is missing"),
            Kind::UnknownField(name, known) => {
                format!("no such key: `{name}`; there are {}", known.join(", "))
            }
            other => other.to_string(),
        };
        let place = error
            .metadata
            .as_ref()
            .map_or_else(String::new, |metadata| {
                let source = metadata.source.as_ref().map(ToString::to_string);
                format!(" ({} {})", metadata.name, source.unwrap_or_default())
            });
        match error.path.join(".") {
            path if path.is_empty() => format!("{problem}{place}"),
            path => format!("{path}: {problem}{place}"),
        }
    };
    errors
        .into_iter()
        .map(describe)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Everything that can be set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The webhook side.
    pub gateway: GatewayConfig,
    /// Twilio's account.
    pub twilio: TwilioConfig,
    /// LiveKit server and SIP gateway.
    pub livekit: LiveKitConfig,
    /// Redis, single or Cluster.
    pub redis: RedisConfig,
    /// Postgres.
    pub postgres: PostgresConfig,
    /// Leases and the queue.
    pub pool: PoolConfig,
    /// Keys that seal patient data.
    pub security: SecurityConfig,
    /// The pod.
    pub worker: WorkerConfig,
    /// Turn-taking.
    pub pipeline: PipelineConfig,
    /// Speech and language vendors.
    pub providers: ProvidersConfig,
    /// Logs, traces, metrics.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`ConfigError`] names the source or the key; the process exits with 64.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(path) = file {
            figment = figment.merge(Yaml::file_exact(path));
        }
        let config: Self = figment
            .merge(Env::prefixed("NEURALITY__").split("__"))
            .extract()
            .map_err(|error| ConfigError::Read(without_values(error)))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks each section, then the rules across sections.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.gateway.validate()?;
        self.livekit.validate()?;
        self.worker.validate()?;
        self.pool.validate()?;
        self.pipeline.validate()?;
        self.providers.validate()?;
        self.validate_ring_times()
    }

    /// The order in which the parts give a call up: ours first, then Twilio, then the trunk, then the room.
    fn validate_ring_times(&self) -> Result<(), ConfigError> {
        let ring = self.gateway.ring_deadline_secs;
        let dial = self.gateway.dial_timeout_secs;
        let trunk = self.livekit.sip_ringing_timeout_secs;
        let empty = self.livekit.room_empty_timeout_secs;
        if !(ring < dial && dial < trunk && trunk < empty) {
            return Err(ConfigError::invalid(
                "gateway.ring_deadline_secs",
                "must hold: ring deadline < gateway.dial_timeout_secs < livekit.sip_ringing_timeout_secs < livekit.room_empty_timeout_secs",
            ));
        }
        if empty < self.worker.max_call_secs {
            return Err(ConfigError::invalid(
                "livekit.room_empty_timeout_secs",
                "must be at least worker.max_call_secs",
            ));
        }
        if self.redis.slot_ttl_secs <= dial {
            return Err(ConfigError::invalid(
                "redis.slot_ttl_secs",
                "must exceed gateway.dial_timeout_secs",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        Config::default().validate().expect("defaults");
    }

    #[test]
    fn a_value_of_a_wrong_shape_is_named_and_not_shown() {
        for yaml in [
            "redis: { urls: 'redis://:hunter2@host' }",
            "twilio: { auth_tokens: hunter2 }",
            "worker: { max_calls: hunter2 }",
        ] {
            let read = Figment::from(Yaml::string(yaml)).extract::<Config>();
            let told = without_values(read.expect_err("wrong"));
            let section = yaml.split(':').next().expect("a section");
            assert!(told.starts_with(section), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_dial_timeout_below_the_ring_deadline_is_refused() {
        let mut config = Config::default();
        config.gateway.dial_timeout_secs = config.gateway.ring_deadline_secs;
        let error = config.validate().expect_err("order is broken");
        assert!(error.to_string().starts_with("gateway.ring_deadline_secs"));
    }
}
