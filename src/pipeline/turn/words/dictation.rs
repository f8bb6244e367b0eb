//! Numbers, names and addresses that are told in groups, and how long to wait for the next one.

use super::{
    Pause,
    address::address,
    forms::{bare_words, is_looking_it_up, is_unfinished, padded},
    pieces::{Piece, pieces},
    question::{Question, has_any},
    run::Run,
};

/// Words between an announcement or a question and what is dictated.
pub(super) const LEAD: &str = "it's its it is the that's thats that would be yes yeah yep sure ok okay so um uh umm well and my number um \
    right alright no actually starting starts with again then first of course here's here i'm this hi hello please";

/// How long the speaker may be silent after the text, if `asked` is what the agent waits for; none if it is not known to ask for anything.
pub(in crate::pipeline::turn) fn pause_after(text: &str, asked: Option<Question>) -> Pause {
    let pieces = pieces(text);
    let run = Run::at_the_end_of(&pieces);
    let is_bare = asked.is_none() && is_lead(&pieces[..run.start]);
    let subject = subject(text, &pieces[..run.start], &run, asked);
    let waits = [
        open_end(text, &pieces, &run, subject),
        run.pause(text, subject, is_bare),
        address(text, &pieces, subject),
        sentence(text, &run, subject),
    ];
    waits.into_iter().max().unwrap_or(Pause::Plain)
}

/// What the end of the text is about: what it announces itself, else what was asked for.
fn subject(text: &str, lead: &[Piece], run: &Run, asked: Option<Question>) -> Option<Question> {
    let words: Vec<&str> = lead
        .iter()
        .map(|piece| match piece {
            Piece::Word(word) | Piece::Capitals(word) => word.as_str(),
            Piece::At => "at",
            _ => "",
        })
        .collect();
    let near: Vec<&str> = words.iter().rev().take(6).rev().copied().collect();
    let announced = Question::in_text(&near.join(" ")).filter(|_| !text.trim_end().ends_with('?'));
    let is_hour =
        run.digits.len() < 3 && has_any(&padded(&near.join(" ")), &["call", "text", "come"]);
    if announced.is_some() {
        // "Call me at two" names an hour, as far as one can tell.
        return announced.filter(|_| !is_hour);
    }
    let is_answer = is_lead(lead) || run.characters() == 0 || asked == Some(Question::BirthDate);
    asked.filter(|_| is_answer)
}

/// Whether these words only lead to what is dictated.
fn is_lead(pieces: &[Piece]) -> bool {
    let known: Vec<&str> = LEAD.split_whitespace().collect();
    pieces.iter().rev().take(4).all(|piece| match piece {
        Piece::Word(word) => known.contains(&word.as_str()),
        _ => true,
    })
}

/// "John dot", "B as in", "my number is 212 dash": it goes on, whatever the recogniser made of the melody.
fn open_end(text: &str, pieces: &[Piece], run: &Run, subject: Option<Question>) -> Pause {
    if text.trim_end().ends_with('?') {
        return Pause::Plain;
    }
    let before_last = pieces.len().checked_sub(2).map(|n| &pieces[n]);
    match pieces.last() {
        Some(Piece::Dot | Piece::Joint) => Pause::Incomplete,
        Some(Piece::At)
            if subject == Some(Question::Email) || run.has_dot || run.characters() > 0 =>
        {
            Pause::Incomplete
        }
        // "John Smith at." is no end of a sentence; "where you're at." is.
        Some(Piece::At) if pieces.len() <= 3 && matches!(before_last, Some(Piece::Word(_))) => {
            let stranded = [
                "where", "what", "looking", "who", "i'm", "you're", "we're", "they're", "is",
                "are", "look",
            ];
            let words: Vec<String> = bare_words(text).collect();
            if words.iter().any(|w| stranded.contains(&w.as_str())) {
                Pause::Plain
            } else {
                Pause::Dictating
            }
        }
        _ => Pause::Plain,
    }
}

/// The sentence around it, as far as it is none of the above.
fn sentence(text: &str, run: &Run, subject: Option<Question>) -> Pause {
    let waits_for_data = subject.is_some_and(Question::is_long) && run.characters() == 0;
    match (is_unfinished(text), waits_for_data) {
        // "My member number is": its first group is being looked for.
        (true, true) => Pause::Dictating,
        (true, false) => Pause::Unfinished,
        (false, true) if is_announcement(text) => Pause::Dictating,
        (false, true) if is_looking_it_up(text) => Pause::Unfinished,
        (false, true) if subject == Some(Question::FullName) && is_one_name(text) => {
            Pause::Unfinished
        }
        (false, _) => Pause::Plain,
    }
}

/// "It is." with nothing behind it.
fn is_announcement(text: &str) -> bool {
    let last = bare_words(text).last();
    let count = bare_words(text).count();
    count > 1
        && count < 8
        && matches!(last.as_deref(), Some("is" | "it's" | "number's" | "name's"))
        && !padded(text).contains(" yes ")
}

/// A first name alone, where first and last are asked for.
fn is_one_name(text: &str) -> bool {
    let known: Vec<&str> = LEAD.split_whitespace().collect();
    let names: Vec<String> = bare_words(text)
        .filter(|w| !known.contains(&w.as_str()))
        .collect();
    names.len() == 1
        && !["no", "yes", "sure", "why", "what", "sorry", "nope"].contains(&names[0].as_str())
}
