//! E-mail addresses that are told piece by piece.

use super::{Pause, dictation::LEAD, forms::bare_words, pieces::Piece, question::Question};

/// Words that are part of a sentence, and of no name.
const SENTENCE_WORDS: &str = "i i'd a an for to at on in of think want need have has don't do not never none what why how when who \
    about wait so can can't could would cleaning book hold one second moment just any you they we there sorry again later any like \
    x-ray xray now good thing nothing see let give me all haven't use";

/// An e-mail address is complete with what follows its last dot.
pub(super) fn address(text: &str, pieces: &[Piece], subject: Option<Question>) -> Pause {
    let after_at = |text: &str| {
        text.rsplit('@')
            .next()
            .is_some_and(|domain| domain.trim_end_matches('.').contains('.'))
    };
    let place = pieces
        .iter()
        .rposition(|p| matches!(p, Piece::At | Piece::Address));
    let is_long = place.is_some_and(|p| pieces.len() - p > 4);
    // "I'd like to come at noon" is no address.
    let is_late = place.is_some_and(|p| p > 3) && !pieces.contains(&Piece::Dot);
    let dot_after = place.is_some_and(|p| pieces[p..].contains(&Piece::Dot));
    let is_address = subject == Some(Question::Email) || pieces.contains(&Piece::Dot);
    match place.map(|p| &pieces[p]) {
        Some(Piece::Address) if !after_at(text) && !dot_after => Pause::Incomplete,
        Some(Piece::At)
            if is_address && !dot_after && !is_long && !is_late && !text.contains('@') =>
        {
            Pause::Incomplete
        }
        None if subject == Some(Question::Email) && pieces.contains(&Piece::Dot) => {
            Pause::Incomplete
        }
        None if subject == Some(Question::Email) && is_name_alone(text) => Pause::Dictating,
        _ => Pause::Plain,
    }
}

/// A few words that may be the name in an address: none of them belongs to a sentence.
fn is_name_alone(text: &str) -> bool {
    let words: Vec<String> = bare_words(text).collect();
    let announced = words
        .iter()
        .rposition(|w| ["is", "it's", "email", "e-mail"].contains(&w.as_str()));
    let lead: Vec<&str> = LEAD.split_whitespace().collect();
    let rest = words[announced.map_or(0, |place| place + 1)..].iter();
    let name: Vec<&str> = rest
        .map(String::as_str)
        .filter(|w| !lead.contains(w))
        .collect();
    (1..4).contains(&name.len())
        && name
            .iter()
            .all(|w| !SENTENCE_WORDS.split_whitespace().any(|known| known == *w))
}
