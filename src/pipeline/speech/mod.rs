//! From a model's stream of text to sentences that a synthesiser speaks well. Pure.

mod clean;
mod emphasis;
mod grammar;
mod split;
mod stops;

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
        if !means(&written) || !means(&spoken) {
            return None;
        }
        Some(Self {
            written: Phi::new(written),
            spoken: Phi::new(spoken),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of `size` characters.
    fn sentences(text: &str, size: usize) -> Vec<String> {
        let mut splitter = SentenceSplitter::default();
        let chars: Vec<char> = text.chars().collect();
        let mut found: Vec<Sentence> = chars
            .chunks(size)
            .flat_map(|piece| splitter.push(&piece.iter().collect::<String>()))
            .collect();
        found.extend(splitter.finish());
        found
            .into_iter()
            .map(|s| s.written.into_exposed())
            .collect()
    }

    #[test]
    fn sentences_end_where_a_person_would_pause_whatever_the_pieces() {
        let table: [(&str, &[&str]); 9] = [
            (
                "Sure. I can help! Which day?",
                &["Sure.", "I can help!", "Which day?"],
            ),
            ("Dr. Smith is in. OK?", &["Dr. Smith is in.", "OK?"]),
            (
                "It costs 4.50 today. Fine?",
                &["It costs 4.50 today.", "Fine?"],
            ),
            (
                "At 10 a.m. on Monday. Good?",
                &["At 10 a.m. on Monday.", "Good?"],
            ),
            ("Dr. J. Smith, e.g. today.", &["Dr. J. Smith, e.g. today."]),
            (
                "Options:\n1. Monday\n2. Tuesday",
                &["Options:", "Monday", "Tuesday"],
            ),
            (
                "He said \"yes.\" Then left.",
                &["He said \"yes.\"", "Then left."],
            ),
            ("Wait... what?", &["Wait...", "what?"]),
            ("No end", &["No end"]),
        ];
        for (text, expected) in table {
            for size in [1, 2, 3, 7, 100] {
                assert_eq!(
                    sentences(text, size),
                    expected,
                    "{text:?} in pieces of {size}"
                );
            }
        }
    }

    #[test]
    fn a_sentence_without_end_is_cut_at_a_word() {
        let endless = "word ".repeat(100);
        let found = sentences(&endless, 5);
        assert!(found.len() > 1);
        assert!(found.iter().all(|s| s.len() <= 245 && s.ends_with("word")));
    }

    #[test]
    fn markup_and_emoji_are_neither_written_nor_spoken() {
        let sentence = Sentence::new("**Great** news 😀: see [our page](https://x.test) - `now`")
            .expect("text");
        assert_eq!(sentence.written.expose(), "Great news : see our page - now");
        assert!(Sentence::new("🎉 ***").is_none());
    }
}
