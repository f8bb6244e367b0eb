//! What a reply claims that no tool bears out.

use super::ReplyRun;
use crate::{
    domain::phi::Phi,
    pipeline::{
        claims::{Claim, Kind, borne_out},
        speech::Sentence,
    },
    tools::outcome::ToolTrace,
};

/// Times that the model is asked again in one reply because it claimed what no tool bears out. If it goes on, a person takes over.
const CORRECTIONS: u32 = 2;

/// What a reply claims that no tool bears out.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Untrue {
    /// The step that was silenced last, and for what.
    silenced: Option<(u32, Kind)>,
    /// Times that the model was told.
    corrections: u32,
    /// It is to be told before it writes its next step.
    is_to_be_told: bool,
}

impl Untrue {
    fn concerns(&self, step: u32) -> bool {
        self.silenced.is_some_and(|(silenced, _)| silenced == step)
    }

    /// The model is asked again. Returns whether that is the first time in this reply.
    pub(in crate::pipeline) const fn correct(&mut self) -> bool {
        self.corrections += 1;
        self.is_to_be_told = true;
        self.corrections == 1
    }

    /// Nothing more comes of it.
    pub(in crate::pipeline) const fn settle(&mut self) {
        self.silenced = None;
    }

    /// The model was told often enough.
    pub(in crate::pipeline) const fn is_hopeless(&self) -> bool {
        self.silenced.is_some() && self.corrections >= CORRECTIONS
    }
}

impl ReplyRun {
    /// Whether the sentence is not to be spoken, because it claims what no tool of the call bears out, or comes after such a one in its step. What is withheld
    /// was not said, so the step's text loses it.
    pub(in crate::pipeline) fn withholds(
        &mut self,
        step: u32,
        sentence: &Sentence,
        traces: &[ToolTrace],
    ) -> bool {
        let text = sentence.written.expose();
        if !self.untrue.concerns(step) {
            let claims = Claim::all_of(text);
            let Some(claim) = claims.iter().find(|claim| !borne_out(claim, traces)) else {
                return false;
            };
            tracing::warn!(
                claim = claim.kind.as_str(),
                reply.steps = self.steps,
                "a claim that no tool bears out is withheld"
            );
            self.untrue.silenced = Some((step, claim.kind));
        }
        let later = self.outbox.iter().filter(|(tag, _)| *tag == step);
        let unsaid: Vec<&str> = std::iter::once(text.as_str())
            .chain(later.map(|(_, s)| s.written.expose().as_str()))
            .collect();
        if let Some(entry) = self.entries.get_mut(step as usize) {
            let said = entry.text.expose().strip_suffix(&unsaid.join(" "));
            entry.text =
                said.map_or_else(Phi::default, |said| Phi::new(said.trim_end().to_owned()));
        }
        true
    }

    /// What the model has to be told of its last step before it writes the next.
    pub(in crate::pipeline) fn take_correction(&mut self) -> Option<Kind> {
        let (_, kind) = self.untrue.silenced?;
        std::mem::take(&mut self.untrue.is_to_be_told).then_some(kind)
    }

    /// Whether its last step claimed what is not so.
    pub(in crate::pipeline) fn is_untrue(&self) -> bool {
        self.untrue.concerns(self.steps.saturating_sub(1))
    }
}
