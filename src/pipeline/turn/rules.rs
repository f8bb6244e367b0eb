//! What happens by the passing of time: each rule has the time when it is due, and an action that makes it not due any more.

use std::time::Duration;

use super::{Phase, TurnMachine, words::Pause};
use crate::domain::call_time::CallTime;

/// Wait after a voice over the agent for words that make it an interruption.
pub(super) const DOUBT: Duration = Duration::from_millis(1000);

/// Speculative replies in one turn.
pub(super) const SPECULATION_LIMIT: u32 = 3;

/// Voice over the agent that interrupts even if no word is understood.
const SURE_INTERRUPTION: Duration = Duration::from_millis(1000);

/// Pause that ends a number typed on the keypad.
const KEY_PAUSE: Duration = Duration::from_secs(2);

/// The last words take no longer.
const CLOSING_LIMIT: Duration = Duration::from_secs(20);

/// A voice under which the greeting waits so long without a word is a noise.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);

/// A number that may go on is answered in thought only so shortly before its end.
const LATE_SPECULATION: Duration = Duration::from_millis(1000);

/// Extra wait for words while the recogniser is being opened again.
const REOPEN_GRACE: Duration = Duration::from_secs(3);

/// The rules, in the order in which those due at the same time are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    NeverCame,
    TooLong,
    ClosingLimit,
    Closes,
    Noise,
    GreetingOverNoise,
    Silence,
    SureInterruption,
    Resume,
    NoAnswer,
    DropSpeculation,
    Settle,
    Keys,
    Commit,
    Speculate,
    GiveUp,
    ReplyLimit,
    Filler,
    Away,
}

const RULES: [Rule; 19] = [
    Rule::NeverCame,
    Rule::TooLong,
    Rule::ClosingLimit,
    Rule::Closes,
    Rule::Noise,
    Rule::GreetingOverNoise,
    Rule::Silence,
    Rule::SureInterruption,
    Rule::Resume,
    Rule::NoAnswer,
    Rule::DropSpeculation,
    Rule::Settle,
    Rule::Keys,
    Rule::Commit,
    Rule::Speculate,
    Rule::GiveUp,
    Rule::ReplyLimit,
    Rule::Filler,
    Rule::Away,
];

impl TurnMachine {
    /// When to feed [`super::Input::Timeout`]; none once the call is over.
    #[must_use]
    pub fn deadline(&self) -> Option<CallTime> {
        RULES.iter().filter_map(|rule| self.due(*rule)).min()
    }

    /// Applies the rules that are due, the earliest first.
    pub(super) fn run_rules(&mut self, now: CallTime) {
        // Each action clears its own condition, so a handful of rounds suffices; the bound turns a bug into a late action instead of a hang.
        for _ in 0..64 {
            self.caller.judge(self.agent.said.question());
            let due = RULES
                .iter()
                .filter_map(|rule| self.due(*rule).map(|at| (at, *rule)));
            let Some((_, rule)) = due.filter(|(at, _)| *at <= now).min_by_key(|(at, _)| *at) else {
                return;
            };
            self.apply(now, rule);
        }
        debug_assert!(false, "turn rules do not come to rest");
    }

    fn due(&self, rule: Rule) -> Option<CallTime> {
        match (self.phase, rule) {
            (Phase::Ringing(since), Rule::NeverCame) => Some(since + self.config.ring_limit),
            (Phase::Open(since), Rule::TooLong) => Some(since + self.config.call_limit),
            (Phase::Closing(_, since), Rule::ClosingLimit) => Some(since + CLOSING_LIMIT),
            (Phase::Closing(..), Rule::Closes) => self.closes_at(),
            (Phase::Open(_) | Phase::Closing(..), Rule::Resume) => self.resume_at,
            (Phase::Open(_) | Phase::Closing(..), Rule::ReplyLimit) => self.agent.reply_fails_at(),
            (Phase::Open(_), rule) => self.due_in_conversation(rule),
            _ => None,
        }
    }

    fn due_in_conversation(&self, rule: Rule) -> Option<CallTime> {
        match rule {
            Rule::Noise => self.caller.noise_at(),
            Rule::GreetingOverNoise => self.greets_over_noise_at(),
            Rule::Silence => self.silences_at(),
            Rule::SureInterruption => self.interrupts_surely_at(),
            Rule::NoAnswer => self.answer_until.filter(|_| self.agent.is_busy()),
            Rule::DropSpeculation => self
                .caller
                .speech
                .filter(|_| self.agent.is_speculating())
                .map(|s| s + self.config.barge_in),
            Rule::Settle => self.caller.settles_at(),
            Rule::Keys => self.keys.as_ref().map(|(_, last)| *last + KEY_PAUSE),
            Rule::Commit => self.commits_at(),
            Rule::Speculate => self.speculates_at(),
            Rule::GiveUp => self
                .caller
                .gives_up_at(&self.config)
                .filter(|_| !self.agent.is_busy())
                .map(|t| t + self.grace()),
            Rule::Filler => self
                .agent
                .filler_at(&self.config)
                .filter(|_| !self.caller.is_speaking()),
            Rule::Away => self.away_at(),
            _ => None,
        }
    }

    fn grace(&self) -> Duration {
        if self.stt_lost {
            REOPEN_GRACE
        } else {
            Duration::ZERO
        }
    }

    /// A voice of which the agent's own words are understood is its echo, unless it goes on for much longer than the agent's sound.
    fn interrupts_surely_at(&self) -> Option<CallTime> {
        let patience = if self.caller.echoed {
            SURE_INTERRUPTION * 4
        } else {
            SURE_INTERRUPTION
        };
        self.caller
            .speech
            .filter(|_| self.agent.paused && self.agent.greeting.is_none())
            .map(|since| since + patience)
    }

    fn greets_over_noise_at(&self) -> Option<CallTime> {
        let waits = self.agent.greeting.is_some() && self.agent.paused && !self.caller.has_text();
        self.caller
            .wordless_since()
            .filter(|_| waits)
            .map(|since| since + GREETING_PATIENCE)
    }

    fn silences_at(&self) -> Option<CallTime> {
        let over_agent = self.agent.audible.is_some() && !self.agent.paused;
        self.caller
            .speech
            .filter(|_| over_agent)
            .map(|s| s + self.config.barge_in)
    }

    fn commits_at(&self) -> Option<CallTime> {
        if self.agent.is_busy() {
            return None;
        }
        let wait = if self.caller.settled {
            Duration::ZERO
        } else {
            self.grace()
        };
        self.caller.endpoint_at(&self.config).map(|t| t + wait)
    }

    fn speculates_at(&self) -> Option<CallTime> {
        let free = self.agent.reply.is_none()
            && !self.agent.is_busy()
            && self.speculations < SPECULATION_LIMIT;
        let ready = self.caller.settled && self.caller.has_text() && !self.caller.is_speaking();
        if !free || !ready || self.is_greeted_hello() || self.caller.is_unintelligible() {
            return None;
        }
        match self.caller.pause() {
            Pause::Plain | Pause::Unfinished => self.caller.last_voice,
            // Each group of a number would be answered for nothing.
            Pause::Dictating | Pause::Incomplete => self
                .caller
                .endpoint_at(&self.config)
                .map(|t| t - LATE_SPECULATION),
        }
    }

    fn away_at(&self) -> Option<CallTime> {
        let idle = !self.agent.is_busy()
            && !self.caller.is_speaking()
            && !self.caller.is_open()
            && self.keys.is_none();
        idle.then(|| self.quiet_since + self.config.away)
    }
}
