//! What a conversation leaves behind.

use super::{latency::TurnLatency, snapshot::Restored, turn::EndReason};
use crate::{
    domain::{
        call::{NextStep, Outcome, TransferResult},
        call_time::CallTime,
        conversation::Utterance,
        phi::Phi,
        tenant::TenantProfile,
    },
    tools::{hand_over, outcome::ToolTrace},
};

/// All that the call's record and artifact need of the conversation.
#[derive(Clone, Debug)]
pub struct SessionReport {
    /// Why it ended.
    pub ending: EndReason,
    /// What was said and heard, in order.
    pub transcript: Vec<Utterance>,
    /// Every tool call that ran, in the order in which they ended.
    pub tools: Vec<ToolTrace>,
    /// Each turn that got an answer.
    pub latencies: Vec<TurnLatency>,
    /// How often the caller cut the agent off.
    pub barge_ins: u32,
    /// The last state could not be written through.
    pub unreplicated: bool,
    /// When the caller came on the line.
    pub answered_at: Option<CallTime>,
    /// When it ended.
    pub ended_at: CallTime,
}

impl SessionReport {
    /// Of a conversation that nobody holds here: what an earlier pod saved is all there is.
    #[must_use]
    pub fn unheld(restored: Restored, ending: EndReason, ended_at: CallTime) -> Self {
        let remains = restored.into_remains();
        Self {
            ending,
            transcript: remains.transcript,
            tools: remains.tools,
            latencies: remains.latencies,
            barge_ins: 0,
            unreplicated: false,
            answered_at: None,
            ended_at,
        }
    }

    /// How the call ended; none if it goes on elsewhere, and then it has no artifact from here.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.ending {
            // The network takes the caller away once it has connected them.
            EndReason::CallerLeft if self.is_referred() => Some(Outcome::Transferred),
            EndReason::Goodbye | EndReason::CallerAway => Some(Outcome::Completed),
            EndReason::Transfer => Some(Outcome::Transferred),
            EndReason::CallerLeft => Some(Outcome::CallerHungUp),
            EndReason::NeverCame => Some(Outcome::Abandoned),
            EndReason::TooLong | EndReason::Failed | EndReason::VoiceDead | EndReason::Stopped => {
                Some(Outcome::Failed)
            }
            EndReason::RoomLost | EndReason::Fenced | EndReason::HandedOver => None,
        }
    }

    /// What the caller gets next; none if the call goes on elsewhere.
    #[must_use]
    pub fn next_step(&self, profile: &TenantProfile) -> Option<NextStep> {
        let next = match self.outcome()? {
            Outcome::Completed | Outcome::CallerHungUp | Outcome::Abandoned => NextStep::HangUp,
            Outcome::Transferred => match &profile.transfer {
                Some(desk) => NextStep::Transfer {
                    to: desk.number.clone(),
                },
                None => NextStep::Fallback,
            },
            Outcome::Failed => NextStep::Fallback,
        };
        Some(next)
    }

    /// What a person is to be told whom the caller is transferred to.
    #[must_use]
    pub fn briefing(&self) -> Option<Phi<String>> {
        let agreed = self
            .tools
            .iter()
            .rev()
            .find(|trace| hand_over::agreed(trace));
        agreed.and_then(hand_over::briefing)
    }

    /// What became of the last transfer, as far as it was decided in the conversation.
    #[must_use]
    pub fn transfer_result(&self) -> Option<TransferResult> {
        let last = self
            .tools
            .iter()
            .rev()
            .find(|trace| hand_over::is_transfer(trace));
        last.and_then(hand_over::result)
    }

    fn is_referred(&self) -> bool {
        self.transfer_result() == Some(TransferResult::Accepted)
    }
}
