//! Who speaks: a caller, or a recording that never listens.

use std::collections::VecDeque;

use super::words::{bare_words, is_farewell, is_recording, is_repeated};
use crate::domain::phi::Phi;

/// Turns remembered.
const KEPT: usize = 8;

/// The same again so often is no conversation.
const REPEATS: usize = 3;

/// Short words are said again more often, as by somebody who hears nothing: "hello?".
const SHORT_REPEATS: usize = 5;

/// People do not say so many words twice in the same way.
const VERBATIM: usize = 12;

/// Shorter ones are answers, which may well be alike.
const SENTENCE: usize = 6;

/// Share of the same words, in percent, of a recording as a recogniser hears it twice.
const LIKE_A_RECORDING: usize = 85;

/// The same of a sentence that somebody repeats.
const WORD_BY_WORD: usize = 90;

/// What the last turns look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Somebody talks with us.
    Caller,
    /// The same words again and again: what we answer does not help.
    Repeating,
    /// A machine.
    Recording,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Voices {
    turns: VecDeque<Phi<String>>,
    /// The agent was heard since the last turn.
    is_answered: bool,
}

impl Voices {
    /// Takes a turn and says whose the last ones are.
    pub(super) fn heard(&mut self, text: &str) -> Voice {
        let is_answered = std::mem::take(&mut self.is_answered);
        // Who hears no answer says it again; a recording does so anyway.
        let may_repeat = !is_answered && !is_recording(text);
        self.turns
            .pop_back_if(|last| may_repeat && is_repeated(last.expose(), text, WORD_BY_WORD));
        if self.turns.len() == KEPT {
            self.turns.pop_front();
        }
        self.turns.push_back(Phi::new(text.to_owned()));
        let alike = self.count(|turn| is_repeated(turn, text, LIKE_A_RECORDING));
        let in_a_row = self
            .turns
            .iter()
            .rev()
            .take_while(|turn| is_repeated(turn.expose(), text, WORD_BY_WORD))
            .count();
        let words = bare_words(text).count();
        if is_recording(text) && self.count(is_recording) >= REPEATS
            || words >= VERBATIM && alike >= REPEATS
        {
            Voice::Recording
        } else if words >= SENTENCE && in_a_row >= REPEATS
            || in_a_row >= SHORT_REPEATS && !is_farewell(text)
        {
            Voice::Repeating
        } else {
            Voice::Caller
        }
    }

    /// The agent is heard.
    pub(super) fn answered(&mut self) {
        self.is_answered = true;
    }

    fn count(&self, which: impl Fn(&str) -> bool) -> usize {
        self.turns
            .iter()
            .filter(|turn| which(turn.expose()))
            .count()
    }
}
