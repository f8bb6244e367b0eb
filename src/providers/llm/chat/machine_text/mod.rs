//! Takes out of a model's text what is meant for a machine, piece by piece as it comes. No I/O, no clock.
//!
//! Models write tool calls, their thinking and the marks of their own format as text when a server does not take them out, and a caller would hear
//! them. What is dropped: thinking in tags, the channels of the harmony format (its words, too, when a server has taken only its marks away), results of
//! tools that a model makes up, fenced blocks, JSON objects. A tool call that is plain and well formed is given out as the call that it is.
//! Text is held back only while a mark may have begun in it: where the stream is cut makes no difference to what comes out.

mod find;
mod json;
mod tags;
mod text_calls;
mod words;

use self::find::{Look, look};
use super::names::ToolNames;

/// Longer than any call or thought that is worth waiting for; what follows is dropped up to its end.
const LONGEST: usize = 64 * 1024;

/// The head of a harmony message is a few words.
const LONGEST_HEADER: usize = 200;

/// What closes a message of the harmony format, and whether it belongs to it.
const MESSAGE_ENDS: [End; 5] = [
    End::taken("<|end|>"),
    End::taken("<|return|>"),
    End::taken("<|call|>"),
    End::left("<|start|>"),
    End::left("<|channel|>"),
];

/// A call that was found in text: name of a tool, and its arguments as JSON text.
pub(super) type TextCall = (String, String);

/// A piece of a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// For the caller.
    Text(String),
    /// For a tool.
    Call(TextCall),
}

/// Where machine text ends.
#[derive(Clone, Debug)]
struct End {
    text: std::borrow::Cow<'static, str>,
    /// It is a part of what ends.
    is_taken: bool,
}

impl End {
    const fn taken(text: &'static str) -> Self {
        Self {
            text: std::borrow::Cow::Borrowed(text),
            is_taken: true,
        }
    }

    const fn left(text: &'static str) -> Self {
        Self {
            text: std::borrow::Cow::Borrowed(text),
            is_taken: false,
        }
    }

    /// The tag that closes this one.
    fn tag(name: &str) -> Self {
        Self {
            text: format!("</{name}>").into(),
            is_taken: true,
        }
    }
}

/// What the text is part of.
#[derive(Clone, Debug, Default)]
enum Mode {
    #[default]
    Speech,
    /// Nobody's, up to the first of these.
    Dropped(Vec<End>),
    /// A call, up to the first of these; the name, if it stands before it.
    Call(Vec<End>, Option<String>),
    /// The head of a harmony message.
    Header,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct MachineText {
    names: ToolNames,
    pending: String,
    mode: Mode,
    /// The character before `pending`.
    before: Option<char>,
    /// The last character given out.
    said: Option<char>,
    /// More than white space was given out.
    has_said: bool,
    /// Something was taken out since.
    gap: bool,
}

impl MachineText {
    pub(super) fn new(names: ToolNames) -> Self {
        Self {
            names,
            ..Self::default()
        }
    }

    /// Takes more text; gives out what is sure.
    pub(super) fn push(&mut self, text: &str) -> Vec<Piece> {
        self.pending.push_str(text);
        self.drain(false)
    }

    /// The text is complete.
    pub(super) fn finish(&mut self) -> Vec<Piece> {
        let pieces = self.drain(true);
        self.mode = Mode::Speech;
        pieces
    }

    fn drain(&mut self, at_end: bool) -> Vec<Piece> {
        let mut out = Vec::new();
        while !self.pending.is_empty() {
            let goes_on = match self.mode.clone() {
                Mode::Speech => self.speech(at_end, &mut out),
                Mode::Dropped(ends) => self.dropped(&ends, at_end),
                Mode::Call(ends, name) => self.call(&ends, name.as_deref(), at_end, &mut out),
                Mode::Header => self.header(at_end),
            };
            if !goes_on {
                break;
            }
        }
        out
    }

    /// Gives out what is said. Returns false if it waits for more.
    fn speech(&mut self, at_end: bool, out: &mut Vec<Piece>) -> bool {
        let is_start = !self.has_said;
        let (sure, found) = look(&self.pending, self.before, is_start, at_end, &self.names);
        let said = self.take(sure);
        self.say(&said, out);
        match found {
            Look::Nothing => return false,
            Look::Wait if self.pending.len() <= LONGEST => return false,
            Look::Wait => {
                self.take(self.pending.len());
                self.enter(Mode::Dropped(Vec::new()));
            }
            Look::Say(length, text) => {
                self.take(length);
                self.say(&text, out);
            }
            Look::Markup(length) => {
                self.take(length);
                self.before = None;
            }
            Look::Cut(length) => {
                self.take(length);
                self.enter(Mode::Speech);
            }
            Look::Enter(length, mode) => {
                self.take(length);
                self.enter(mode);
            }
            Look::Calls(length, calls) => {
                self.take(length);
                self.enter(Mode::Speech);
                out.extend(calls.into_iter().map(Piece::Call));
            }
        }
        true
    }

    fn dropped(&mut self, ends: &[End], at_end: bool) -> bool {
        let Some((start, end)) = first_end(&self.pending, ends) else {
            let longest = ends.iter().map(|e| e.text.len()).max().unwrap_or_default();
            let kept = if at_end { 0 } else { longest };
            let mut length = self.pending.len().saturating_sub(kept);
            while !self.pending.is_char_boundary(length) {
                length -= 1;
            }
            self.take(length);
            return false;
        };
        self.take(start + if end.is_taken { end.text.len() } else { 0 });
        self.enter(Mode::Speech);
        true
    }

    fn call(
        &mut self,
        ends: &[End],
        name: Option<&str>,
        at_end: bool,
        out: &mut Vec<Piece>,
    ) -> bool {
        let (start, length) = match first_end(&self.pending, ends) {
            Some((start, end)) => (start, start + if end.is_taken { end.text.len() } else { 0 }),
            None if at_end => (self.pending.len(), self.pending.len()),
            None if self.pending.len() > LONGEST => {
                self.enter(Mode::Dropped(ends.to_vec()));
                return true;
            }
            None => return false,
        };
        let body = &self.pending[..start];
        let calls = match name {
            Some(name) => text_calls::under(name, body, &self.names),
            None => text_calls::in_body(body, &self.names),
        };
        out.extend(calls.into_iter().map(Piece::Call));
        self.take(length);
        self.enter(Mode::Speech);
        true
    }

    fn header(&mut self, at_end: bool) -> bool {
        const BODY: &str = "<|message|>";
        let Some(start) = self.pending.find(BODY) else {
            if at_end {
                self.take(self.pending.len());
            } else if self.pending.len() > LONGEST_HEADER {
                // Not this format after all: what was held is lost, what comes is said.
                self.take(self.pending.len());
                self.enter(Mode::Speech);
            }
            return false;
        };
        let header = self.take(start);
        self.take(BODY.len());
        let recipient = header.split("to=").nth(1).map(|rest| {
            let end = rest.find(|c: char| c.is_whitespace() || c == '<');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
        self.enter(match recipient {
            Some(name) => Mode::Call(MESSAGE_ENDS.to_vec(), Some(name)),
            None if header.contains("analysis") => Mode::Dropped(MESSAGE_ENDS.to_vec()),
            None => Mode::Speech,
        });
        true
    }

    fn enter(&mut self, mode: Mode) {
        self.gap = true;
        self.before = None;
        self.mode = mode;
    }

    fn take(&mut self, length: usize) -> String {
        let rest = self.pending.split_off(length);
        let taken = std::mem::replace(&mut self.pending, rest);
        self.before = taken.chars().next_back().or(self.before);
        taken
    }

    /// What stood apart on both sides of something that was taken out stays apart.
    fn say(&mut self, text: &str, out: &mut Vec<Piece>) {
        let Some(first) = text.chars().next() else {
            return;
        };
        let parts = self.said.is_some_and(|c| !c.is_whitespace()) && first.is_alphanumeric();
        let space = if std::mem::take(&mut self.gap) && parts {
            " "
        } else {
            ""
        };
        self.said = text.chars().next_back();
        self.has_said |= !text.trim().is_empty();
        match out.last_mut() {
            Some(Piece::Text(before)) => before.extend([space, text]),
            _ => out.push(Piece::Text(format!("{space}{text}"))),
        }
    }
}

/// The first of the ends, whichever case it is written in.
fn first_end<'e>(text: &str, ends: &'e [End]) -> Option<(usize, &'e End)> {
    let lower = text.to_ascii_lowercase();
    let found = ends
        .iter()
        .filter_map(|end| Some((lower.find(&*end.text)?, end)));
    found.min_by_key(|(start, _)| *start)
}

#[cfg(test)]
mod tests;
