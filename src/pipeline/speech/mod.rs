//! From a model's stream of text to sentences that a synthesiser speaks well. Pure.

mod clean;
mod emphasis;
mod grammar;
mod short_forms;
mod split;
mod stops;

#[cfg(test)]
mod split_tests;

use self::clean::Place;
pub use self::split::SentenceSplitter;
use crate::domain::phi::Phi;

/// A speakable piece of a reply.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// For the transcript and the model: without mark-up, figures as figures.
    pub written: Phi<String>,
    /// For the synthesiser: figures, times, money and codes in words.
    pub spoken: Phi<String>,
}

impl Sentence {
    /// Prepares one sentence; none if nothing of it can be spoken.
    #[must_use]
    pub fn new(raw: &str) -> Option<Self> {
        Self::at(raw, Place::Start)
    }

    fn at(raw: &str, place: Place) -> Option<Self> {
        let written = clean::clean(raw, place);
        let means = |text: &str| text.chars().any(char::is_alphanumeric);
        let spoken = grammar::spoken(&clean::without_orders(&written));
        let spoken = clean::harmless(spoken);
        if !means(&written) || !means(&spoken) {
            return None;
        }
        Some(Self {
            written: Phi::new(written),
            spoken: Phi::new(spoken),
        })
    }
}
