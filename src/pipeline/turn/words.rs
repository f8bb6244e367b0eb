//! What can be told from words alone: whether a turn is unfinished, whether it is a backchannel.

/// Sounds of a listener that do not claim the floor. "Yes" and "okay" are not here: they answer questions.
const BACKCHANNEL: [&str; 14] = [
    "uh", "huh", "uhhuh", "mm", "mmm", "hm", "hmm", "mhm", "mmhm", "mmhmm", "um", "umm", "ah", "oh",
];

/// Last words after which more always comes.
const OPEN_ENDED: [&str; 19] = [
    "and", "or", "but", "because", "um", "umm", "uh", "er", "the", "a", "an", "my", "your", "if",
    "i'm", "it's", "i", "that's", "then",
];

/// Last words after which more comes unless the recogniser heard the sentence fall.
const OPEN_UNLESS_CLOSED: [&str; 14] = [
    "to", "for", "at", "on", "of", "with", "is", "so", "like", "from", "in", "about", "was", "are",
];

/// Whether every word is a listener's sound. An empty text is not.
#[must_use]
pub fn is_backchannel(text: &str) -> bool {
    let mut words = bare_words(text).peekable();
    words.peek().is_some() && words.all(|w| BACKCHANNEL.contains(&w.as_str()))
}

/// Whether the speaker seems to be in the middle of a sentence or of a number.
#[must_use]
pub fn is_unfinished(text: &str) -> bool {
    let trimmed = text.trim_end();
    let Some(last) = bare_words(trimmed).last() else {
        return false;
    };
    if OPEN_ENDED.contains(&last.as_str()) || trimmed.ends_with(',') {
        return true;
    }
    let closed = trimmed.ends_with(['.', '?', '!']);
    (!closed && OPEN_UNLESS_CLOSED.contains(&last.as_str())) || ends_inside_number(trimmed)
}

/// Lower-case words without punctuation around or hyphens inside.
fn bare_words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().filter_map(|word| {
        let bare: String = word
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '\'')
            .collect();
        (!bare.is_empty()).then(|| bare.to_lowercase())
    })
}

/// Whether the text ends in groups of digits that look like the beginning of a telephone or member number: at least two groups,
/// fewer than ten digits, and not a local number of three and four.
fn ends_inside_number(text: &str) -> bool {
    let mut groups: Vec<usize> = Vec::new();
    for word in text.split_whitespace().rev() {
        match digits_in(word) {
            Some(count) => groups.push(count),
            None => break,
        }
    }
    let total: usize = groups.iter().sum();
    let local_number = groups == [4, 3];
    groups.len() >= 2 && (3..10).contains(&total) && !local_number
}

/// How many digits a word stands for, if it is nothing else.
fn digits_in(word: &str) -> Option<usize> {
    let bare = word.trim_matches(|c: char| c.is_ascii_punctuation());
    if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return Some(bare.bytes().filter(u8::is_ascii_digit).count());
    }
    let spoken = [
        "zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    spoken.contains(&bare.to_lowercase().as_str()).then_some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_sounds_are_backchannel_and_answers_are_not() {
        for text in ["uh-huh", "Mm hm.", "mm-hmm", "Hmm", "Oh.", "uh huh uh huh"] {
            assert!(is_backchannel(text), "{text}");
        }
        for text in ["", "yes", "okay", "uh no", "stop", "mm tuesday"] {
            assert!(!is_backchannel(text), "{text}");
        }
    }

    #[test]
    fn an_open_ending_waits_for_more() {
        for text in [
            "I'd like to book and",
            "because",
            "my number is 415 867",
            "it's four one five",
            "I want to come on",
            "On Tuesday, um",
            "First,",
            "555 01",
        ] {
            assert!(is_unfinished(text), "{text}");
        }
    }

    #[test]
    fn a_closed_ending_does_not() {
        for text in [
            "",
            "I'd like to book a cleaning.",
            "Yes",
            "Tuesday at 10.",
            "555 0100",
            "My number is 415 867 5309",
            "I was born in 1984",
            "The code is D1110",
            "Can I come in?",
            "December 1",
        ] {
            assert!(!is_unfinished(text), "{text}");
        }
    }
}
