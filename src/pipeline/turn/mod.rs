//! The turn machine: who has the floor. Sans-IO; time is an input.
//!
//! Contract: after each [`TurnMachine::handle_input`] drain [`TurnMachine::poll_output`], then sleep until
//! [`TurnMachine::deadline`] and feed [`Input::Timeout`]. No deadline that remains after an input lies in its past.
//!
//! The caller's turn ends after a silence ([`TurnConfig::min_delay`]) *and* with the recogniser's final word; the final transcript is asked
//! for as soon as the voice stops, so that both waits overlap, and the reply is generated speculatively meanwhile. Words that go on, and numbers,
//! names and addresses that are told in groups, wait longer (`words`), also by what the agent has just asked for (`echo`), but never longer than
//! [`TurnConfig::max_delay`] after the recogniser's last word.
//!
//! A voice over the agent's silences it after [`TurnConfig::barge_in`]; a word makes that an interruption, a cough, a backchannel or the agent's own
//! echo lets it go on (`floor`). A backchannel at the end of the agent's words is an answer. The greeting is said in full, whatever comes into it,
//! and a goodbye ends nothing while the caller has one more question (`closing`). Speech that is not understood, a recording, and the same sentence
//! again and again end with a person or a goodbye (`voices`).

mod actions;
mod agent;
mod caller;
mod closing;
mod echo;
mod floor;
mod io;
mod keys;
mod leg;
mod overlap;
mod rules;
mod voices;
mod words;

use std::{collections::VecDeque, time::Duration};

use self::{
    agent::{Agent, Reply},
    caller::Caller,
    voices::Voices,
    words::Pause,
};
pub use self::{
    io::{BrokeOff, EndReason, Input, Line, Opening, Output, UserTurn},
    words::{is_backchannel, is_unfinished},
};
use crate::{
    config::PipelineConfig,
    domain::{call_time::CallTime, phi::Phi},
    media::playout::UtteranceId,
};

/// Times of the turn machine.
#[derive(Clone, Copy, Debug)]
pub struct TurnConfig {
    /// Silence after which a turn with its final transcript ends.
    pub min_delay: Duration,
    /// Silence after which it ends without one.
    pub max_delay: Duration,
    /// Voice over the agent that silences it.
    pub barge_in: Duration,
    /// Mutual silence after which the caller is asked whether they are there.
    pub away: Duration,
    /// How often that is asked.
    pub away_limit: u32,
    /// Wait for an answer that is bridged by a filler.
    pub filler_after: Duration,
    /// Wait for the caller to come on the line.
    pub ring_limit: Duration,
    /// Longest conversation.
    pub call_limit: Duration,
}

impl TurnConfig {
    /// From the configuration; the two limits belong to the worker's section.
    #[must_use]
    pub const fn new(config: &PipelineConfig, ring_limit: Duration, call_limit: Duration) -> Self {
        Self {
            min_delay: Duration::from_millis(config.endpointing.min_delay_ms),
            max_delay: Duration::from_millis(config.endpointing.max_delay_ms),
            barge_in: Duration::from_millis(config.barge_in_min_speech_ms),
            away: Duration::from_millis(config.caller_away_ms),
            away_limit: config.caller_away_limit,
            filler_after: Duration::from_millis(config.filler_after_ms),
            ring_limit,
            call_limit,
        }
    }

    /// Silence after which a turn whose words end like this is over.
    fn patience(&self, pause: Pause) -> Duration {
        match pause {
            Pause::Plain => self.min_delay,
            Pause::Unfinished => (self.min_delay + self.max_delay) / 2,
            Pause::Dictating => (self.min_delay + self.max_delay * 4) / 5,
            Pause::Incomplete => self.max_delay,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct TurnMachine {
    config: TurnConfig,
    phase: Phase,
    opening: Opening,
    caller: Caller,
    agent: Agent,
    /// When a pause that was no interruption ends.
    resume_at: Option<CallTime>,
    /// Keys of a number being typed, and the last one's time.
    keys: Option<(String, CallTime)>,
    /// Until when the end of the agent's words makes a listener's sound an answer.
    answer_until: Option<CallTime>,
    /// When the greeting had been played to its end.
    greeted_at: Option<CallTime>,
    /// End of the voice in which no word was understood.
    gave_up: Option<CallTime>,
    /// Who speaks.
    voices: Voices,
    /// Since when the conversation is open, kept while it closes.
    opened_at: CallTime,
    /// Words of the caller take the end back.
    reopens: bool,
    quiet_since: CallTime,
    reprompts: u32,
    misses: u32,
    speculations: u32,
    stt_lost: bool,
    apologise: bool,
    utterances: u32,
    turns: u32,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Since.
    Ringing(CallTime),
    /// Since.
    Open(CallTime),
    /// The last words are said and cannot be interrupted; since.
    Closing(EndReason, CallTime),
    Ended,
}

impl TurnMachine {
    /// A call that rings, or one whose caller is on the line already; `turns` were committed on an earlier pod.
    #[must_use]
    pub fn new(now: CallTime, config: TurnConfig, opening: Opening, turns: u32) -> Self {
        Self {
            config,
            phase: Phase::Ringing(now),
            opening,
            caller: Caller::default(),
            agent: Agent::default(),
            resume_at: None,
            keys: None,
            answer_until: None,
            greeted_at: None,
            gave_up: None,
            voices: Voices::default(),
            opened_at: now,
            reopens: false,
            quiet_since: now,
            reprompts: 0,
            misses: 0,
            speculations: 0,
            stt_lost: false,
            apologise: false,
            utterances: 0,
            turns,
            outputs: VecDeque::new(),
        }
    }

    /// The agent's last words from before this machine's time: what they ask for is still open.
    pub fn remember(&mut self, text: &Phi<String>) {
        self.agent.said.remember(text);
    }

    /// Something happened at `now`; `now` never goes back.
    pub fn handle_input(&mut self, now: CallTime, input: Input) {
        if self.phase == Phase::Ended {
            return;
        }
        self.dispatch(now, input);
        self.run_rules(now);
    }

    /// What is to be done, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the call is over.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether the last words are being said.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing(..))
    }

    fn dispatch(&mut self, now: CallTime, input: Input) {
        match input {
            Input::CallerActive => self.caller_active(now),
            Input::CallerBack => self.caller_back(now),
            Input::CallerLeft => self.caller_left(now),
            Input::Lost(why) => self.end(why),
            Input::SpeechStarted { at } => self.speech_started(now, at),
            Input::SpeechEnded { at } => self.speech_ended(now, at),
            Input::Transcript(transcript) => self.transcript(now, transcript),
            Input::UtteranceEnd { last_word_end } => self.caller.utterance_ended(last_word_end),
            Input::AgentSays { utterance, text } => self.agent.said.says(utterance, &text),
            Input::SttLost => self.stt_lost(),
            Input::SttRestored => self.stt_restored(now),
            Input::SttDead => self.hand_over(now, EndReason::Failed),
            Input::Stop => self.hand_over(now, EndReason::Stopped),
            Input::VoiceDead => self.end(EndReason::VoiceDead),
            Input::PlayoutStarted(_) | Input::PlayoutDry(_) | Input::PlayoutFinished(_) => {
                self.playout(now, &input)
            }
            Input::ReplyProgress(utterance) => self.reply_progress(now, utterance),
            Input::ReplyFinished(utterance) => self.reply_finished(now, utterance),
            Input::ReplyFailed { utterance, after } => self.reply_failed(now, utterance, after),
            Input::Closing(why) => self.close(now, why),
            Input::Dtmf(key) => self.key(now, key),
            Input::Timeout => {}
        }
    }

    /// Nobody has the floor and nothing is owed: the call can pass to another pod unnoticed.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
            && !self.agent.is_busy()
            && !self.agent.is_speculating()
            && !self.caller.is_speaking()
            && !self.caller.is_open()
            && !self.caller.has_text()
            && self.keys.is_none()
    }

    fn stt_lost(&mut self) {
        self.stt_lost = true;
        self.apologise |= self.caller.is_open() && !self.agent.is_busy();
    }

    fn stt_restored(&mut self, now: CallTime) {
        self.stt_lost = false;
        self.caller.forget_finalize();
        if !self.caller.settled && self.caller.ask_final(now) {
            self.outputs.push_back(Output::Finalize);
        }
    }

    fn playout(&mut self, now: CallTime, input: &Input) {
        let was_greeting = self.agent.greeting.is_some();
        let is_silent = self.agent.playout(now, input);
        if matches!(input, Input::PlayoutStarted(_)) {
            self.voices.answered();
        }
        if was_greeting && self.agent.greeting.is_none() {
            self.greeted_at = Some(now);
        }
        if is_silent {
            self.quiet_since = now;
            if std::mem::take(&mut self.agent.paused) {
                self.resume_at = None;
                self.outputs.push_back(Output::ResumePlayout);
            }
            self.end_if_closed(now);
        }
    }

    fn reply_progress(&mut self, now: CallTime, utterance: UtteranceId) {
        if let Some(reply) = self.agent.reply_mut(utterance) {
            reply.progress(now);
        }
    }

    fn reply_finished(&mut self, now: CallTime, utterance: UtteranceId) {
        if let Some(reply) = self.agent.reply_mut(utterance) {
            reply.finished = true;
            reply.progress(now);
        }
    }

    /// A reply that broke off is started again once: with an apology if the caller heard some of it, else in silence. The second
    /// failure hands the caller over, and so does a reply that nobody began: all vendors have been tried for it.
    fn reply_failed(&mut self, now: CallTime, utterance: UtteranceId, after: BrokeOff) {
        let Some(reply) = self.agent.reply.take_if(|r| r.utterance == utterance) else {
            return;
        };
        if !reply.committed {
            self.speculations = rules::SPECULATION_LIMIT;
            return;
        }
        if after == BrokeOff::Spoken {
            self.agent.lines.push(utterance);
        }
        match after {
            _ if reply.retries > 0 || self.is_closing() => self.hand_over(now, EndReason::Failed),
            BrokeOff::Unbegun => self.hand_over(now, EndReason::Failed),
            BrokeOff::Unheard => {
                let utterance = self.next_utterance();
                self.request(utterance, reply.again(now, utterance));
            }
            BrokeOff::Spoken => {
                self.say(Line::SayAgain);
                let utterance = self.next_utterance();
                self.request(utterance, Reply::new(now, utterance, true, 1));
            }
        }
    }

    fn cancel_reply(&mut self) {
        if let Some(reply) = self.agent.reply.take() {
            self.outputs.push_back(Output::CancelReply(reply.utterance));
        }
    }

    fn drop_speculation(&mut self) {
        if self.agent.is_speculating() {
            self.cancel_reply();
        }
    }

    /// Queues a line. While the caller speaks it is held back.
    fn say(&mut self, line: Line) {
        if self.caller.is_speaking() {
            self.pause();
        }
        let utterance = self.next_utterance();
        self.agent.lines.push(utterance);
        match line {
            Line::Greeting => self.agent.greeting = Some(utterance),
            Line::Resumed
            | Line::DidNotCatch(_)
            | Line::LineBroke
            | Line::SayAgain
            | Line::AreYouThere(_) => self.agent.said.is_aside(utterance),
            _ => {}
        }
        self.outputs.push_back(Output::Say(utterance, line));
    }

    fn start_reply(&mut self, now: CallTime) {
        let utterance = self.next_utterance();
        self.request(utterance, Reply::new(now, utterance, true, 0));
    }

    fn request(&mut self, utterance: UtteranceId, reply: Reply) {
        self.agent.reply = Some(reply);
        self.outputs.push_back(Output::StartReply {
            utterance,
            draft: None,
        });
    }

    fn next_utterance(&mut self) -> UtteranceId {
        self.utterances += 1;
        UtteranceId(self.utterances)
    }

    fn take_turn(&mut self, now: CallTime) {
        self.answer_until = None;
        let endpoint_at = self.caller.endpoint_at(&self.config).unwrap_or(now);
        let turn = self.caller.take(self.turns, endpoint_at);
        self.turns += 1;
        self.outputs.push_back(Output::CommitUserTurn(turn));
    }
}

#[cfg(test)]
mod tests;
