//! One reply of the agent: model, tools, model again, until all is said. The session decides when; this is what.

mod untrue;
mod wording;

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::mpsc;

use self::untrue::Untrue;
use self::wording::{TextEnd, Wording};
use super::{
    context::{AgentEntry, CallSlot},
    speech::Sentence,
    toolbox::RunId,
    turn::BrokeOff,
};
use crate::{
    domain::{conversation::ToolRequest, phi::Phi},
    media::playout::{Heard, UtteranceId},
    providers::{
        BoxFuture, Fault, ProviderError, Vendor,
        llm::{Finish, LanguageModel, LlmEvent, LlmRequest, LlmStream},
    },
    tools::outcome::CallEffect,
};

/// Answer to a call whose arguments the length limit may have cut.
const CUT_SHORT: &str =
    r#"{"error":"invalid_arguments","message":"The call was cut off. Make it again."}"#;

/// What the reply does next.
#[derive(Debug)]
pub(super) enum Step {
    /// It may not begin before a mutation of an earlier reply has its result.
    Blocked,
    /// The model writes.
    Generating,
    /// Tools run, or wait for the release.
    Calling,
    /// All text is there.
    Written,
    /// All text is with the synthesiser.
    Spoken,
    /// What the model wrote is no answer yet: it can be asked again.
    Unfinished(Unfinished),
    /// The model failed.
    Broken,
}

/// Why a step is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// It has no words.
    Empty,
    /// A filter stopped it before its first word.
    Filtered,
    /// A filter did not let the conversation through.
    Withheld,
    /// It broke off, at the length limit or by a filter.
    Cut,
}

/// What an event of the model brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Text,
    Sentence,
    Other,
}

/// See the module.
pub(super) struct ReplyRun {
    pub(super) utterance: UtteranceId,
    /// The caller's turn it answers.
    pub(super) turn: u32,
    /// The caller's words while their turn is not committed: the reply is speculative.
    pub(super) draft: Option<Phi<String>>,
    pub(super) step: Step,
    /// Model requests made so far.
    pub(super) steps: u32,
    /// Those of them that asked again for what was no answer.
    pub(super) asked_again: u32,
    /// Why the next one does.
    unfinished: Option<Unfinished>,
    /// Who wrote what was no answer.
    cut_by: Option<Vendor>,
    pub(super) effect: Option<CallEffect>,
    /// The turn machine was told of the effect.
    pub(super) is_closing: bool,
    /// A sentence was given to the synthesiser.
    pub(super) spoken: bool,
    /// No vendor would write its last step.
    is_refused: bool,
    /// What no tool bears out of what it claims.
    pub(super) untrue: Untrue,
    /// What was heard of it is in the transcript.
    pub(super) recorded: bool,
    /// The step up to which its mutations are written down: one runs only after its intent is safe.
    pub(super) journaled: u32,
    entries: Vec<AgentEntry>,
    outbox: VecDeque<(u32, Sentence)>,
    generation: Option<Generation>,
    wording: Wording,
    calls: Vec<ToolRequest>,
}

impl ReplyRun {
    pub(super) fn new(utterance: UtteranceId, turn: u32, draft: Option<Phi<String>>) -> Self {
        Self {
            utterance,
            turn,
            draft,
            step: Step::Blocked,
            steps: 0,
            asked_again: 0,
            unfinished: None,
            cut_by: None,
            effect: None,
            is_closing: false,
            spoken: false,
            is_refused: false,
            untrue: Untrue::default(),
            recorded: false,
            journaled: 0,
            entries: Vec::new(),
            outbox: VecDeque::new(),
            generation: None,
            wording: Wording::default(),
            calls: Vec::new(),
        }
    }

    /// A reply that was begun on another pod: its open tool calls are run first.
    pub(super) fn resumed(utterance: UtteranceId, turn: u32, entries: Vec<AgentEntry>) -> Self {
        let steps = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        Self {
            steps,
            step: Step::Calling,
            entries,
            ..Self::new(utterance, turn, None)
        }
    }

    pub(super) fn is_released(&self) -> bool {
        self.draft.is_none()
    }

    pub(super) fn entries(&self) -> &[AgentEntry] {
        &self.entries
    }

    pub(super) fn into_entries(self) -> Vec<AgentEntry> {
        self.entries
    }

    /// Asks the model for the next step.
    pub(super) fn generate(&mut self, llm: Arc<dyn LanguageModel>, request: LlmRequest) {
        self.steps += 1;
        self.entries.push(AgentEntry::default());
        self.wording.next_step();
        self.generation = Some(Generation::new(llm, request, self.cut_by.take()));
        self.step = Step::Generating;
    }

    /// The next request asks again for what this one did not bring.
    pub(super) fn ask_again(&mut self, why: Unfinished) {
        self.asked_again += 1;
        self.unfinished = Some(why);
        self.step = Step::Blocked;
    }

    /// Why the request that is being made asks again.
    pub(super) fn take_unfinished(&mut self) -> Option<Unfinished> {
        self.unfinished.take()
    }

    /// The half sentence at which it broke off, which nobody heard.
    pub(super) fn fragment(&self) -> Option<&str> {
        self.wording.fragment()
    }

    /// Model requests that brought something.
    pub(super) fn tool_steps(&self) -> u32 {
        self.steps.saturating_sub(self.asked_again)
    }

    /// The model's next event; never, if it is not writing. Cancel-safe.
    pub(super) async fn next(&mut self) -> LlmEvent {
        match &mut self.generation {
            Some(generation) => generation.next().await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn event(&mut self, event: LlmEvent) -> Progress {
        match event {
            LlmEvent::Text(text) => {
                let sentences = self.wording.push(text.expose());
                self.write(sentences)
            }
            LlmEvent::ToolCall(request) => {
                self.calls.push(request);
                Progress::Other
            }
            LlmEvent::Done(finish) => self.step_done(finish),
            LlmEvent::Failed(error) => self.failed(&error),
        }
    }

    fn step_done(&mut self, finish: Finish) -> Progress {
        let calls = std::mem::take(&mut self.calls);
        let end = match finish {
            _ if !calls.is_empty() => TextEnd::BeforeCalls,
            Finish::Length | Finish::Filtered => TextEnd::Cut,
            Finish::Stop | Finish::ToolCalls => TextEnd::Whole,
        };
        let progress = self.text_ended(end);
        let vendor = self.generation.take().map(|g| g.vendor);
        self.step = match self.unfinished_by(finish) {
            _ if !calls.is_empty() => Step::Calling,
            // The words that a call ends with are ours, if need be.
            Some(Unfinished::Empty) if self.effect.is_some() => Step::Written,
            Some(why) => {
                self.cut_by = vendor;
                Step::Unfinished(why)
            }
            None => Step::Written,
        };
        if let Some(entry) = self.entries.last_mut() {
            entry.calls = calls
                .into_iter()
                .map(|request| CallSlot {
                    request,
                    run: None,
                    content: None,
                })
                .collect();
            if let (Finish::Length, Some(last)) = (finish, entry.calls.last_mut()) {
                last.content = Some(Phi::new(CUT_SHORT.to_owned()));
            }
        }
        progress
    }

    fn text_ended(&mut self, end: TextEnd) -> Progress {
        let rest = self.wording.end(end);
        self.write(rest)
    }

    /// What the step lacks, now that its text is over. At the length limit all that is needed may have been said; a filter always stops an answer.
    fn unfinished_by(&self, finish: Finish) -> Option<Unfinished> {
        let is_broken = self.wording.fragment().is_some();
        match finish {
            Finish::Length | Finish::Filtered if is_broken => Some(Unfinished::Cut),
            Finish::Filtered if self.wording.has_words() => Some(Unfinished::Cut),
            Finish::Filtered => Some(Unfinished::Filtered),
            _ if self.wording.has_words() => None,
            _ => Some(Unfinished::Empty),
        }
    }

    fn failed(&mut self, error: &ProviderError) -> Progress {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            reply.steps = self.steps,
            "the model failed"
        );
        let has_begun = self.generation.take().is_some_and(|g| g.has_begun());
        self.calls.clear();
        self.step = match error.fault {
            Fault::Empty => Step::Unfinished(Unfinished::Empty),
            Fault::Filtered if error.is_of_request() => Step::Unfinished(Unfinished::Withheld),
            Fault::Filtered => {
                let progress = self.text_ended(TextEnd::Cut);
                let why = self.unfinished_by(Finish::Filtered);
                self.step = Step::Unfinished(why.unwrap_or(Unfinished::Filtered));
                self.cut_by = Some(error.vendor);
                return progress;
            }
            _ => {
                self.is_refused = !has_begun;
                Step::Broken
            }
        };
        self.cut_by = Some(error.vendor);
        Progress::Other
    }

    /// Adds sentences to the step's text and to what waits to be spoken.
    fn write(&mut self, sentences: Vec<Sentence>) -> Progress {
        let tag = self.steps.saturating_sub(1);
        let progress = if sentences.is_empty() {
            Progress::Text
        } else {
            Progress::Sentence
        };
        for sentence in sentences {
            if let Some(entry) = self.entries.last_mut() {
                let text = [entry.text.expose().as_str(), sentence.written.expose()].join(" ");
                entry.text = Phi::new(text.trim_start().to_owned());
            }
            self.outbox.push_back((tag, sentence));
        }
        progress
    }

    /// The next sentence to speak and its step.
    pub(super) fn take_sentence(&mut self) -> Option<(u32, Sentence)> {
        self.outbox.pop_front()
    }

    pub(super) fn has_unspoken(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether the model has said something in the current step.
    pub(super) fn step_has_text(&self) -> bool {
        self.entries
            .last()
            .is_some_and(|e| !e.text.expose().is_empty())
    }

    /// Calls that were not begun.
    pub(super) fn idle_calls(&mut self) -> impl Iterator<Item = &mut CallSlot> {
        self.entries
            .iter_mut()
            .flat_map(|e| &mut e.calls)
            .filter(|c| c.run.is_none() && c.content.is_none())
    }

    /// Calls without an answer, in all steps.
    pub(super) fn open_calls(&mut self) -> impl Iterator<Item = &mut CallSlot> {
        self.entries
            .iter_mut()
            .flat_map(|e| &mut e.calls)
            .filter(|c| c.content.is_none())
    }

    /// How far it came, if it breaks off now.
    pub(super) fn broken_off(&self) -> BrokeOff {
        match (self.spoken, self.is_refused) {
            // It would be asked for the same once more.
            _ if self.is_untrue() && self.untrue.is_hopeless() => BrokeOff::Unbegun,
            (true, _) => BrokeOff::Spoken,
            (false, true) => BrokeOff::Unbegun,
            (false, false) => BrokeOff::Unheard,
        }
    }

    /// Whether it has any text: all that was written, or once [recorded](Self::recorded) all that was heard.
    pub(super) fn has_text(&self) -> bool {
        self.entries.iter().any(|e| !e.text.expose().is_empty())
    }

    pub(super) fn is_answered(&self) -> bool {
        self.entries.iter().all(AgentEntry::is_answered)
    }

    pub(super) fn answer(&mut self, run: RunId, content: &Phi<String>) -> bool {
        self.entries.iter_mut().any(|e| e.answer(run, content))
    }

    /// Cuts the text to what was heard.
    pub(super) fn truncate(&mut self, heard: &Heard) {
        if heard.complete {
            return;
        }
        for (step, entry) in (0_u32..).zip(&mut self.entries) {
            let pieces = heard
                .pieces
                .iter()
                .filter(|p| p.tag == step)
                .map(|p| p.text.expose().as_str());
            entry.text = Phi::new(pieces.collect::<Vec<_>>().join(" "));
        }
    }

    /// Nothing of it was heard.
    pub(super) fn unheard(&mut self) {
        for entry in &mut self.entries {
            entry.text = Phi::default();
        }
    }
}

/// One request to the model. Dropping it cancels the request.
struct Generation {
    vendor: Vendor,
    state: GenerationState,
}

enum GenerationState {
    Opening(BoxFuture<'static, Result<LlmStream, ProviderError>>),
    Streaming(mpsc::Receiver<LlmEvent>),
}

impl Generation {
    /// Asks `last` after all others, if it is known.
    fn new(llm: Arc<dyn LanguageModel>, request: LlmRequest, last: Option<Vendor>) -> Self {
        let vendor = llm.vendor();
        let opening = async move {
            match last {
                Some(last) => llm.reply_elsewhere(request, last).await,
                None => llm.reply(request).await,
            }
        };
        Self {
            vendor,
            state: GenerationState::Opening(Box::pin(opening)),
        }
    }

    /// A vendor answers; before that, vendors are still being asked.
    fn has_begun(&self) -> bool {
        matches!(self.state, GenerationState::Streaming(_))
    }

    async fn next(&mut self) -> LlmEvent {
        loop {
            match &mut self.state {
                GenerationState::Opening(opening) => match opening.await {
                    Ok(stream) => {
                        self.vendor = stream.vendor;
                        self.state = GenerationState::Streaming(stream.events);
                    }
                    Err(error) => return LlmEvent::Failed(error),
                },
                GenerationState::Streaming(events) => {
                    let broken =
                        || LlmEvent::Failed(ProviderError::new(self.vendor, Fault::Protocol));
                    return events.recv().await.unwrap_or_else(broken);
                }
            }
        }
    }
}
