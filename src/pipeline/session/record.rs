//! What was said and heard, kept for the model, the journal and the report.

use super::Session;
use crate::{
    domain::{
        call_time::CallTime,
        conversation::{Speaker, Utterance},
    },
    media::playout::Heard,
    pipeline::{
        context::{AgentEntry, Entry},
        reply::{ReplyRun, Step},
        report::SessionReport,
        snapshot::{self, Parts, Unknown},
        turn::{EndReason, Input, UserTurn},
    },
};

/// The transcript and a few marks beside it.
#[derive(Debug)]
pub(super) struct Record {
    utterances: Vec<Utterance>,
    turns: u32,
    speech: Option<CallTime>,
    answered_at: Option<CallTime>,
    barge_ins: u32,
    /// What a newer pod had saved beside the conversation: it is saved again.
    unknown: Unknown,
}

impl Record {
    pub(super) fn new(turns: u32, utterances: Vec<Utterance>) -> Self {
        Self {
            utterances,
            turns,
            speech: None,
            answered_at: None,
            barge_ins: 0,
            unknown: Unknown::default(),
        }
    }

    pub(super) fn with_unknown(self, unknown: Unknown) -> Self {
        Self { unknown, ..self }
    }

    pub(super) fn answered(&mut self, now: CallTime) {
        self.answered_at.get_or_insert(now);
    }

    pub(super) fn hears(&mut self, input: Option<&Input>) {
        match input {
            Some(Input::SpeechStarted { at }) => self.speech = Some(*at),
            Some(Input::SpeechEnded { .. }) => self.speech = None,
            _ => {}
        }
    }

    /// The caller speaks since.
    pub(super) fn speech(&self) -> Option<CallTime> {
        self.speech
    }

    pub(super) fn interrupted(&mut self) {
        self.barge_ins += 1;
    }

    /// Turns committed so far.
    pub(super) fn turns(&self) -> u32 {
        self.turns
    }

    /// The turn that a reply answers: the last one, or the one that is being spoken.
    pub(super) fn turn_to_answer(&self, is_speculative: bool) -> u32 {
        if is_speculative {
            self.turns
        } else {
            self.turns.saturating_sub(1)
        }
    }

    pub(super) fn caller(&mut self, turn: UserTurn) {
        self.turns = turn.index + 1;
        self.push(Speaker::Caller, turn.started, turn.ended, |said| {
            said.text = turn.text;
            said.words = turn.words;
        });
    }

    /// What was heard of the agent; nothing if nothing was.
    fn agent(&mut self, heard: &Heard) {
        if let Some(started) = heard.started.filter(|_| !heard.is_empty()) {
            self.push(Speaker::Agent, started, heard.ended, |said| {
                said.text = heard.text();
                said.interrupted = !heard.complete;
            });
        }
    }

    fn push(
        &mut self,
        speaker: Speaker,
        started: CallTime,
        ended: CallTime,
        fill: impl FnOnce(&mut Utterance),
    ) {
        let index = u32::try_from(self.utterances.len()).unwrap_or(u32::MAX);
        let text = crate::domain::phi::Phi::default();
        let mut said = Utterance {
            index,
            speaker,
            text,
            started,
            ended,
            interrupted: false,
            words: Vec::new(),
        };
        fill(&mut said);
        self.utterances.push(said);
    }
}

impl Session {
    /// Silent at once, and what was heard is recorded.
    pub(super) fn stop_voice(&mut self, now: CallTime) {
        for heard in self.voice.stop(now) {
            self.heard(now, &heard);
        }
        self.keep_fading();
    }

    /// What broke off stays in the conversation as it was heard; unless its answer, given again, was heard in its place. What broke
    /// off before its first sound is not reported by the playout.
    fn keep_fading(&mut self) {
        let again = self.reply.as_ref();
        let is_replaced = again.is_some_and(|r| r.recorded && r.has_text());
        for mut reply in std::mem::take(&mut self.fading) {
            if is_replaced || !reply.recorded {
                reply.unheard();
            }
            self.keep_entries(reply);
        }
    }

    /// An utterance is over, played to its end or cut.
    pub(super) fn heard(&mut self, now: CallTime, heard: &Heard) {
        self.record.agent(heard);
        if let Some(place) = self
            .fading
            .iter()
            .position(|r| r.utterance == heard.utterance)
        {
            // It stays open until it is known whether its answer, given again, is heard.
            let reply = &mut self.fading[place];
            reply.truncate(heard);
            reply.recorded = true;
        } else if let Some(reply) = self
            .reply
            .as_mut()
            .filter(|r| r.utterance == heard.utterance)
        {
            reply.truncate(heard);
            reply.recorded = true;
            if heard.complete && matches!(reply.step, Step::Spoken) {
                self.reply_complete();
            }
        } else {
            self.context.agent(AgentEntry::said(heard.text()));
        }
        self.save(now);
    }

    fn reply_complete(&mut self) {
        self.keep_fading();
        if let Some(reply) = self.reply.take() {
            self.keep_entries(reply);
        }
    }

    /// Writes the conversation through.
    pub(super) fn save(&mut self, now: CallTime) {
        let open = self
            .fading
            .iter()
            .chain(self.reply.iter().filter(|r| r.is_released()))
            .flat_map(ReplyRun::entries);
        let mut entries: Vec<Entry> = self.context.entries().to_vec();
        entries.extend(open.chain(&self.unfinished).cloned().map(Entry::Agent));
        let parts = Parts {
            now,
            started_at: self.started_at,
            turns: self.record.turns,
            entries: &entries,
            utterances: &self.record.utterances,
            traces: self.runs.traces(),
            latencies: self.latency.done(),
            unknown: &self.record.unknown,
        };
        self.journal.write(now, snapshot::encode(&parts));
    }

    pub(super) fn into_report(self, ending: EndReason) -> SessionReport {
        SessionReport {
            ending,
            tools: self.runs.traces().to_vec(),
            transcript: self.record.utterances,
            latencies: self.latency.into_turns(),
            barge_ins: self.record.barge_ins,
            unreplicated: self.journal.is_unreplicated(),
            answered_at: self.record.answered_at,
            ended_at: self.clock.now(),
        }
    }
}
