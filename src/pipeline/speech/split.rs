//! Finds the ends of sentences in a stream.

use super::{
    Sentence,
    clean::Place,
    stops::{Around, Verdict, judge},
};

/// A piece longer than this is cut at a word even if no sentence ends, characters.
const LONGEST: usize = 240;

/// Cuts a stream of text into sentences. The pieces that the text comes in make no difference.
#[derive(Debug, Default)]
pub struct SentenceSplitter {
    buffer: String,
    place: Begin,
    /// The number of the entry of an inline list that the buffer begins with.
    entry: Option<u32>,
}

/// Where the buffer begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Begin {
    #[default]
    Text,
    Line,
    Within,
}

impl SentenceSplitter {
    /// Adds text; returns the sentences that are now known to be complete.
    pub fn push(&mut self, text: &str) -> Vec<Sentence> {
        self.buffer.push_str(text);
        self.cut(false)
    }

    /// The text is complete: what is left are the last sentences.
    pub fn finish(&mut self) -> Vec<Sentence> {
        let mut found = self.cut(true);
        found.extend(Sentence::at(
            &std::mem::take(&mut self.buffer),
            self.place(),
        ));
        *self = Self::default();
        found
    }

    fn cut(&mut self, is_complete: bool) -> Vec<Sentence> {
        let mut found = Vec::new();
        while let Some(end) = self.boundary(is_complete) {
            let rest = self.buffer.split_off(end.at);
            let ends_line = self.buffer.ends_with('\n');
            let place = self.place();
            let begin = match place {
                _ if ends_line => Begin::Line,
                Place::Start if self.buffer.trim().is_empty() => Begin::Text,
                Place::Line if self.buffer.trim().is_empty() => Begin::Line,
                _ => Begin::Within,
            };
            found.extend(Sentence::at(&self.buffer, place));
            self.buffer = rest;
            self.place = begin;
            self.entry = end.entry;
        }
        found
    }

    fn place(&self) -> Place {
        match self.place {
            _ if self.entry.is_some() => Place::Within,
            Begin::Text => Place::Start,
            Begin::Line => Place::Line,
            Begin::Within => Place::Within,
        }
    }

    /// Where the first sentence ends; none while that cannot be told.
    fn boundary(&self, is_complete: bool) -> Option<End> {
        let text = self.buffer.as_str();
        let longest = text.char_indices().nth(LONGEST).map(|(i, _)| i);
        for (i, c) in text.char_indices() {
            if longest.is_some_and(|longest| i >= longest) {
                return cut_at_word(text, i);
            }
            let after = i + c.len_utf8();
            let end = || End::plain(after + closing(&text[after..]));
            match c {
                '\n' => return Some(End::plain(after)),
                '!' | '?' | '…' if is_followed_by_space(&text[after..]) => return Some(end()),
                '.' => match self.stop(i, is_complete) {
                    Stop::Ends => return Some(end()),
                    Stop::Entry(at, number) => {
                        return Some(End {
                            at,
                            entry: Some(number),
                        });
                    }
                    Stop::Inside => {}
                    Stop::Unknown => return None,
                },
                _ => {}
            }
        }
        None
    }

    /// What the full stop at `i` is.
    fn stop(&self, i: usize, is_complete: bool) -> Stop {
        let text = self.buffer.as_str();
        let after = &text[i + 1..];
        if !is_followed_by_space(after) {
            return Stop::Inside;
        }
        let around = Around::new(&text[..i], after, is_complete);
        if let Some((at, number)) = self.inline_entry(i) {
            return if at == 0 {
                Stop::Inside
            } else {
                Stop::Entry(at, number)
            };
        }
        if self.place != Begin::Within && around.is_list_number() {
            return Stop::Inside;
        }
        match judge(&around) {
            Verdict::Ends => Stop::Ends,
            Verdict::Inside => Stop::Inside,
            Verdict::Unknown => Stop::Unknown,
        }
    }

    /// `Options: 1. Monday 2. Tuesday`: where the entry begins whose number is before the stop at `i`.
    fn inline_entry(&self, i: usize) -> Option<(usize, u32)> {
        let before = &self.buffer[..i];
        let head = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: u32 = before[head.len()..].parse().ok().filter(|n| *n < 20)?;
        let lead = head.trim_end();
        if lead.is_empty() {
            return (self.entry == Some(number)).then_some((0, number));
        }
        let begins = number == 1 && lead.ends_with(':');
        let goes_on = self.entry.is_some_and(|entry| entry + 1 == number) && !leads_to_number(lead);
        (head.ends_with(' ') && (begins || goes_on)).then_some((head.len(), number))
    }
}

/// Whether the words before a number make it no entry's number: `Monday at 2.`
fn leads_to_number(lead: &str) -> bool {
    let word = lead.rsplit(' ').next().unwrap_or(lead).to_lowercase();
    matches!(
        word.as_str(),
        "at" | "is"
            | "are"
            | "to"
            | "by"
            | "of"
            | "for"
            | "in"
            | "on"
            | "until"
            | "till"
            | "after"
            | "before"
            | "about"
            | "and"
            | "or"
            | "from"
            | "room"
            | "suite"
            | "number"
            | "press"
    )
}

/// A boundary.
struct End {
    at: usize,
    /// An entry of an inline list with this number begins there.
    entry: Option<u32>,
}

impl End {
    fn plain(at: usize) -> Self {
        Self { at, entry: None }
    }
}

enum Stop {
    Ends,
    Inside,
    Entry(usize, u32),
    /// The next word tells, and is not there yet.
    Unknown,
}

/// The last space before `limit`, rather not one next to a figure; without any space, `limit`.
fn cut_at_word(text: &str, limit: usize) -> Option<End> {
    let head = &text[..limit];
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let apart = head.rmatch_indices(' ').find(|(i, _)| {
        let (before, after) = (head[..*i].chars().next_back(), text[i + 1..].chars().next());
        !(is_digit(before) || is_digit(after))
    });
    let any = || head.rfind(' ');
    let at = apart
        .map(|(i, _)| i)
        .filter(|i| *i > limit / 4)
        .or_else(any);
    Some(End::plain(at.map_or(limit, |i| i + 1)))
}

/// Quotes and brackets that belong to the sentence before them.
fn closing(rest: &str) -> usize {
    rest.find(|c| !is_closing(c)).unwrap_or(rest.len())
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '*' | '_' | '`' | '”' | '’')
}

fn is_followed_by_space(rest: &str) -> bool {
    rest.trim_start_matches(is_closing)
        .starts_with(char::is_whitespace)
}
