//! The caller comes on the line, vanishes and comes back, leaves.

use super::{EndReason, Line, Opening, Phase, TurnMachine};
use crate::domain::call_time::CallTime;

impl TurnMachine {
    pub(super) fn caller_active(&mut self, now: CallTime) {
        if matches!(self.phase, Phase::Ringing(_)) {
            self.phase = Phase::Open(self.began(now));
            self.caller.reset();
            match self.opening {
                Opening::Greeting => self.say(Line::Greeting),
                Opening::Apology => {
                    self.say(Line::Resumed);
                    self.start_reply(now);
                }
                Opening::Return => self.say(Line::Returned),
                Opening::Quiet => self.quiet_since = now,
            }
        }
    }

    /// As after a take-over: the agent says so and goes on from what was understood last.
    pub(super) fn caller_back(&mut self, now: CallTime) {
        if !matches!(self.phase, Phase::Open(_)) {
            return;
        }
        let is_greeted = self.agent.greeting.is_none();
        if self.agent.is_busy() || self.agent.is_speculating() {
            self.fall_silent(now, false);
        }
        if !is_greeted {
            // Nobody heard it to its end.
            self.caller.speech = None;
            return self.say(Line::Greeting);
        }
        if self.caller.has_text() {
            self.take_turn(now);
        }
        // A word that was cut off has no end that anybody could hear.
        self.caller.speech = None;
        self.caller.reset();
        self.say(Line::Resumed);
        self.start_reply(now);
    }

    /// A conversation that began on another pod has been open since the call's beginning.
    fn began(&self, now: CallTime) -> CallTime {
        match self.opening {
            Opening::Greeting => now,
            Opening::Apology | Opening::Return | Opening::Quiet => CallTime::ZERO,
        }
    }

    /// Why a call ends whose caller is not, or not any more, on the line.
    pub(super) fn absent(&self) -> EndReason {
        match (self.phase, self.opening) {
            (Phase::Ringing(_), Opening::Greeting) => EndReason::NeverCame,
            _ => EndReason::CallerLeft,
        }
    }

    /// Words that were understood are recorded even though nobody will answer them.
    pub(super) fn caller_left(&mut self, now: CallTime) {
        let why = self.absent();
        if self.caller.has_text() && matches!(self.phase, Phase::Open(_)) {
            self.take_turn(now);
        }
        self.end(why);
    }
}
