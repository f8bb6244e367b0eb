//! The reply on its way: model, tools, synthesiser.

use super::{Session, obey::CANNED};
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    media::playout::UtteranceId,
    pipeline::{
        context::CANCELLED,
        lines,
        prompt::{system_prompt, today},
        reply::{Progress, ReplyRun, Step, Unfinished},
        speech::Sentence,
        turn::{BrokeOff, Input},
    },
    providers::llm::{LlmEvent, LlmRequest, Message},
    tools::outcome::ToolOutcome,
};

/// Told to the model after another pod's conversation was taken over.
const RESUMED: &str = "The line broke for a moment, and you have just apologised for it. Go on where you were: answer the caller's last words, or say again what you \
                       asked last. Do not apologise again.";

/// Told to the model when its last answer broke off and it is asked again.
const BROKE_OFF: &str = "Your last answer broke off. Answer the caller again from the beginning.";

/// Requests in one reply that ask again for what was no answer.
const AGAIN_LIMIT: u32 = 2;

/// Told to the model when it is asked again.
fn note(why: Unfinished, fragment: Option<&str>) -> String {
    match (why, fragment) {
        (Unfinished::Empty, _) => {
            "Your last answer had no words in it. Answer the caller now, in one or two short sentences."
        }
        (Unfinished::Filtered, _) => {
            "A content filter stopped your last answer. Answer the caller in plain, neutral words."
        }
        (Unfinished::Withheld, _) => {
            "A content filter withheld words of the caller. Say kindly that you could not take that in, and ask them to say it in other words; offer to connect \
             them with a person. If it may have been an emergency, tell them to hang up and dial 911."
        }
        (Unfinished::Cut, None) => {
            "Your last answer was cut off. The caller has heard what stands above. Go on from there in neutral words, and come to an end in one short sentence."
        }
        (Unfinished::Cut, Some(fragment)) => {
            return format!(
                "Your last answer was cut off in the middle of a sentence, which the caller has not heard: \"{fragment}\". Say that sentence again from its \
                 beginning, in neutral words, and come to an end."
            );
        }
    }
    .to_owned()
}

impl Session {
    /// Takes the reply as far as it can go now.
    pub(super) fn advance_reply(&mut self, now: CallTime) {
        loop {
            self.speak(now);
            let Some(reply) = &mut self.reply else { return };
            match reply.step {
                Step::Blocked if self.runs.is_mutation_running() => return,
                Step::Blocked => self.generate(now),
                Step::Calling => {
                    self.begin_calls(now);
                    if !self.calls_answered() {
                        return;
                    }
                }
                Step::Written => {
                    if !self.corrects(now) {
                        return self.written(now);
                    }
                }
                Step::Unfinished(why) => self.ask_again(why),
                Step::Broken => return self.broke(now),
                Step::Generating | Step::Spoken => return,
            }
        }
    }

    /// Gives sentences to the synthesiser, once the turn is committed and written through.
    fn speak(&mut self, now: CallTime) {
        let Some(reply) = self.reply.as_mut().filter(|r| r.is_released()) else {
            return;
        };
        if let Some(effect) = reply.effect.filter(|_| !reply.is_closing) {
            reply.is_closing = true;
            self.inputs.push_back(Input::Closing(lines::reason(effect)));
        }
        if !self.journal.is_open() {
            return;
        }
        let utterance = reply.utterance;
        let mut sentences = Vec::new();
        while let Some((step, sentence)) = reply.take_sentence() {
            if !reply.withholds(step, &sentence, self.runs.traces()) {
                sentences.push((step, sentence));
            }
        }
        reply.spoken |= !sentences.is_empty();
        for (step, sentence) in sentences {
            self.latency.spoken(now);
            self.say_sentence(now, utterance, step, sentence);
        }
    }

    /// Asks again for what was no answer; after a few times the reply has failed, and the caller is told. One that ends the call has its words from us.
    fn ask_again(&mut self, why: Unfinished) {
        let Some(reply) = &mut self.reply else { return };
        let is_possible = reply.asked_again < AGAIN_LIMIT
            && (why != Unfinished::Withheld || self.context.withhold(reply.draft.as_ref()));
        tracing::warn!(
            turn.index = reply.turn,
            ?why,
            is_possible,
            "the model gave no answer"
        );
        if is_possible {
            reply.ask_again(why);
        } else if reply.effect.is_some() {
            reply.step = Step::Written;
        } else {
            reply.step = Step::Broken;
        }
    }

    /// Tells the model what day it is, if that has changed.
    fn turn_the_day(&mut self, now: CallTime) {
        let now = self.started_at + now.since_start();
        let day = today(&self.profile, now);
        if std::mem::replace(&mut self.prompt_day, day) != day {
            self.context
                .rule(system_prompt(&self.profile, self.started_at, now));
        }
    }

    fn generate(&mut self, now: CallTime) {
        self.turn_the_day(now);
        let Some(reply) = &mut self.reply else { return };
        let may_call = reply.tool_steps() < self.max_tool_steps && reply.effect.is_none();
        let open = self
            .fading
            .iter()
            .chain(std::iter::once(&*reply))
            .flat_map(ReplyRun::entries);
        let mut messages = self.context.messages(reply.draft.as_ref(), open);
        if !self.fading.is_empty() && reply.steps == 0 {
            messages.push(Message::System(Phi::new(BROKE_OFF.to_owned())));
        }
        if let Some(kind) = reply.take_correction() {
            messages.push(Message::System(Phi::new(kind.correction().to_owned())));
        }
        if self.is_resuming && !reply.step_has_text() {
            messages.push(Message::System(Phi::new(RESUMED.to_owned())));
        }
        if let Some(why) = reply.take_unfinished() {
            let note = note(why, reply.fragment());
            messages.push(Message::System(Phi::new(note)));
        }
        let tools = if may_call {
            self.runs.specs().to_vec()
        } else {
            Vec::new()
        };
        self.latency.requested(now);
        let request = LlmRequest {
            messages,
            tools,
            cache_key: self.profile.id.to_string(),
        };
        reply.generate(std::sync::Arc::clone(&self.llm), request);
    }

    pub(super) fn model_event(&mut self, now: CallTime, event: LlmEvent) {
        let Some(reply) = &mut self.reply else { return };
        let progress = reply.event(event);
        if progress != Progress::Other {
            self.latency.token(now);
        }
        if progress == Progress::Sentence {
            self.latency.sentence(now);
        }
        self.inputs.push_back(Input::ReplyProgress(reply.utterance));
    }

    /// Begins the step's calls; a speculative reply's mutating ones wait for the release. Those that change something run as one, and what ends the
    /// conversation with them: whether it may end depends on how they go.
    fn begin_calls(&mut self, now: CallTime) {
        let Some(reply) = &mut self.reply else { return };
        let (released, turn) = (reply.is_released(), reply.turn);
        let mutates = reply
            .idle_calls()
            .any(|c| self.runs.is_mutating(&c.request));
        if released && mutates && reply.journaled < reply.steps {
            reply.journaled = reply.steps;
            self.save(now);
        }
        let is_safe = self.journal.is_open();
        let Some(reply) = &mut self.reply else { return };
        let mut dependent = Vec::new();
        for slot in reply.idle_calls() {
            let is_closing = mutates && self.runs.is_closing(&slot.request);
            if is_closing || self.runs.is_mutating(&slot.request) {
                dependent.push(slot);
            } else {
                slot.run = Some(self.runs.start(now, slot.request.clone(), turn));
            }
        }
        if !dependent.is_empty() && released && is_safe {
            let requests = dependent.iter().map(|slot| slot.request.clone()).collect();
            let runs = self.runs.start_step(now, requests, turn);
            for (slot, run) in dependent.into_iter().zip(runs) {
                slot.run = Some(run);
            }
        }
        self.latency.tools_run(now, self.runs.is_any_running());
        if reply.spoken {
            self.voice.flush(now);
        }
    }

    /// Goes to the next step if all calls are answered. A reply that ends the call needs none if it has said its last words.
    fn calls_answered(&mut self) -> bool {
        let Some(reply) = self.reply.as_mut().filter(|r| r.is_answered()) else {
            return false;
        };
        let said = reply.effect.is_some() && reply.step_has_text();
        let exhausted = reply.tool_steps() > self.max_tool_steps;
        reply.step = if said || exhausted {
            Step::Written
        } else {
            Step::Blocked
        };
        true
    }

    /// All text is there. When all of it was given to the synthesiser, the reply is complete.
    fn written(&mut self, now: CallTime) {
        let Some(reply) = self
            .reply
            .as_mut()
            .filter(|r| r.is_released() && !r.has_unspoken())
        else {
            return;
        };
        let utterance = reply.utterance;
        match reply.effect {
            _ if reply.spoken => {}
            Some(effect) => {
                reply.spoken = true;
                if let Some(sentence) = Sentence::new(lines::closing(effect)) {
                    self.say_sentence(now, utterance, CANNED, sentence);
                }
            }
            None => {
                tracing::warn!(turn.index = reply.turn, "the model said nothing");
                return self.broke(now);
            }
        }
        if let Some(reply) = &mut self.reply {
            reply.step = Step::Spoken;
        }
        self.voice.end(now, utterance);
        self.inputs.push_back(Input::ReplyFinished(utterance));
    }

    /// The model failed. What was spoken of the reply is still being heard; the turn machine says what comes next.
    fn broke(&mut self, now: CallTime) {
        let Some(mut reply) = self.reply.take() else {
            return;
        };
        let (utterance, after) = (reply.utterance, reply.broken_off());
        self.give_up_calls(now, &mut reply);
        self.voice.end_if_open(now, utterance);
        if after == BrokeOff::Spoken {
            self.fading.push(reply);
        } else if reply.is_released() {
            reply.unheard();
            self.keep_entries(reply);
        }
        self.inputs
            .push_back(Input::ReplyFailed { utterance, after });
    }

    pub(super) fn tool_ended(&mut self, now: CallTime, run: u32, outcome: Option<ToolOutcome>) {
        let Some(ended) = self.runs.ended(now, run, outcome) else {
            return;
        };
        self.latency.tools_run(now, self.runs.is_any_running());
        let content = Phi::new(ended.outcome.content.expose().to_string());
        let answered = match self.reply.as_mut() {
            Some(reply) => reply.answer(ended.run, &content).then_some(reply),
            None => None,
        };
        if let Some(reply) = answered {
            reply.effect = reply.effect.or(ended.outcome.effect);
            self.inputs.push_back(Input::ReplyProgress(reply.utterance));
        } else if !self
            .fading
            .iter_mut()
            .any(|r| r.answer(ended.run, &content))
            && !self.context.answer(ended.run, &content)
        {
            tracing::warn!(
                turn.index = self.record.turns(),
                "a tool's result has no place in the conversation"
            );
        }
        self.save(now);
    }

    pub(super) fn cancel_reply(&mut self, now: CallTime, utterance: UtteranceId) {
        if self
            .reply
            .as_ref()
            .is_some_and(|r| r.utterance == utterance)
        {
            self.abandon_reply(now);
        }
    }

    /// Gives the reply up: what was heard stays, running mutations go on, each call gets its answer.
    pub(super) fn abandon_reply(&mut self, now: CallTime) {
        if self.reply.as_ref().is_some_and(|r| r.spoken && !r.recorded) {
            self.stop_voice(now);
        }
        let Some(mut reply) = self.reply.take() else {
            return;
        };
        self.give_up_calls(now, &mut reply);
        self.voice.end_if_open(now, reply.utterance);
        if reply.is_released() {
            self.latency.superseded();
            if !reply.recorded {
                reply.unheard();
            }
            self.keep_entries(reply);
            self.save(now);
        }
    }

    /// Each call that does not go on is answered by the news that it was given up.
    fn give_up_calls(&mut self, now: CallTime, reply: &mut ReplyRun) {
        for slot in reply.open_calls() {
            if slot.run.is_none_or(|run| self.runs.cancel(run)) {
                slot.content = Some(Phi::new(CANCELLED.to_owned()));
            }
        }
        self.latency.tools_run(now, self.runs.is_any_running());
    }

    pub(super) fn keep_entries(&mut self, reply: ReplyRun) {
        for entry in reply.into_entries() {
            self.context.agent(entry);
        }
    }
}
