//! What happens by the passing of time: each rule has the time when it is due, and an action that makes it not due any more.

use std::time::Duration;

use super::{EndReason, Line, Output, Phase, Reply, TurnMachine};
use crate::domain::{call_time::CallTime, phi::Phi};

/// Wait after a voice over the agent for words that make it an interruption.
pub(super) const DOUBT: Duration = Duration::from_millis(1000);

/// Speculative replies in one turn.
pub(super) const SPECULATION_LIMIT: u32 = 3;

/// Voice over the agent that interrupts even if no word is understood.
const SURE_INTERRUPTION: Duration = Duration::from_millis(1000);

/// Pause that ends a number typed on the keypad.
const KEY_PAUSE: Duration = Duration::from_secs(2);

/// Keys in one turn.
pub(super) const MOST_KEYS: usize = 32;

/// The last words take no longer.
const CLOSING_LIMIT: Duration = Duration::from_secs(20);

/// Voice without words that deserves an answer.
const WORDLESS_SPEECH: Duration = Duration::from_millis(600);

/// Answers to speech without words in a row.
const MISS_LIMIT: u32 = 2;

/// Extra wait for words while the recogniser is being opened again.
const REOPEN_GRACE: Duration = Duration::from_secs(3);

/// The rules, in the order in which those due at the same time are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    NeverCame,
    TooLong,
    ClosingLimit,
    Silence,
    SureInterruption,
    Resume,
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

const RULES: [Rule; 15] = [
    Rule::NeverCame,
    Rule::TooLong,
    Rule::ClosingLimit,
    Rule::Silence,
    Rule::SureInterruption,
    Rule::Resume,
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
            (Phase::Open(_) | Phase::Closing(..), Rule::Resume) => self.resume_at,
            (Phase::Open(_) | Phase::Closing(..), Rule::ReplyLimit) => self.agent.reply_fails_at(),
            (Phase::Open(_), rule) => self.due_in_conversation(rule),
            _ => None,
        }
    }

    fn due_in_conversation(&self, rule: Rule) -> Option<CallTime> {
        match rule {
            Rule::Silence => self.silences_at(),
            Rule::SureInterruption => self
                .caller
                .speech
                .filter(|_| self.agent.paused)
                .map(|s| s + SURE_INTERRUPTION),
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
        self.caller.last_voice.filter(|_| free && ready)
    }

    fn away_at(&self) -> Option<CallTime> {
        let idle = !self.agent.is_busy()
            && !self.caller.is_speaking()
            && !self.caller.is_open()
            && self.keys.is_none();
        idle.then(|| self.quiet_since + self.config.away)
    }

    fn apply(&mut self, now: CallTime, rule: Rule) {
        match rule {
            Rule::NeverCame => self.end(self.absent()),
            Rule::TooLong => self.end_with(now, Line::TimeUp, EndReason::TooLong),
            Rule::ClosingLimit => self.closing_limit(),
            Rule::Silence => self.pause(),
            Rule::SureInterruption => self.interrupt(),
            Rule::Resume => self.resume(),
            Rule::DropSpeculation => self.drop_speculation(),
            Rule::Settle => self.caller.settled = true,
            Rule::Keys => {
                let (keys, _) = self.keys.take().unwrap_or_default();
                self.typed(now, &keys);
            }
            Rule::Commit => self.commit(now),
            Rule::Speculate => self.speculate(now),
            Rule::GiveUp => self.give_up(now),
            Rule::ReplyLimit => self.reply_limit(now),
            Rule::Filler => self.filler(now),
            Rule::Away => self.caller_away(now),
        }
    }

    fn end_with(&mut self, now: CallTime, line: Line, why: EndReason) {
        self.fall_silent(false);
        self.say(line);
        self.close(now, why);
    }

    fn closing_limit(&mut self) {
        if let Phase::Closing(why, _) = self.phase {
            self.end(why);
        }
    }

    fn resume(&mut self) {
        self.resume_at = None;
        if std::mem::take(&mut self.agent.paused) {
            self.caller.reset();
            self.outputs.push_back(Output::ResumePlayout);
        }
    }

    fn commit(&mut self, now: CallTime) {
        self.take_turn(now);
        (self.reprompts, self.misses, self.speculations) = (0, 0, 0);
        if std::mem::take(&mut self.apologise) {
            self.say(Line::LineBroke);
        }
        match &mut self.agent.reply {
            Some(reply) => {
                reply.commit(now);
                self.outputs
                    .push_back(Output::ReleaseReply(reply.utterance));
            }
            None => self.start_reply(now),
        }
    }

    fn speculate(&mut self, now: CallTime) {
        self.speculations += 1;
        let utterance = self.next_utterance();
        self.agent.reply = Some(Reply::new(now, utterance, false, 0));
        self.outputs.push_back(Output::StartReply {
            utterance,
            draft: Some(Phi::new(self.caller.text())),
        });
    }

    fn give_up(&mut self, now: CallTime) {
        let spoke = self.caller.voiced >= WORDLESS_SPEECH;
        self.caller.reset();
        self.quiet_since = now;
        let apologise = std::mem::take(&mut self.apologise);
        if (spoke || apologise) && self.misses < MISS_LIMIT {
            self.misses += 1;
            self.say(Line::DidNotCatch);
        }
    }

    fn reply_limit(&mut self, now: CallTime) {
        let Some(reply) = &self.agent.reply else {
            return;
        };
        let (utterance, finished, committed) = (reply.utterance, reply.finished, reply.committed);
        self.outputs.push_back(Output::CancelReply(utterance));
        self.agent.reply = None;
        if finished && committed {
            // Its text was given to the synthesiser and no sound came: another line would not be heard either.
            self.end(EndReason::VoiceDead);
        } else if committed {
            self.hand_over(now, EndReason::Failed);
        }
    }

    fn filler(&mut self, now: CallTime) {
        if let Some(reply) = &mut self.agent.reply {
            let nth = reply.fill(now);
            self.outputs.push_back(Output::Filler {
                utterance: reply.utterance,
                nth,
            });
        }
    }

    fn caller_away(&mut self, now: CallTime) {
        if self.reprompts < self.config.away_limit {
            self.reprompts += 1;
            self.say(Line::AreYouThere(self.reprompts - 1));
        } else {
            self.say(Line::AwayGoodbye);
            self.close(now, EndReason::CallerAway);
        }
    }
}
