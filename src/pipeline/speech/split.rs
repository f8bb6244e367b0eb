//! Finds the ends of sentences in a stream.

use super::Sentence;

/// A piece longer than this is cut at a word even if no sentence ends, characters.
const LONGEST: usize = 240;

/// Words that end in a full stop without ending a sentence, lower case, without that stop.
const ABBREVIATIONS: [&str; 24] = [
    "dr", "mr", "mrs", "ms", "st", "jr", "sr", "prof", "vs", "e.g", "i.e", "a.m", "p.m", "approx",
    "appt", "dept", "ext", "inc", "u.s", "d.d.s", "m.d", "no", "ave", "apt",
];

/// Cuts a stream of text into sentences.
#[derive(Debug, Default)]
pub struct SentenceSplitter {
    buffer: String,
}

impl SentenceSplitter {
    /// Adds text; returns the sentences that are now known to be complete.
    pub fn push(&mut self, text: &str) -> Vec<Sentence> {
        self.buffer.push_str(text);
        let mut found = Vec::new();
        while let Some(end) = boundary(&self.buffer) {
            let rest = self.buffer.split_off(end);
            found.extend(Sentence::new(&self.buffer));
            self.buffer = rest;
        }
        found
    }

    /// The text is complete: what is left is the last sentence.
    pub fn finish(&mut self) -> Option<Sentence> {
        Sentence::new(&std::mem::take(&mut self.buffer))
    }
}

/// Where the first sentence ends; none while that cannot be told.
fn boundary(text: &str) -> Option<usize> {
    for (i, c) in text.char_indices() {
        let after = i + c.len_utf8();
        let ends = match c {
            '\n' => true,
            '.' => is_followed_by_space(&text[after..]) && !is_inside(&text[..i]),
            '!' | '?' | '…' => is_followed_by_space(&text[after..]),
            _ => false,
        };
        if ends {
            return Some(after + closing(&text[after..]));
        }
    }
    (text.chars().count() > LONGEST)
        .then(|| text.rfind(' ').map(|i| i + 1))
        .flatten()
}

/// Quotes and brackets that belong to the sentence before them.
fn closing(rest: &str) -> usize {
    rest.find(|c| !is_closing(c)).unwrap_or(rest.len())
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '*' | '”' | '’')
}

fn is_followed_by_space(rest: &str) -> bool {
    rest.trim_start_matches(is_closing)
        .starts_with(char::is_whitespace)
}

/// Whether the full stop after `before` belongs to an abbreviation, an initial, or the number of a list entry.
fn is_inside(before: &str) -> bool {
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or(before)
        .trim_start_matches(['(', '"', '\'']);
    let first = before.trim() == word;
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
    let list_number = first && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    initial || list_number || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}
