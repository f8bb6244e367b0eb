//! From samples played to words heard.

use super::{Piece, Utterance, UtteranceId};
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    media::frame::SAMPLE_RATE,
};

/// Speaking rate assumed while the length of a piece is not known yet, characters per second.
const CHARS_PER_SECOND: usize = 15;

/// What was heard of one utterance.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Which.
    pub utterance: UtteranceId,
    /// Its pieces, as far as they were heard; a piece of which nothing was heard is missing.
    pub pieces: Vec<HeardPiece>,
    /// First sample; none if nothing was heard.
    pub started: Option<CallTime>,
    /// Last sample.
    pub ended: CallTime,
    /// All of it was heard.
    pub complete: bool,
}

/// What was heard of one piece.
#[derive(Clone, Debug)]
pub struct HeardPiece {
    /// As given to [`super::Playout::open_piece`].
    pub tag: u32,
    /// Whole words.
    pub text: Phi<String>,
}

impl Heard {
    /// All of it as one text.
    #[must_use]
    pub fn text(&self) -> Phi<String> {
        let pieces: Vec<&str> = self
            .pieces
            .iter()
            .map(|p| p.text.expose().as_str())
            .collect();
        Phi::new(pieces.join(" "))
    }

    /// Whether a single word was heard.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

impl Utterance {
    pub(super) fn heard(self, now: CallTime) -> Heard {
        let complete = self.closed
            && self
                .pieces
                .iter()
                .all(|p| p.complete && p.played >= p.received);
        let pieces = self.pieces.iter().filter_map(Piece::heard).collect();
        Heard {
            utterance: self.id,
            pieces,
            started: self.started,
            ended: now,
            complete,
        }
    }
}

impl Piece {
    fn heard(&self) -> Option<HeardPiece> {
        let whole = self.complete && self.played >= self.received;
        let text = if whole {
            self.text.expose().clone()
        } else {
            heard_words(self.text.expose(), self.played, self.length())
        };
        (!text.is_empty()).then(|| HeardPiece {
            tag: self.tag,
            text: Phi::new(text),
        })
    }

    /// Samples that the piece has or is expected to have.
    fn length(&self) -> usize {
        if self.complete {
            return self.received;
        }
        let expected = self.text.expose().chars().count() * SAMPLE_RATE as usize / CHARS_PER_SECOND;
        self.received.max(expected)
    }
}

/// The leading words of `text` of which at least half lies before `played` of `length`, words taken as evenly spread over the sound.
fn heard_words(text: &str, played: usize, length: usize) -> String {
    if length == 0 {
        return String::new();
    }
    let reach = text.chars().count() as f64 * played as f64 / length as f64;
    let mut words = Vec::new();
    let mut position = 0.0;
    for word in text.split_whitespace() {
        let chars = word.chars().count() as f64;
        if position + chars / 2.0 > reach {
            break;
        }
        words.push(word);
        position += chars + 1.0;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::heard_words;

    #[test]
    fn words_are_heard_in_proportion_to_the_sound() {
        let text = "one two three four";
        let table = [
            (0, ""),
            (5, ""),
            (10, "one"),
            (40, "one two"),
            (70, "one two three"),
            (100, text),
        ];
        for (percent, heard) in table {
            assert_eq!(heard_words(text, percent, 100), heard, "{percent} %");
        }
    }

    #[test]
    fn nothing_is_heard_of_no_sound() {
        assert_eq!(heard_words("hello", 0, 0), "");
    }
}
