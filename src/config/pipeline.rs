use serde::Deserialize;

use super::ConfigError;

/// Turn-taking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineConfig {
    /// When the caller's turn is over.
    pub endpointing: EndpointingConfig,
    /// Caller speech that stops the agent, milliseconds.
    pub barge_in_min_speech_ms: u64,
    /// Silence after which the agent asks whether the caller is there, milliseconds.
    pub caller_away_ms: u64,
    /// Such questions before the call ends.
    pub caller_away_limit: u32,
    /// Delay after which a filler is spoken while the answer is late, milliseconds.
    pub filler_after_ms: u64,
    /// Model-tool-model steps in one turn.
    pub max_tool_steps: u32,
    /// Milliseconds the session write may hold up the agent.
    pub session_write_budget_ms: u64,
}

/// When the caller's turn is over. Between the two delays, words that are not complete wait longer: a sentence that goes on half of the way, a number,
/// a name or an address that is told in groups four fifths, one that cannot be complete all of it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointingConfig {
    /// Silence after which the final transcript is asked for and the turn may end, milliseconds.
    pub min_delay_ms: u64,
    /// Silence after which it ends without one, or within a number, milliseconds.
    pub max_delay_ms: u64,
}

impl Default for EndpointingConfig {
    fn default() -> Self {
        Self {
            min_delay_ms: 500,
            max_delay_ms: 3000,
        }
    }
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            endpointing: EndpointingConfig::default(),
            barge_in_min_speech_ms: 200,
            caller_away_ms: 12_000,
            caller_away_limit: 2,
            filler_after_ms: 1500,
            max_tool_steps: 5,
            session_write_budget_ms: 50,
        }
    }
}

impl PipelineConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.endpointing.min_delay_ms > self.endpointing.max_delay_ms {
            return Err(ConfigError::invalid(
                "pipeline.endpointing.min_delay_ms",
                "must not exceed max_delay_ms",
            ));
        }
        Ok(())
    }
}
