//! Who has the floor: the caller's voice and words over the agent's, and after them.

use std::time::Duration;

use super::{
    Output, Phase, TurnMachine,
    caller::Fresh,
    echo::Echo,
    rules,
    words::{is_continuer, is_hello, norm_words},
};
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    providers::stt::Transcript,
};

/// A "mm-hm" so shortly before the agent's last word answers it...
const ANSWER: Duration = Duration::from_millis(1500);

/// ... and before the end of a question.
const ANSWER_TO_A_QUESTION: Duration = Duration::from_secs(3);

impl TurnMachine {
    pub(super) fn speech_started(&mut self, now: CallTime, at: CallTime) {
        self.caller.speech_started(at.min(now));
        self.resume_at = None;
        if self.agent.is_busy() && self.agent.audible.is_none() {
            self.pause();
        }
    }

    pub(super) fn speech_ended(&mut self, now: CallTime, at: CallTime) {
        let stretch = self
            .caller
            .speech
            .map_or(Duration::ZERO, |since| at.since(since));
        if self.caller.speech_ended(now, at.min(now)) {
            self.outputs.push_back(Output::Finalize);
        }
        if self.agent.paused {
            let is_known = self.is_closing() || self.answer_until.is_some();
            let doubt = if is_known || stretch < self.config.barge_in {
                Duration::ZERO
            } else if self.agent.greeting.is_some() {
                self.config.min_delay
            } else {
                rules::DOUBT
            };
            self.resume_at = Some(now + doubt);
        }
    }

    pub(super) fn transcript(&mut self, now: CallTime, transcript: Transcript) {
        let (is_final, answered) = (transcript.is_final, transcript.from_finalize);
        let echo = self.agent.said.echo(now, &transcript);
        let transcript = Self::without_echo(transcript, echo);
        self.caller.echoed |= echo != Echo::No;
        if matches!(echo, Echo::Words(_)) && !is_final && transcript.text.expose().is_empty() {
            return;
        }
        let is_late = self.is_late(&transcript);
        let fresh = match self.caller.hear(now, transcript) {
            Fresh::Words if echo == Echo::Doubtful => Fresh::Backchannel,
            fresh => fresh,
        };
        self.caller.echoed &= fresh != Fresh::Words;
        if self.is_closing() {
            self.words_into_closing(now, fresh, is_final);
        } else if self.agent.is_busy() {
            match fresh {
                Fresh::Words if is_late => self.fall_silent(now, false),
                Fresh::Words if self.is_continuing() && is_final => self.listens(now),
                Fresh::Words if self.is_continuing() => {}
                Fresh::Words => self.interrupt(now),
                Fresh::Backchannel if is_final => self.listens(now),
                Fresh::Nothing if answered && !self.caller.has_text() => self.ignore_speech(now),
                Fresh::Backchannel | Fresh::Nothing => {}
            }
        } else if fresh != Fresh::Nothing {
            self.quiet_since = now;
            self.drop_speculation();
        } else if self.caller.echoed && !self.caller.is_speaking() && !self.caller.has_text() {
            self.caller.reset();
        }
        if self.caller.has_text() && !self.caller.settled && self.caller.ask_final(now) {
            self.outputs.push_back(Output::Finalize);
        }
    }

    /// Takes the agent's own words out of a transcript.
    fn without_echo(mut transcript: Transcript, echo: Echo) -> Transcript {
        let Echo::Words(count) = echo else {
            return transcript;
        };
        let mut gone = 0;
        let tokens: Vec<&str> = transcript
            .text
            .expose()
            .split_whitespace()
            .skip_while(|token| {
                let is_echo = gone < count;
                gone += norm_words(token).len();
                is_echo
            })
            .collect();
        let left = tokens.len();
        transcript.text = Phi::new(tokens.join(" "));
        let surplus = transcript.words.len().saturating_sub(left);
        transcript.words.drain(..surplus);
        transcript
    }

    /// Words of the turn that was just given up: they take the place of the apology.
    fn is_late(&self, transcript: &Transcript) -> bool {
        let last = transcript.words.last();
        self.agent.reply.is_none()
            && self
                .gave_up
                .zip(last)
                .is_some_and(|(until, last)| last.end <= until && !self.caller.is_speaking())
    }

    /// A "yeah" into a statement of the agent.
    fn is_continuing(&self) -> bool {
        self.agent.audible.is_some()
            && self.agent.said.only_states()
            && is_continuer(&self.caller.text())
    }

    /// The caller listens: the agent goes on. If its last word was about to come, it was an answer to that.
    fn listens(&mut self, now: CallTime) {
        let answer = if self.agent.said.is_asking() {
            ANSWER_TO_A_QUESTION
        } else {
            ANSWER
        };
        let ended = self.caller.last_voice.unwrap_or(now);
        self.answer_until = Some(ended.max(now) + answer);
        if self.agent.paused && !self.caller.is_speaking() {
            self.resume_at = Some(now);
        }
    }

    /// The voice over the agent was no claim of the floor.
    fn ignore_speech(&mut self, now: CallTime) {
        if !self.caller.is_speaking() {
            self.caller.reset();
            if self.agent.paused {
                self.resume_at = Some(now);
            }
        }
    }

    /// The pause was for nothing. What was understood meanwhile may still be an answer.
    pub(super) fn resume(&mut self, now: CallTime) {
        self.resume_at = None;
        if !self.agent.paused {
            return;
        }
        let is_open = matches!(self.phase, Phase::Open(_));
        if !self.caller.has_text() {
            self.caller.reset();
        } else if is_open && self.agent.greeting.is_none() {
            if !is_continuer(&self.caller.text()) {
                // One or two words that the agent had said as well, and nothing more: they were the caller's.
                return self.interrupt(now);
            }
            if self.answer_until.is_none() {
                self.listens(now);
                self.resume_at = None;
            }
        }
        self.agent.paused = false;
        self.outputs.push_back(Output::ResumePlayout);
    }

    /// The caller has the floor. Only the greeting is said to its end: what the caller says into it is answered after it.
    pub(super) fn interrupt(&mut self, now: CallTime) {
        if self.agent.greeting.is_none() {
            self.fall_silent(now, self.agent.audible.is_some());
        } else if self.agent.paused && !self.caller.is_speaking() {
            self.resume_at.get_or_insert(now);
        }
    }

    pub(super) fn fall_silent(&mut self, now: CallTime, barge_in: bool) {
        self.outputs.push_back(Output::StopPlayout { barge_in });
        self.cancel_reply();
        self.agent.paused = false;
        self.agent.lines.clear();
        self.agent.audible = None;
        self.agent.greeting = None;
        self.agent.said.silenced(now);
        self.resume_at = None;
        self.answer_until = None;
    }

    pub(super) fn pause(&mut self) {
        if !self.agent.paused {
            self.agent.paused = true;
            self.outputs.push_back(Output::PausePlayout);
        }
    }

    /// A "hello?" from before the end of the greeting: the greeting has answered it.
    pub(super) fn is_greeted_hello(&self) -> bool {
        self.greeted_at
            .is_some_and(|end| self.caller.began_before(end))
            && is_hello(&self.caller.text())
    }
}
