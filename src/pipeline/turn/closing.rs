//! The last words of a call, and its end.

use std::time::Duration;

use super::{
    EndReason, Line, Output, Phase, TurnMachine,
    caller::Fresh,
    words::{is_farewell, is_plea},
};
use crate::domain::call_time::CallTime;

/// The call does not end within a caller's words, unless they are a noise: no longer than this.
const LAST_VOICE: Duration = Duration::from_secs(3);

/// The recogniser's last words come this long after the voice.
const LAST_WORDS: Duration = Duration::from_millis(1000);

impl TurnMachine {
    pub(super) fn close(&mut self, now: CallTime, why: EndReason) {
        if let Phase::Open(since) = self.phase {
            self.opened_at = since;
            self.phase = Phase::Closing(why, now);
            self.reopens = matches!(why, EndReason::Goodbye | EndReason::CallerAway);
            self.caller.reset();
            self.answer_until = None;
            if self.agent.paused && !self.caller.is_speaking() {
                self.resume_at = Some(now);
            }
        }
    }

    /// Nobody hangs up on a caller who has one more question. Thanks and a goodbye are none.
    pub(super) fn words_into_closing(&mut self, now: CallTime, fresh: Fresh, is_final: bool) {
        let text = self.caller.text();
        let claims = fresh == Fresh::Words && !is_farewell(&text) && (is_final || is_plea(&text));
        if self.reopens && claims {
            self.phase = Phase::Open(self.opened_at);
            self.reprompts = 0;
            if self.agent.is_busy() {
                self.fall_silent(now, self.agent.audible.is_some());
            }
        }
    }

    /// Says that we cannot go on, and ends.
    pub(super) fn hand_over(&mut self, now: CallTime, why: EndReason) {
        match self.phase {
            Phase::Ringing(_) => self.end(why),
            Phase::Open(_) => {
                if self.agent.reply.is_some() && self.agent.greeting.is_none() {
                    self.fall_silent(now, false);
                }
                self.last_words(now, Line::HandOver, why);
            }
            Phase::Closing(..) => self.end_if_closed(now),
            Phase::Ended => {}
        }
    }

    /// Says the line as the last one.
    pub(super) fn last_words(&mut self, now: CallTime, line: Line, why: EndReason) {
        self.drop_speculation();
        self.say(line);
        self.close(now, why);
    }

    pub(super) fn end_if_closed(&mut self, now: CallTime) {
        if let Phase::Closing(why, _) = self.phase
            && self.closes_at().is_some_and(|at| at <= now)
        {
            self.end(why);
        }
    }

    /// When all is said; a caller who speaks is heard out first.
    pub(super) fn closes_at(&self) -> Option<CallTime> {
        if self.agent.is_busy() {
            return None;
        }
        let heard_out = match (self.caller.speech, self.caller.last_voice) {
            _ if !self.reopens => None,
            (Some(since), _) => Some(since + LAST_VOICE),
            (None, Some(last)) if !self.caller.settled => Some(last + LAST_WORDS),
            _ => None,
        };
        Some(heard_out.unwrap_or(self.quiet_since).max(self.quiet_since))
    }

    pub(super) fn end(&mut self, why: EndReason) {
        self.cancel_reply();
        self.phase = Phase::Ended;
        self.outputs.push_back(Output::End(why));
    }
}
