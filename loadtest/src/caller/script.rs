//! What a caller does, as a YAML file says it.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use super::{person::Person, report::CallEnd};
use crate::speech::Voice;

/// A scenario that cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file could not be read.
    #[error("read scenario {path}")]
    Read {
        /// Which file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not a scenario.
    #[error("parse scenario")]
    Parse(#[from] serde_yaml_ng::Error),
}

/// One call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// For reports.
    pub name: String,
    /// The caller's number.
    pub from: String,
    /// The number dialled.
    pub to: String,
    /// The way to the clinic's number.
    #[serde(default)]
    pub route: Route,
    /// Who speaks.
    #[serde(default = "patient")]
    pub voice: Voice,
    /// Silence after which the agent's turn counts as over, ms: longer than its breaths and its waits for tools.
    #[serde(default = "agent_silence")]
    pub agent_silence_ms: u64,
    /// The caller gives up on an agent that says nothing for so long, ms.
    #[serde(default = "patience")]
    pub patience_ms: u64,
    /// From the answer to the phone's first packet, ms: until then livekit-sip holds its output (at most 1 s).
    #[serde(default = "first_packet")]
    pub first_packet_ms: u64,
    /// The caller hangs up after so many seconds, whatever happens.
    #[serde(default = "longest")]
    pub longest_secs: u64,
    /// The caller hangs up while it rings, so long after their leg was dialled, ms.
    #[serde(default)]
    pub hang_up_ringing_ms: Option<u64>,
    /// Each webhook is posted a second time, as Twilio does now and then.
    #[serde(default)]
    pub duplicate_webhooks: bool,
    /// What the agent may ask out of turn, and what the caller says to it. With any, the caller also says the last line again
    /// when the agent stays silent for `patience_ms`.
    #[serde(default)]
    pub replies: Vec<Reply>,
    /// The caller leaves the script so often, at most, for questions out of turn and for silences.
    #[serde(default = "most_repeats")]
    pub most_repeats: usize,
    /// In order; the caller hangs up after the last.
    #[serde(with = "serde_yaml_ng::with::singleton_map_recursive", default)]
    pub steps: Vec<Step>,
    /// What a person does whom Twilio calls in the end.
    #[serde(default)]
    pub person: Person,
    /// What the caller does when nobody took the call and it is back with an agent.
    #[serde(with = "serde_yaml_ng::with::singleton_map_recursive", default)]
    pub back: Vec<Step>,
    /// What must come of it.
    #[serde(default)]
    pub expect: Expect,
}

/// What the caller says when the agent's last words were a question that the script does not expect there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The agent's question, word by word.
    pub hears: String,
    /// The answer; the caller's last line once more if none.
    #[serde(default)]
    pub say: Option<String>,
}

/// The way a call takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Twilio asks the gateway's webhook what to do.
    #[default]
    Webhook,
    /// An elastic SIP trunk brings it straight to LiveKit.
    Trunk,
}

/// One thing the caller does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Waits for the end of the agent's turn, then says something.
    Say(String),
    /// Says something while the agent speaks.
    Interrupt {
        /// So long after the agent's energy starts, ms.
        after_ms: u64,
        /// What.
        say: String,
    },
    /// Says something at once, whatever the agent does.
    Blurt(String),
    /// Does nothing for so many ms.
    PauseMs(u64),
    /// Presses keys: `0`-`9`, `*`, `#`, `A`-`D`.
    Dtmf(String),
    /// Waits until the agent has spoken for so long, ms.
    HearMs(u64),
    /// Waits for the end of the agent's turn.
    WaitAgentEnd,
    /// Waits until the other side hangs up.
    WaitHangUp,
    /// Hangs up.
    HangUp,
}

/// What must come of a call; nothing is expected where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// How it ended.
    pub end: Option<CallEnd>,
    /// The number that Twilio dialled for the caller in the end.
    pub dialled: Option<String>,
    /// Turns that the agent must have answered.
    pub answered_turns: Option<usize>,
    /// Interruptions at which it must have fallen silent.
    pub barge_ins: Option<usize>,
}

impl Scenario {
    /// From YAML.
    ///
    /// # Errors
    /// [`ScenarioError::Parse`].
    pub fn parse(yaml: &str) -> Result<Self, ScenarioError> {
        Ok(serde_yaml_ng::from_str(yaml)?)
    }

    /// From a file.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Everything the caller may say.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let steps = self.steps.iter().chain(&self.back);
        let steps = steps.filter_map(|step| match step {
            Step::Say(text) | Step::Blurt(text) | Step::Interrupt { say: text, .. } => {
                Some(text.as_str())
            }
            _ => None,
        });
        steps.chain(self.replies.iter().filter_map(|reply| reply.say.as_deref()))
    }

    pub(super) fn agent_silence(&self) -> Duration {
        Duration::from_millis(self.agent_silence_ms)
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}

fn patient() -> Voice {
    Voice::Rms
}

fn agent_silence() -> u64 {
    1_600
}

fn patience() -> u64 {
    20_000
}

fn most_repeats() -> usize {
    6
}

fn first_packet() -> u64 {
    60
}

fn longest() -> u64 {
    240
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_as_it_is_written() {
        let yaml = r##"
            name: book
            from: "+14155550123"
            to: "+12125550100"
            steps:
              - say: "Good morning."
              - interrupt: {after_ms: 900, say: "Sorry, Tuesday."}
              - pause_ms: 200
              - dtmf: "1#"
              - hear_ms: 500
              - wait_agent_end
              - wait_hang_up
              - hang_up
            expect: {end: caller_hung_up, answered_turns: 2}
        "##;
        let scenario = Scenario::parse(yaml).expect("a scenario");
        assert_eq!(scenario.steps.len(), 8);
        assert_eq!(
            scenario.steps[1],
            Step::Interrupt {
                after_ms: 900,
                say: "Sorry, Tuesday.".into()
            }
        );
        assert_eq!(scenario.expect.end, Some(CallEnd::CallerHungUp));
        assert_eq!(scenario.lines().count(), 2);
        let again = serde_yaml_ng::to_string(&scenario).expect("writes");
        assert_eq!(
            Scenario::parse(&again).expect("reads back").steps,
            scenario.steps
        );
    }

    #[test]
    fn misspelt_steps_are_refused() {
        for steps in [
            "[sing: la]",
            "[hangup]",
            "[{interrupt: {after: 3, say: x}}]",
        ] {
            let yaml = format!("{{name: x, from: a, to: b, steps: {steps}}}");
            assert!(Scenario::parse(&yaml).is_err(), "{steps}");
        }
    }
}
