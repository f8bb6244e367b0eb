//! What the turn machine decided, done.

use super::Session;
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    media::playout::{PlayoutEvent, UtteranceId},
    pipeline::{
        lines,
        reply::ReplyRun,
        speech::{Sentence, SentenceSplitter},
        turn::{Input, Line, Output, UserTurn},
        voice::VoiceEvent,
    },
};

/// Tag of sentences that no step of the model wrote.
pub(super) const CANNED: u32 = u32::MAX;

impl Session {
    pub(super) fn obey(&mut self, now: CallTime) {
        while let Some(output) = self.turn.poll_output() {
            match output {
                Output::Finalize => self.hearing.finalize(),
                Output::CommitUserTurn(turn) => self.commit(now, turn),
                Output::StartReply { utterance, draft } => self.start_reply(utterance, draft),
                Output::ReleaseReply(utterance) => self.release(utterance),
                Output::CancelReply(utterance) => self.cancel_reply(now, utterance),
                Output::Say(utterance, line) => self.say_line(now, utterance, line),
                Output::Filler { utterance, nth } => self.fill(now, utterance, nth),
                Output::PausePlayout => self.pause(now),
                Output::ResumePlayout => self.voice.resume(),
                Output::StopPlayout { barge_in } => self.fall_silent(now, barge_in),
                Output::End(why) => {
                    tracing::info!(call.ending = why.as_str(), "conversation ended");
                    self.ended = Some(why);
                }
            }
        }
    }

    /// What the playout and the synthesiser noticed, told to the turn machine.
    pub(super) fn voice_events(&mut self, now: CallTime) {
        while let Some(event) = self.voice.poll_event() {
            match event {
                VoiceEvent::Sound => self.latency.sound(now),
                VoiceEvent::Dead => self.inputs.push_back(Input::VoiceDead),
                VoiceEvent::Playout(PlayoutEvent::Started(utterance, at)) => {
                    self.latency.started(at);
                    self.inputs.push_back(Input::PlayoutStarted(utterance));
                }
                VoiceEvent::Playout(PlayoutEvent::Audible(_, at)) => {
                    self.latency.audible(at, &self.metrics);
                }
                VoiceEvent::Playout(PlayoutEvent::Dry(utterance)) => {
                    self.inputs.push_back(Input::PlayoutDry(utterance));
                }
                VoiceEvent::Playout(PlayoutEvent::Finished(heard)) => {
                    self.latency.finished();
                    self.inputs
                        .push_back(Input::PlayoutFinished(heard.utterance));
                    self.heard(now, &heard);
                }
            }
        }
    }

    fn commit(&mut self, now: CallTime, turn: UserTurn) {
        tracing::info!(
            turn.index = turn.index,
            turn.words = turn.words.len(),
            "turn committed"
        );
        self.is_resuming = false;
        self.latency.committed(now, &turn);
        self.context.caller(turn.text.clone());
        self.record.caller(turn);
        self.save(now);
    }

    fn start_reply(&mut self, utterance: UtteranceId, draft: Option<Phi<String>>) {
        self.latency.reply_started();
        let turn = self.record.turn_to_answer(draft.is_some());
        let unfinished = std::mem::take(&mut self.unfinished);
        self.reply = Some(if unfinished.is_empty() {
            ReplyRun::new(utterance, turn, draft)
        } else {
            ReplyRun::resumed(utterance, turn, unfinished)
        });
    }

    /// The speculative reply answers the committed turn: its words are in the context now.
    fn release(&mut self, utterance: UtteranceId) {
        if let Some(reply) = self.reply.as_mut().filter(|r| r.utterance == utterance) {
            reply.draft = None;
        }
    }

    fn say_line(&mut self, now: CallTime, utterance: UtteranceId, line: Line) {
        self.say_canned(now, utterance, &lines::text(line, &self.profile.greeting));
        self.voice.end(now, utterance);
    }

    pub(super) fn say_canned(&mut self, now: CallTime, utterance: UtteranceId, text: &str) {
        let mut splitter = SentenceSplitter::default();
        let mut sentences: Vec<Sentence> = splitter.push(text);
        sentences.extend(splitter.finish());
        for sentence in sentences {
            self.latency.spoken(now);
            self.say_sentence(now, utterance, CANNED, sentence);
        }
        self.voice.flush(now);
    }

    /// Says it, and tells the turn machine what: a question changes how long the caller is waited for, and an echo is known by its words.
    pub(super) fn say_sentence(
        &mut self,
        now: CallTime,
        utterance: UtteranceId,
        tag: u32,
        sentence: Sentence,
    ) {
        self.inputs.push_back(Input::AgentSays {
            utterance,
            text: sentence.written.clone(),
        });
        self.voice.say(now, utterance, tag, sentence);
    }

    fn pause(&mut self, now: CallTime) {
        self.silenced(now);
        self.voice.pause(now);
    }

    fn fall_silent(&mut self, now: CallTime, barge_in: bool) {
        self.silenced(now);
        if barge_in {
            self.record.interrupted();
        }
        self.stop_voice(now);
    }

    /// Measures a barge-in when the caller's voice silences the agent.
    fn silenced(&self, now: CallTime) {
        if let Some(since) = self.record.speech().filter(|_| self.voice.is_sounding()) {
            self.metrics.barge_in(now.since(since));
        }
    }
}
