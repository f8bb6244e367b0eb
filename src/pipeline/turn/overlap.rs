//! Finals that overlap: a recogniser may tell the end of one piece again at the beginning of the next.

use super::words::bare_words;
use crate::{
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    providers::stt::Transcript,
};

/// Words kept to compare with.
const TAIL: usize = 8;

/// The last words of the final transcripts so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    until: Option<CallTime>,
    tail: Vec<Word>,
}

impl Known {
    /// These words are known from now on.
    pub(super) fn learn(&mut self, words: &[Word]) {
        let Some(last) = words.last() else { return };
        self.until = Some(last.end);
        self.tail.extend(words.iter().cloned());
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
    }

    /// Drops what an earlier final transcript already brought: by the words' times where there are any, else by their letters. `finals` is the turn so far.
    pub(super) fn cut(&self, finals: &str, transcript: Transcript) -> Transcript {
        if transcript.words.is_empty() {
            return cut_by_letters(finals, transcript);
        }
        match self.until {
            Some(until) => self.cut_by_time(until, transcript),
            None => transcript,
        }
    }

    fn cut_by_time(&self, until: CallTime, mut transcript: Transcript) -> Transcript {
        let before = transcript.words.len();
        let repeated = self.repeated(until, &transcript.words);
        transcript.words.drain(..repeated);
        transcript
            .words
            .retain(|w| w.start + w.end.since(w.start) / 2 >= until);
        if transcript.words.len() < before {
            transcript.text = joined(transcript.words.iter().map(|w| w.text.expose().as_str()));
        }
        transcript
    }

    /// How many of the first words are the last known ones, heard again in the same sound. A word that begins where the known ones end was said twice.
    fn repeated(&self, until: CallTime, words: &[Word]) -> usize {
        let most = self.tail.len().min(words.len());
        let is_repeated = |count: &usize| {
            let known = &self.tail[self.tail.len() - count..];
            let same = known.iter().zip(words).all(|(k, w)| is_same(k, w));
            same && words[count - 1].start < until
        };
        (1..=most).rev().find(is_repeated).unwrap_or(0)
    }
}

fn is_same(one: &Word, other: &Word) -> bool {
    bare_words(one.text.expose()).eq(bare_words(other.text.expose()))
}

/// One word alone must be a long one: "five" is said twice often enough.
fn cut_by_letters(finals: &str, mut transcript: Transcript) -> Transcript {
    let known: Vec<String> = bare_words(finals).collect();
    let heard: Vec<&str> = transcript.text.expose().split_whitespace().collect();
    let bare: Vec<String> = heard.iter().map(|w| bare_words(w).collect()).collect();
    let most = known.len().min(bare.len()).min(TAIL);
    let is_repeated = |count: &usize| {
        let is_long =
            *count > 1 || (bare[0].len() > 2 && bare[0].bytes().any(|b| b.is_ascii_digit()));
        is_long && known[known.len() - count..] == bare[..*count]
    };
    if let Some(count) = (1..=most).rev().find(is_repeated) {
        transcript.text = joined(heard[count..].iter().copied());
    }
    transcript
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Phi<String> {
    Phi::new(words.collect::<Vec<_>>().join(" "))
}
