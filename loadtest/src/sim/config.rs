//! What the simulators are like: keys, limits, delays. One YAML file, every field with a default.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::delay::Delay;

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// All randomness (delays, ids, cuts) follows from it and from the order of requests.
    pub seed: u64,
    /// Where synthesised sentences are kept between runs.
    pub flite_cache: PathBuf,
    /// The utterances that can be heard; the bundled corpus if absent.
    pub corpus: Option<PathBuf>,
    /// Deepgram `/v1/listen`.
    pub stt: SttConfig,
    /// Aura `/v1/speak`.
    pub tts: TtsConfig,
    /// OpenAI and Azure OpenAI chat completions.
    pub llm: LlmConfig,
}

/// The speech recogniser.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SttConfig {
    /// Accepted keys.
    pub api_keys: Vec<String>,
    /// Streams at once; one more is refused with 429.
    pub max_streams: usize,
    /// How long a stream that was dropped without CloseStream keeps its place, in ms.
    pub abandoned_slot_ms: u64,
    /// Before the websocket's 101.
    pub handshake: Delay,
    /// From the moment a final result is decided (in audio time) to sending it.
    pub final_delay: Delay,
    /// The same for interim results and events.
    pub interim_delay: Delay,
    /// Audio time between interim results, in ms.
    pub interim_interval_ms: u64,
    /// Wall time without audio or KeepAlive until the close with NET-0001, in ms.
    pub idle_close_ms: u64,
    /// Whether the result of a Finalize also says `speech_final`.
    pub finalize_sets_speech_final: bool,
}

/// The synthesiser.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TtsConfig {
    /// Accepted keys.
    pub api_keys: Vec<String>,
    /// Streams at once; one more is refused with 429.
    pub max_streams: usize,
    /// How long a stream that was dropped without Close keeps its place, in ms.
    pub abandoned_slot_ms: u64,
    /// Before the websocket's 101.
    pub handshake: Delay,
    /// From Flush (or the REST request) to the first audio byte.
    pub ttfb: Delay,
    /// Audio seconds sent per second.
    pub speed: f64,
    /// Audio per frame, in ms.
    pub chunk_ms: u64,
    /// Silence left before the first sound of a sentence, in ms.
    pub leading_silence_ms: u64,
    /// Flushes allowed within `flush_window_ms`.
    pub flush_limit: usize,
    /// See `flush_limit`.
    pub flush_window_ms: u64,
    /// Longest text of one message, in characters.
    pub max_text_chars: usize,
    /// Unflushed text of this many characters is spoken up to its last complete sentence.
    pub auto_start_chars: usize,
}

/// The language model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmConfig {
    /// Keys accepted on `/v1`.
    pub api_keys: Vec<String>,
    /// Keys accepted on `/openai/deployments`.
    pub azure_api_keys: Vec<String>,
    /// Deployments that exist; empty means any.
    pub azure_deployments: Vec<String>,
    /// Models that exist; empty means any.
    pub models: Vec<String>,
    /// From the request to the first content or tool-call delta.
    pub ttft: Delay,
    /// From one token to the next.
    pub token_gap: Delay,
    /// Longest piece of tool-call arguments in one delta, in bytes of JSON.
    pub max_fragment: usize,
    /// Share of events that are written in two pieces, 0 to 1.
    pub split_events: f64,
    /// Requests per minute reported in `x-ratelimit-*`.
    pub requests_per_minute: u64,
}

impl SimConfig {
    /// Small delays, for tests.
    #[must_use]
    pub fn fast() -> Self {
        let quick = Delay {
            median_ms: 4.0,
            p95_ms: 8.0,
        };
        let mut config = Self::realistic();
        config.stt.handshake = Delay::NONE;
        config.stt.final_delay = quick;
        config.stt.interim_delay = quick;
        config.tts.handshake = Delay::NONE;
        config.tts.ttfb = quick;
        config.tts.speed = 20.0;
        config.llm.ttft = quick;
        config.llm.token_gap = Delay {
            median_ms: 0.5,
            p95_ms: 1.0,
        };
        config
    }

    /// Delays as measured on the real services.
    #[must_use]
    pub fn realistic() -> Self {
        Self {
            seed: 1,
            flite_cache: default_cache(),
            corpus: None,
            stt: SttConfig::default(),
            tts: TtsConfig::default(),
            llm: LlmConfig::default(),
        }
    }
}

impl Default for SimConfig {
    fn default() -> Self {
        Self::realistic()
    }
}

fn default_cache() -> PathBuf {
    std::env::temp_dir().join("loadtest-flite-cache")
}

impl Default for SttConfig {
    fn default() -> Self {
        Self {
            api_keys: vec!["sim-deepgram-key".into()],
            max_streams: 500,
            abandoned_slot_ms: 0,
            handshake: Delay {
                median_ms: 160.0,
                p95_ms: 290.0,
            },
            final_delay: Delay {
                median_ms: 200.0,
                p95_ms: 300.0,
            },
            interim_delay: Delay {
                median_ms: 120.0,
                p95_ms: 200.0,
            },
            interim_interval_ms: 1_000,
            idle_close_ms: 10_000,
            finalize_sets_speech_final: true,
        }
    }
}

impl Default for TtsConfig {
    fn default() -> Self {
        Self {
            api_keys: vec!["sim-deepgram-key".into()],
            max_streams: 500,
            abandoned_slot_ms: 1_000,
            handshake: Delay {
                median_ms: 160.0,
                p95_ms: 290.0,
            },
            ttfb: Delay {
                median_ms: 140.0,
                p95_ms: 250.0,
            },
            speed: 6.0,
            chunk_ms: 40,
            leading_silence_ms: 20,
            flush_limit: 20,
            flush_window_ms: 60_000,
            max_text_chars: 2_000,
            auto_start_chars: 250,
        }
    }
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            api_keys: vec!["sim-openai-key".into()],
            azure_api_keys: vec!["sim-azure-key".into()],
            azure_deployments: Vec::new(),
            models: Vec::new(),
            ttft: Delay {
                median_ms: 330.0,
                p95_ms: 500.0,
            },
            token_gap: Delay {
                median_ms: 12.0,
                p95_ms: 30.0,
            },
            max_fragment: 9,
            split_events: 0.1,
            requests_per_minute: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_only_what_it_changes() {
        let config: SimConfig =
            serde_yaml_ng::from_str("stt: {final_delay: {median_ms: 50, p95_ms: 80}}")
                .expect("valid");
        assert_eq!(
            (config.stt.final_delay.median_ms, config.stt.idle_close_ms),
            (50.0, 10_000)
        );
        assert!(serde_yaml_ng::from_str::<SimConfig>("stt: {finale: 3}").is_err());
    }
}
