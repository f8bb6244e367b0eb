//! Forms of single words: a listener's sounds, hesitations, sentences that go on.

use super::question::has_any;

/// Sounds of a listener that do not claim the floor, [squeezed](squeeze). "Yes" and "okay" are not here: they answer questions.
const LISTENING: [&str; 22] = [
    "uh", "huh", "uhuh", "mm", "hm", "mhm", "mhum", "umhm", "umhum", "uhum", "uhm", "hum", "um",
    "ah", "oh", "aha", "er", "erm", "eh", "mh", "hmhm", "unhuh",
];

/// Words that keep a speaker going unless they answer a question.
const CONTINUERS: [&str; 9] = [
    "yeah", "yep", "yup", "yah", "ya", "right", "gotcha", "sure", "uhhuh",
];

/// Sounds of somebody who looks for a word, [squeezed](squeeze).
const HESITATIONS: [&str; 11] = [
    "um", "uhm", "uh", "er", "erm", "ehm", "eh", "hm", "äh", "ähm", "öh",
];

/// Last words after which more always comes.
const OPEN_ENDED: [&str; 15] = [
    "and", "or", "but", "because", "the", "a", "an", "my", "your", "if", "i'm", "it's", "i",
    "that's", "then",
];

/// Last words after which more comes unless the recogniser heard the sentence fall.
const OPEN_UNLESS_CLOSED: [&str; 14] = [
    "to", "for", "at", "on", "of", "with", "is", "so", "like", "from", "in", "about", "was", "are",
];

/// Whether every word is a listener's sound. An empty text is not, and neither is an "uh-uh": that is a no.
#[must_use]
pub fn is_backchannel(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|w| has_letter(w)).peekable();
    words.peek().is_some() && words.all(is_listening)
}

/// Whether every word only keeps the speaker going: a listener's sounds, "yeah", "I see".
pub(in crate::pipeline::turn) fn is_continuer(text: &str) -> bool {
    let bare: Vec<String> = bare_words(text).collect();
    let phrase = bare.join(" ");
    let known = ["i see", "got it", "all right", "i understand"].contains(&phrase.as_str());
    let each = |word: &str| {
        is_listening(word) || CONTINUERS.contains(&word.to_lowercase().trim_matches(is_mark))
    };
    let mut words = text.split_whitespace().filter(|w| has_letter(w)).peekable();
    known || (words.peek().is_some() && words.all(each))
}

fn is_listening(word: &str) -> bool {
    let bare = bare(word);
    // "M." alone is a letter of a name.
    bare.chars().count() > 1
        && !is_denial(word)
        && (LISTENING.contains(&squeeze(&bare).as_str()) || bare.chars().all(|c| c == 'm'))
}

/// "Uh-uh", "nuh-uh", "mm-mm": the hyphen tells them from sounds of a listener.
fn is_denial(word: &str) -> bool {
    let lower = word.to_lowercase();
    let parts: Vec<String> = lower
        .trim_matches(is_mark)
        .split(['-', '\u{2010}', '\u{2011}'])
        .map(squeeze)
        .collect();
    parts.len() > 1
        && parts
            .iter()
            .all(|part| ["uh", "nuh", "unh", "uhn", "m", "nh"].contains(&part.as_str()))
}

/// Whether a word is one of somebody who looks for words, however long it is drawn: "um", "ummm", "Uhhh,".
pub(super) fn is_hesitation(word: &str) -> bool {
    !is_denial(word) && HESITATIONS.contains(&squeeze(&bare(word)).as_str())
}

/// Whether the speaker seems to be in the middle of a sentence.
#[must_use]
pub fn is_unfinished(text: &str) -> bool {
    let trimmed = text.trim_end();
    let Some(last) = trimmed.split_whitespace().rfind(|w| has_letter(w)) else {
        return false;
    };
    if is_hesitation(last) || trimmed.ends_with([',', '-', '\u{2014}', '\u{2026}']) {
        return true;
    }
    if trimmed.ends_with("...") {
        return true;
    }
    let word = shorten(&bare(last));
    if OPEN_ENDED.contains(&word.as_str()) && !trimmed.ends_with('?') {
        return true;
    }
    let closed = trimmed.ends_with(['.', '?', '!']);
    !closed && OPEN_UNLESS_CLOSED.contains(&word.as_str())
}

/// Whether somebody asks for time to find what they were asked for.
pub(super) fn is_looking_it_up(text: &str) -> bool {
    let phrases = [
        "let me see",
        "let me check",
        "let me look",
        "let me get",
        "let me find",
        "let me think",
        "hold on",
        "hang on",
        "one second",
        "one sec",
        "one moment",
        "one minute",
        "just a second",
        "just a moment",
        "just a minute",
        "give me a",
        "bear with me",
    ];
    has_any(&padded(text), &phrases)
}

/// Lower-case words without punctuation around or hyphens inside.
pub(in crate::pipeline::turn) fn bare_words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace()
        .map(bare)
        .filter(|word| !word.is_empty())
}

/// The text's bare words with a space before and after each, for searches of whole words.
pub(super) fn padded(text: &str) -> String {
    let words: Vec<String> = bare_words(&text.replace(['-', '\u{2011}'], " ")).collect();
    format!(" {} ", words.join(" "))
}

/// Words in a form in which what the agent wrote and what a recogniser hears of it are alike: no case, no punctuation, numbers as figures.
pub(in crate::pipeline::turn) fn norm_words(text: &str) -> Vec<String> {
    text.replace(['-', '\u{2011}', '\u{2013}', '\u{2014}', '/'], " ")
        .split_whitespace()
        .filter_map(|word| {
            let word = word.trim_end_matches(":00");
            let bare = bare(word).replace('\'', "");
            (!bare.is_empty()).then(|| super::pieces::as_figures(&bare).unwrap_or(bare))
        })
        .collect()
}

/// One word in lower case without punctuation.
pub(super) fn bare(word: &str) -> String {
    word.replace('\u{2019}', "'")
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '\'')
        .flat_map(char::to_lowercase)
        .collect()
}

fn has_letter(word: &str) -> bool {
    word.chars().any(char::is_alphanumeric)
}

fn is_mark(c: char) -> bool {
    !c.is_alphanumeric() && c != '-' && c != '\u{2010}' && c != '\u{2011}'
}

/// Each run of the same letter as one: "ummm" and "uhhuh" become "um" and "uhuh".
fn squeeze(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// Drawn-out words as they are written: three or more of the same letter become one, so "sooo" becomes "so".
fn shorten(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut short = String::new();
    for run in letters.chunk_by(|a, b| a == b) {
        let keep = if run.len() > 2 { 1 } else { run.len() };
        short.extend(run.iter().take(keep));
    }
    short
}
