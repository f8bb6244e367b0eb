//! The agent's side: what it is about to say and what is being heard of it.

use super::{TurnConfig, echo::Said, io::Input};
use crate::{domain::call_time::CallTime, media::playout::UtteranceId};

/// A reply without any progress for this long has failed.
const REPLY_LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

/// Fillers in one reply.
const FILLER_LIMIT: u32 = 3;

/// A reply from its request to its last sample.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) utterance: UtteranceId,
    /// The turn it answers is committed; before that it is speculative.
    pub(super) committed: bool,
    /// All its text is with the playout.
    pub(super) finished: bool,
    /// How often it was started again after it broke off.
    pub(super) retries: u32,
    fillers: u32,
    /// When the caller last heard something of it, or began to wait for it.
    waiting_since: CallTime,
    progress_at: CallTime,
}

impl Reply {
    pub(super) fn new(
        now: CallTime,
        utterance: UtteranceId,
        committed: bool,
        retries: u32,
    ) -> Self {
        Self {
            utterance,
            committed,
            finished: false,
            retries,
            fillers: 0,
            waiting_since: now,
            progress_at: now,
        }
    }

    /// The same answer asked for again. The caller waits since before, and was told so as often as before.
    pub(super) fn again(self, now: CallTime, utterance: UtteranceId) -> Self {
        Self {
            utterance,
            finished: false,
            retries: self.retries + 1,
            progress_at: now,
            ..self
        }
    }

    pub(super) fn commit(&mut self, now: CallTime) {
        self.committed = true;
        self.waiting_since = now;
        self.progress_at = now;
    }

    /// Counts a filler and returns how many came before it.
    pub(super) fn fill(&mut self, now: CallTime) -> u32 {
        self.waiting_since = now;
        self.fillers += 1;
        self.fillers - 1
    }

    pub(super) fn progress(&mut self, now: CallTime) {
        self.progress_at = now;
    }
}

/// What the agent says.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) reply: Option<Reply>,
    /// Utterances other than the reply's that are not played to their end.
    pub(super) lines: Vec<UtteranceId>,
    /// Heard right now (or would be, were it not paused).
    pub(super) audible: Option<UtteranceId>,
    /// Silenced because the caller may be interrupting.
    pub(super) paused: bool,
    /// The greeting, until it was played to its end: with its disclosure it is owed in full.
    pub(super) greeting: Option<UtteranceId>,
    /// Its last words.
    pub(super) said: Said,
}

impl Agent {
    /// The agent has the floor: it speaks or owes an answer.
    pub(super) fn is_busy(&self) -> bool {
        !self.lines.is_empty() || self.reply.as_ref().is_some_and(|r| r.committed)
    }

    pub(super) fn is_speculating(&self) -> bool {
        self.reply.as_ref().is_some_and(|r| !r.committed)
    }

    pub(super) fn reply_mut(&mut self, utterance: UtteranceId) -> Option<&mut Reply> {
        self.reply.as_mut().filter(|r| r.utterance == utterance)
    }

    /// Takes the playout's reports. Returns whether the agent just fell silent.
    pub(super) fn playout(&mut self, now: CallTime, input: &Input) -> bool {
        match input {
            Input::PlayoutStarted(utterance) => {
                self.audible = Some(*utterance);
                self.said.started(now, *utterance);
                if let Some(reply) = self.reply_mut(*utterance) {
                    reply.progress(now);
                }
                false
            }
            Input::PlayoutDry(utterance) => {
                self.silence(now, *utterance);
                false
            }
            Input::PlayoutFinished(utterance) => {
                self.silence(now, *utterance);
                self.said.ended(now, *utterance);
                self.greeting.take_if(|g| g == utterance);
                self.lines.retain(|l| l != utterance);
                self.reply
                    .take_if(|r| r.finished && r.utterance == *utterance);
                !self.is_busy()
            }
            _ => false,
        }
    }

    fn silence(&mut self, now: CallTime, utterance: UtteranceId) {
        self.audible.take_if(|a| *a == utterance);
        if let Some(reply) = self.reply_mut(utterance) {
            reply.waiting_since = now;
            reply.progress(now);
        }
    }

    /// When the wait for the answer has to be bridged.
    pub(super) fn filler_at(&self, config: &TurnConfig) -> Option<CallTime> {
        let reply = self
            .reply
            .as_ref()
            .filter(|r| r.committed && !r.finished && r.fillers < FILLER_LIMIT)?;
        let quiet = self.audible.is_none() && self.lines.is_empty() && !self.paused;
        let patience = if reply.fillers == 0 {
            config.filler_after
        } else {
            config.filler_after * 3
        };
        quiet.then(|| reply.waiting_since + patience)
    }

    /// When a reply that makes no progress has failed.
    pub(super) fn reply_fails_at(&self) -> Option<CallTime> {
        let reply = self.reply.as_ref()?;
        let stuck = self.audible.is_none() && !self.paused;
        stuck.then(|| reply.progress_at + REPLY_LIMIT)
    }
}
