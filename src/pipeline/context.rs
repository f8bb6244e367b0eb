//! What the model knows of the conversation: what was said *and heard*, and exactly one answer to each tool call. Pure.

use super::{retained, toolbox::RunId};
use crate::{
    domain::{conversation::ToolRequest, phi::Phi},
    providers::llm::Message,
};

/// Entries sent to the model; older ones are left out whole, so that no tool answer loses its call. What tools said that still matters is kept of them.
const MAX_ENTRIES: usize = 80;

/// Characters sent to the model, for the same purpose.
const MAX_CHARS: usize = 32_000;

/// Answer to a call that was given up before it ran or finished.
pub(super) const CANCELLED: &str =
    r#"{"status":"cancelled","reason":"the caller interrupted; nothing was done"}"#;

/// Answer while a tool that may not be cancelled still runs.
const RUNNING: &str = r#"{"status":"running","reason":"not finished yet; do not claim a result and do not call it again"}"#;

/// What the model reads in place of words that a vendor's filter refused.
const WITHHELD: &str = "[The caller's words here were withheld by a content filter.]";

/// A contribution.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// The caller's turn.
    Caller(Phi<String>),
    /// One step of the agent's reply, or a canned line.
    Agent(AgentEntry),
}

/// What the agent said and asked its tools in one step.
#[derive(Clone, Debug, Default)]
pub(super) struct AgentEntry {
    /// What was said; after an interruption what was heard of it.
    pub(super) text: Phi<String>,
    /// Tools asked for.
    pub(super) calls: Vec<CallSlot>,
}

/// A tool call and its one answer.
#[derive(Clone, Debug)]
pub(super) struct CallSlot {
    /// As the model asked.
    pub(super) request: ToolRequest,
    /// The run that will answer it.
    pub(super) run: Option<RunId>,
    /// The answer.
    pub(super) content: Option<Phi<String>>,
}

impl AgentEntry {
    pub(super) fn said(text: Phi<String>) -> Self {
        Self {
            text,
            calls: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.text.expose().is_empty() && self.calls.is_empty()
    }

    pub(super) fn is_answered(&self) -> bool {
        self.calls.iter().all(|c| c.content.is_some())
    }

    /// Gives the run's answer to its call. Returns whether it was one of these.
    pub(super) fn answer(&mut self, run: RunId, content: &Phi<String>) -> bool {
        let slot = self.calls.iter_mut().find(|c| c.run == Some(run));
        slot.map(|s| s.content = Some(content.clone())).is_some()
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = Message> {
        let tool_calls = self.calls.iter().map(|c| c.request.clone()).collect();
        let said = Message::Assistant {
            text: self.text.clone(),
            tool_calls,
        };
        let answers = self.calls.iter().map(|slot| Message::Tool {
            id: slot.request.id.clone(),
            content: slot
                .content
                .clone()
                .unwrap_or_else(|| Phi::new(RUNNING.to_owned())),
        });
        std::iter::once(said).chain(answers)
    }

    fn chars(&self) -> usize {
        self.text.expose().len() + self.calls.iter().map(CallSlot::chars).sum::<usize>()
    }
}

impl CallSlot {
    pub(super) fn chars(&self) -> usize {
        let answer = self.content.as_ref().map_or(0, |c| c.expose().len());
        self.request.arguments.expose().len() + answer
    }
}

impl Entry {
    fn chars(&self) -> usize {
        match self {
            Self::Caller(text) => text.expose().len(),
            Self::Agent(entry) => entry.chars(),
        }
    }
}

/// The conversation so far.
#[derive(Debug)]
pub(super) struct Context {
    system: Phi<String>,
    entries: Vec<Entry>,
    /// What of the caller's words is not sent again.
    withheld: Vec<Phi<String>>,
}

impl Context {
    pub(super) fn new(system: String, entries: Vec<Entry>) -> Self {
        Self {
            system: Phi::new(system),
            entries,
            withheld: Vec::new(),
        }
    }

    /// New rules, from the next request on.
    pub(super) fn rule(&mut self, system: String) {
        self.system = Phi::new(system);
    }

    /// Sends the caller's last words (or those of the draft) no more; if that was done already, none of theirs. Returns false if there is nothing left.
    pub(super) fn withhold(&mut self, draft: Option<&Phi<String>>) -> bool {
        let said = self.entries.iter().filter_map(|entry| match entry {
            Entry::Caller(text) => Some(text),
            Entry::Agent(_) => None,
        });
        let said: Vec<&Phi<String>> = said.chain(draft).collect();
        let is_new = |text: &&&Phi<String>| !self.withheld.contains(text);
        let found: Vec<Phi<String>> = match said.last().filter(is_new) {
            Some(last) => vec![(*last).clone()],
            None => said
                .iter()
                .filter(is_new)
                .map(|text| (*text).clone())
                .collect(),
        };
        let any = !found.is_empty();
        self.withheld.extend(found);
        any
    }

    fn user(&self, text: &Phi<String>) -> Message {
        Message::User(if self.withheld.contains(text) {
            Phi::new(WITHHELD.to_owned())
        } else {
            text.clone()
        })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn caller(&mut self, text: Phi<String>) {
        self.entries.push(Entry::Caller(text));
    }

    /// Adds what was said; nothing is added for nothing.
    pub(super) fn agent(&mut self, entry: AgentEntry) {
        if !entry.is_empty() {
            self.entries.push(Entry::Agent(entry));
        }
    }

    /// Gives a tool's late answer to its call.
    pub(super) fn answer(&mut self, run: RunId, content: &Phi<String>) -> bool {
        self.entries.iter_mut().rev().any(|entry| match entry {
            Entry::Agent(agent) => agent.answer(run, content),
            Entry::Caller(_) => false,
        })
    }

    /// What the model is sent: the rules, the recent conversation, what is not committed yet.
    pub(super) fn messages<'a>(
        &self,
        draft: Option<&Phi<String>>,
        open: impl Iterator<Item = &'a AgentEntry>,
    ) -> Vec<Message> {
        let mut messages = vec![Message::System(self.system.clone())];
        let (left_out, sent) = self.entries.split_at(self.first_sent());
        messages.extend(retained::messages(left_out, sent));
        for entry in sent {
            match entry {
                Entry::Caller(text) => messages.push(self.user(text)),
                Entry::Agent(agent) => messages.extend(agent.messages()),
            }
        }
        messages.extend(draft.map(|draft| self.user(draft)));
        for entry in open.filter(|e| !e.is_empty()) {
            messages.extend(entry.messages());
        }
        messages
    }

    fn first_sent(&self) -> usize {
        let mut chars = 0;
        let recent = self
            .entries
            .iter()
            .rev()
            .take(MAX_ENTRIES)
            .take_while(|entry| {
                chars += entry.chars();
                chars <= MAX_CHARS
            });
        self.entries.len() - recent.count().max(1).min(self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conversation::ToolCallId;

    fn phi(text: &str) -> Phi<String> {
        Phi::new(text.to_owned())
    }

    fn call(id: &str, run: u32) -> CallSlot {
        let request = ToolRequest {
            id: ToolCallId(id.into()),
            name: "book".into(),
            arguments: phi("{}"),
        };
        CallSlot {
            request,
            run: Some(RunId(run)),
            content: None,
        }
    }

    fn shape(messages: &[Message]) -> Vec<String> {
        messages
            .iter()
            .map(|m| match m {
                Message::System(_) => "system".to_owned(),
                Message::User(t) => format!("user {}", t.expose()),
                Message::Assistant { text, tool_calls } => {
                    format!("agent {} {}", text.expose(), tool_calls.len())
                }
                Message::Tool { id, content } => format!("tool {} {}", id.0, content.expose()),
            })
            .collect()
    }

    #[test]
    fn every_tool_call_has_exactly_one_answer_right_behind_it() {
        let mut context = Context::new("rules".into(), Vec::new());
        context.caller(phi("book it"));
        context.agent(AgentEntry {
            text: phi("Sure."),
            calls: vec![call("a", 1), call("b", 2)],
        });
        context.caller(phi("wait"));
        assert!(context.answer(RunId(2), &phi("done")));
        assert!(!context.answer(RunId(9), &phi("?")));
        let sent = shape(&context.messages(None, std::iter::empty()));
        assert_eq!(
            sent[..4],
            [
                "system",
                "user book it",
                "agent Sure. 2",
                &format!("tool a {RUNNING}")
            ]
        );
        assert_eq!(sent[4..], ["tool b done", "user wait"]);
        context.answer(RunId(1), &phi("done"));
        let sent = shape(&context.messages(None, std::iter::empty()));
        assert_eq!(sent.iter().filter(|m| m.starts_with("tool a")).count(), 1);
    }

    /// C16
    #[test]
    fn words_that_a_filter_refused_are_not_sent_again() {
        let mut context = Context::new("rules".into(), Vec::new());
        let sent = |context: &Context, draft: Option<&Phi<String>>| {
            shape(&context.messages(draft, std::iter::empty()))[1..].to_vec()
        };
        context.caller(phi("hello"));
        let worry = phi("a worried sentence");
        assert!(context.withhold(Some(&worry)));
        let gone = format!("user {WITHHELD}");
        assert_eq!(sent(&context, Some(&worry)), ["user hello", gone.as_str()]);
        // Committed, it is still the same.
        context.caller(worry);
        context.caller(phi("next"));
        assert_eq!(
            sent(&context, None),
            ["user hello", gone.as_str(), "user next"]
        );
        // The filter means something else that was said.
        assert!(context.withhold(None));
        assert_eq!(
            sent(&context, None),
            ["user hello", gone.as_str(), gone.as_str()]
        );
        assert!(context.withhold(None));
        assert_eq!(sent(&context, None), [gone.clone(), gone.clone(), gone]);
        assert!(!context.withhold(None));
    }

    #[test]
    fn a_draft_comes_last_and_empty_entries_are_left_out() {
        let mut context = Context::new("rules".into(), Vec::new());
        context.agent(AgentEntry::default());
        let open = [AgentEntry::said(phi("Let me see.")), AgentEntry::default()];
        let sent = shape(&context.messages(Some(&phi("tuesday")), open.iter()));
        assert_eq!(sent, ["system", "user tuesday", "agent Let me see. 0"]);
    }

    #[test]
    fn a_long_conversation_is_cut_at_its_old_end() {
        let mut context = Context::new("rules".into(), Vec::new());
        for turn in 0..200 {
            context.caller(phi(&format!("turn {turn}")));
        }
        let sent = shape(&context.messages(None, std::iter::empty()));
        assert_eq!(sent.len(), MAX_ENTRIES + 1);
        assert_eq!(sent.last().map(String::as_str), Some("user turn 199"));
        context.caller(phi(&"x".repeat(MAX_CHARS + 1)));
        assert_eq!(context.messages(None, std::iter::empty()).len(), 2);
    }
}
