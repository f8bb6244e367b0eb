//! What is done when a rule is due.

use std::time::Duration;

use super::{
    EndReason, Line, Output, Phase, Reply, TurnMachine, rules::Rule, voices::Voice,
    words::is_continuer,
};
use crate::domain::{call_time::CallTime, phi::Phi};

/// Voice without words that deserves an answer.
const WORDLESS_SPEECH: Duration = Duration::from_millis(600);

/// Voice without words that is no cough.
const CLEAR_SPEECH: Duration = Duration::from_millis(1200);

/// Answers to speech without words in a row; then a person is to hear it.
const MISS_LIMIT: u32 = 2;

impl TurnMachine {
    pub(super) fn apply(&mut self, now: CallTime, rule: Rule) {
        match rule {
            Rule::NeverCame => self.end(self.absent()),
            Rule::TooLong => self.end_with(now, Line::TimeUp, EndReason::TooLong),
            Rule::ClosingLimit => self.closing_limit(),
            Rule::Closes => self.end_if_closed(now),
            Rule::Noise | Rule::GreetingOverNoise => self.noise(now),
            Rule::Silence => self.pause(),
            Rule::SureInterruption => self.interrupt(now),
            Rule::Resume => self.resume(now),
            Rule::NoAnswer => self.no_answer(),
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
        self.fall_silent(now, false);
        self.last_words(now, line, why);
    }

    fn closing_limit(&mut self) {
        if let Phase::Closing(why, _) = self.phase {
            self.end(why);
        }
    }

    /// What takes itself for a voice is none: the agent need not wait for its end.
    fn noise(&mut self, now: CallTime) {
        self.caller.call_it_noise(now);
        if self.agent.paused {
            self.resume_at = Some(now);
        }
    }

    /// A listener's sound is no answer: the agent went on speaking.
    fn no_answer(&mut self) {
        self.answer_until = None;
        if is_continuer(&self.caller.text()) {
            self.caller.reset();
        }
    }

    fn commit(&mut self, now: CallTime) {
        if self.is_greeted_hello() {
            return self.caller.carry();
        }
        if self.caller.is_unintelligible() {
            self.drop_speculation();
            self.caller.reset();
            return self.not_understood(now, true);
        }
        let (text, is_typed) = (self.caller.text(), self.caller.is_typed());
        self.take_turn(now);
        (self.reprompts, self.misses, self.speculations) = (0, 0, 0);
        if is_typed {
            return self.answer(now);
        }
        match self.voices.heard(&text) {
            Voice::Caller => self.answer(now),
            Voice::Repeating => self.last_words(now, Line::SameAgain, EndReason::Failed),
            Voice::Recording => {
                self.last_words(now, Line::Recording, EndReason::CallerAway);
                // It would go on speaking for ever.
                self.reopens = false;
            }
        }
    }

    fn answer(&mut self, now: CallTime) {
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
            draft: Some(Phi::new(self.caller.whole_text())),
        });
    }

    /// A cough does not start the wait for the caller anew.
    fn give_up(&mut self, now: CallTime) {
        let voiced = if self.caller.echoed {
            Duration::ZERO
        } else {
            self.caller.voiced
        };
        self.gave_up = self.caller.last_voice;
        self.caller.reset();
        let apologise = std::mem::take(&mut self.apologise);
        if voiced >= WORDLESS_SPEECH || apologise {
            self.not_understood(now, voiced >= CLEAR_SPEECH);
        }
    }

    /// Each time another line, then a person. A doubtful sound alone does not call one.
    fn not_understood(&mut self, now: CallTime, is_clear: bool) {
        if self.misses < MISS_LIMIT {
            self.misses += 1;
            self.say(Line::DidNotCatch(self.misses - 1));
        } else if is_clear {
            self.last_words(now, Line::NotUnderstood, EndReason::Failed);
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
            self.last_words(now, Line::AwayGoodbye, EndReason::CallerAway);
        }
    }
}
