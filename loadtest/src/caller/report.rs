//! What a call was, as the caller saw it.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    leg::LegReport,
    measure::{Spoken, Turn},
    recording::Recording,
    script::Expect,
};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// The caller hung up.
    CallerHungUp,
    /// The agent ended a call that it had answered.
    AgentHungUp,
    /// Twilio dialled a person: a transfer after an answer, a fallback without one.
    PersonDialled,
    /// Nobody answered and nobody was dialled: Twilio spoke a text at most.
    TurnedAway,
}

/// What happens while it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// The room rings.
    Ringing,
    /// The agent answered.
    Answered,
    /// The caller begins to speak.
    Says(String),
    /// The caller begins to speak over the agent.
    Interrupts(String),
    /// The agent's energy starts.
    AgentSpeaks,
    /// Twilio speaks a text.
    TwilioSays(String),
    /// Twilio dials a number.
    Dials(String),
    /// The caller hangs up.
    HangsUp,
    /// It is over.
    Over,
}

/// A line that the caller said out of the script's order.
#[derive(Clone, Debug, Serialize)]
pub struct Repeat {
    /// What the caller said.
    pub text: String,
    /// The question it answers; none if the agent had been silent for too long.
    pub heard: Option<String>,
}

/// What a call was.
#[derive(Clone, Debug, Serialize)]
pub struct CallReport {
    /// The scenario.
    pub scenario: String,
    /// Twilio's name of it; on a trunk livekit-sip's.
    pub call_sid: String,
    /// When Twilio was told of it: zero of the recording.
    pub started_at: DateTime<Utc>,
    /// How long `POST /voice` took, ms.
    pub voice_ms: u64,
    /// The leg to the agent, if there was one.
    pub leg: Option<LegReport>,
    /// Legs before it: those that led to a person who did not take the call.
    pub earlier: Vec<LegReport>,
    /// The agent leg's `action` URL, if it was asked.
    pub action: Option<String>,
    /// What Twilio spoke.
    pub texts: Vec<String>,
    /// What it told the person it dialled, before they were connected.
    pub briefing: Vec<String>,
    /// Whom it dialled.
    pub dialled: Option<String>,
    /// How it ended.
    pub end: CallEnd,
    /// What the caller said.
    pub spoken: Vec<Spoken>,
    /// What of it was out of the script's order.
    pub repeats: Vec<Repeat>,
    /// What the recording says of each turn.
    pub turns: Vec<Turn>,
    /// What went wrong in the script or against [`Expect`]; empty for a good call.
    pub failures: Vec<String>,
    /// Both sides' sound.
    #[serde(skip)]
    pub recording: Recording,
}

impl CallReport {
    /// The room, which is the SIP user.
    #[must_use]
    pub fn room(&self) -> Option<&str> {
        self.leg.as_ref().map(|leg| leg.room.as_str())
    }

    /// Turns that the agent answered.
    #[must_use]
    pub fn answered_turns(&self) -> usize {
        self.turns
            .iter()
            .filter(|turn| turn.agent_from_ms.is_some())
            .count()
    }

    /// Adds what the scenario expected and did not get.
    pub(super) fn check(&mut self, expect: &Expect) {
        let mut wrong = Vec::new();
        if expect.end.is_some_and(|end| end != self.end) {
            wrong.push(format!(
                "ended as {:?}, expected {:?}",
                self.end, expect.end
            ));
        }
        if expect.dialled.is_some() && expect.dialled != self.dialled {
            wrong.push(format!(
                "dialled {:?}, expected {:?}",
                self.dialled, expect.dialled
            ));
        }
        let answered = self.answered_turns();
        if expect.answered_turns.is_some_and(|turns| turns != answered) {
            wrong.push(format!(
                "{answered} turns answered, expected {:?}",
                expect.answered_turns
            ));
        }
        let barge_ins = self
            .turns
            .iter()
            .filter(|turn| turn.barge_in_ms.is_some())
            .count();
        if expect.barge_ins.is_some_and(|n| n != barge_ins) {
            wrong.push(format!(
                "{barge_ins} interruptions, expected {:?}",
                expect.barge_ins
            ));
        }
        self.failures.extend(wrong);
    }
}

/// Wall time of an instant that lies `ago` in the past.
pub(super) fn wall_clock(ago: Duration) -> DateTime<Utc> {
    (SystemTime::now() - ago).into()
}
