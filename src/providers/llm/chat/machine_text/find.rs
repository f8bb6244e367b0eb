//! Finds the next mark in what would be spoken.

use super::{Mode, TextCall, json, tags, words};
use crate::providers::llm::chat::names::ToolNames;

/// What stands at a place in the text.
#[derive(Debug)]
pub(super) enum Look {
    /// Nothing but speech, to the end.
    Nothing,
    /// What stands here cannot be told yet.
    Wait,
    /// So many bytes stand for this text.
    Say(usize, String),
    /// So many bytes mark up the text, and part nothing.
    Markup(usize),
    /// So many bytes are for machines.
    Cut(usize),
    /// After so many bytes something else begins.
    Enter(usize, Mode),
    /// So many bytes are these calls.
    Calls(usize, Vec<TextCall>),
}

/// What a mark may look at.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// From the mark on.
    pub(super) text: &'a str,
    /// Nothing was said yet.
    pub(super) is_start: bool,
    /// Nothing follows `text`.
    pub(super) at_end: bool,
    pub(super) names: &'a ToolNames,
}

impl Place<'_> {
    /// Waits for more, unless there is no more: then so it is.
    pub(super) fn wait_or(self, last: Option<Look>) -> Option<Look> {
        if self.at_end { last } else { Some(Look::Wait) }
    }
}

/// How many bytes are surely spoken, and what stands behind them.
pub(super) fn look(
    text: &str,
    before: Option<char>,
    is_start: bool,
    at_end: bool,
    names: &ToolNames,
) -> (usize, Look) {
    let mut before = before;
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let place = Place {
            text: &text[at..],
            is_start: is_start && text[..at].trim().is_empty(),
            at_end,
            names,
        };
        let begins_word = is_word(first) && !before.is_some_and(is_word);
        let found = match first {
            '<' | '◁' => tags::look(place),
            '`' | '~' => fence(place, first),
            '{' => json::object(place),
            '[' => tags::bracket(place),
            _ if begins_word => words::look(place),
            _ => None,
        };
        if let Some(found) = found {
            return (at, found);
        }
        let length = if begins_word {
            word(place.text).len()
        } else {
            first.len_utf8()
        };
        before = text[at..at + length].chars().next_back();
        at += length;
    }
    (at, Look::Nothing)
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The word at the beginning.
pub(super) fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// A block between lines of three marks.
fn fence(place: Place<'_>, mark: char) -> Option<Look> {
    const LENGTH: usize = 3;
    let marks = place.text.len() - place.text.trim_start_matches(mark).len();
    if marks < LENGTH {
        let may_grow = marks == place.text.len();
        return if may_grow { place.wait_or(None) } else { None };
    }
    let end = if mark == '`' { "```" } else { "~~~" };
    Some(Look::Enter(
        marks,
        Mode::Call(vec![super::End::taken(end)], None),
    ))
}
