//! Text as a list of plain words, and the numbers in it.

/// Lower-case words without punctuation; letters spelt one by one are joined (`P P O` is `ppo`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words(pub(super) Vec<String>);

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let mut out: Vec<String> = Vec::new();
        let mut spelling = false;
        for word in text
            .split(|c: char| c.is_whitespace() || c == '—')
            .flat_map(split_hyphen)
        {
            let word: String = word
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | ':'))
                .collect();
            let word = word.trim_matches(['/', '-', ':']);
            if word.is_empty() {
                continue;
            }
            let letter = word.len() == 1 && word.chars().all(|c| c.is_ascii_lowercase());
            match out.last_mut() {
                Some(last) if letter && spelling => last.push_str(word),
                _ => out.push(word.to_owned()),
            }
            spelling = letter && word != "i";
        }
        Self(out)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a phrase begins.
    pub(super) fn find(&self, phrase: &str) -> Option<usize> {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        self.0
            .windows(phrase.len())
            .position(|w| w.iter().zip(&phrase).all(|(a, b)| a == b))
    }

    pub(super) fn has(&self, phrase: &str) -> bool {
        self.find(phrase).is_some()
    }

    pub(super) fn has_any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|p| self.has(p))
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(String::as_str)
    }
}

/// `twenty-two` is two words, `1985-03-03` is one.
fn split_hyphen(word: &str) -> Vec<&str> {
    if word.chars().any(|c| c.is_ascii_digit()) {
        vec![word]
    } else {
        word.split('-').collect()
    }
}

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const ORDINALS: [&str; 20] = [
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];

/// A word for 0 to 19, or a digit.
pub(super) fn small(word: &str) -> Option<u32> {
    if word == "oh" {
        return Some(0);
    }
    position(&ONES, word)
}

/// `first` to `nineteenth`.
pub(super) fn ordinal(word: &str) -> Option<u32> {
    position(&ORDINALS, word).filter(|n| *n > 0)
}

/// A number below 100 at a place, cardinal or ordinal, in words or digits, and how many words it takes.
pub(super) fn number_at(words: &Words, at: usize) -> Option<(u32, usize)> {
    let word = words.get(at)?;
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        return Some((digits.parse().ok().filter(|n| *n < 100)?, 1));
    }
    match word {
        "twentieth" => return Some((20, 1)),
        "thirtieth" => return Some((30, 1)),
        _ => {}
    }
    if let Some(n) = small(word).or_else(|| ordinal(word)) {
        return Some((n, 1));
    }
    let tens = (position(&TENS, word)? + 2) * 10;
    match words
        .get(at + 1)
        .and_then(|w| small(w).or_else(|| ordinal(w)))
        .filter(|n| (1..10).contains(n))
    {
        Some(ones) => Some((tens + ones, 2)),
        None => Some((tens, 1)),
    }
}

fn position(list: &[&str], word: &str) -> Option<u32> {
    list.iter().position(|w| *w == word).map(|n| n as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_plain_words() {
        assert_eq!(
            Words::new("Hi, does my P P O pay? It's Dr. O'Hara—at 10:30 A.M.")
                .0
                .join(" "),
            "hi does my ppo pay its dr ohara at 10:30 am"
        );
        assert_eq!(
            Words::new("twenty-two 1985-03-03").0,
            ["twenty", "two", "1985-03-03"]
        );
    }

    #[test]
    fn numbers_are_read_in_words_and_digits() {
        let read = |text: &str| number_at(&Words::new(text), 0);
        assert_eq!(
            (
                read("twenty first of"),
                read("3rd"),
                read("eighty five"),
                read("twenty nineteen")
            ),
            (Some((21, 2)), Some((3, 1)), Some((85, 2)), Some((20, 1)))
        );
        assert_eq!(read("maria"), None);
    }
}
