//! Whether two names are one.

use super::{SUFFIXES, clean, plain};
use crate::domain::{fold::fold, likeness::alike};

/// How near one name is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One name in two forms.
    Same,
    /// A middle name more, an initial, a misheard word: worth a question.
    Near,
    /// Another name.
    Other,
}

/// The one form of a name for its blind index: folded words without suffix, in alphabetical order.
#[must_use]
pub fn index_key(name: &str) -> String {
    let mut words = words(name);
    words.sort();
    words.join(" ")
}

/// Compares two names, also ones that were stored before names were cleaned.
#[must_use]
pub fn likeness(a: &str, b: &str) -> Likeness {
    let (a, b) = (words(a), words(b));
    if a.is_empty() || b.is_empty() {
        return Likeness::Other;
    }
    if is_same(&a, &b) {
        return Likeness::Same;
    }
    let (fewer, more) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if each_has_its_own(&fewer, more) {
        Likeness::Near
    } else {
        Likeness::Other
    }
}

/// Folded words of a name, hyphens parted, without titles and suffixes.
fn words(name: &str) -> Vec<String> {
    let cleaned = clean(name).unwrap_or_else(|_| name.to_owned());
    let words: Vec<String> = fold(&cleaned)
        .split(|c: char| c.is_whitespace() || c == '-' || c == '.')
        .map(plain)
        .filter(|word| !word.is_empty())
        .collect();
    let kept = words
        .iter()
        .rposition(|word| !SUFFIXES.contains(&word.as_str()))
        .map_or(words.len(), |last| last + 1);
    words[..kept].to_vec()
}

/// The same words in any order, or the same letters from some word on: `Mary-Ann Smith` is `Maryann Smith`.
fn is_same(a: &[String], b: &[String]) -> bool {
    let sorted = |words: &[String]| {
        let mut words = words.to_vec();
        words.sort();
        words
    };
    let whole = a.concat();
    sorted(a) == sorted(b)
        || (0..b.len()).any(|first| [&b[first..], &b[..first]].concat().concat() == whole)
}

/// Each word of the shorter name has a word of the longer one to itself, and at least one of them is more than an initial.
fn each_has_its_own(fewer: &[String], mut more: Vec<String>) -> bool {
    let mut exact_first: Vec<&String> = fewer.iter().collect();
    exact_first.sort_by_key(|word| (!more.contains(word), word.len() == 1));
    let mut solid = false;
    for word in exact_first {
        let Some(place) = more
            .iter()
            .position(|other| other == word)
            .or_else(|| more.iter().position(|other| fits(word, other)))
        else {
            return false;
        };
        solid |= word.len() > 1 && more[place].len() > 1;
        more.remove(place);
    }
    solid
}

fn fits(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let is_begin =
        long.starts_with(short) && (short.chars().count() == 1 || short.chars().count() >= 3);
    is_begin || alike(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    // C47: accents and order made other people of one.
    #[test]
    fn one_name_in_two_forms_is_the_same() {
        for (a, b) in [
            ("Maria Lopez", "María López"),
            ("Maria Lopez", "Mari\u{301}a Lo\u{301}pez"),
            ("Maria Lopez", "Lopez Maria"),
            ("Maria Lopez", "LOPEZ, Maria"),
            ("Maria O'Neil-Lopez", "maria oneil lopez"),
            ("Mary-Ann Smith", "Maryann Smith"),
            ("Smith Maryann", "Mary Ann Smith"),
            ("Juan de la Cruz", "Juan Delacruz"),
            ("John Smith", "J-O-H-N S-M-I-T-H"),
            ("Ann Lee", "Dr. Ann Lee"),
            ("John Smith", "John Smith Jr."),
            ("John Smith 3rd", "John Smith III"),
            ("Łukasz Müller", "Lukasz Muller"),
            ("Nguyễn Thị Minh", "Minh Nguyen Thi"),
            ("रवि कुमार", "कुमार रवि"),
        ] {
            assert_eq!(likeness(a, b), Likeness::Same, "{a} / {b}");
        }
        for (a, b) in [
            ("Maria Lopez", "Lopez, María"),
            ("John Smith", "SMITH John Jr"),
            ("O'Neil-Lopez", "Lopez ONeil"),
        ] {
            assert_eq!(index_key(a), index_key(b), "{a} / {b}");
        }
    }

    #[test]
    fn a_near_name_is_near_and_no_more() {
        for (a, b) in [
            ("Maria Lopez", "Maria J Lopez"),
            ("Maria Lopez", "Maria Josefa Lopez"),
            ("Maria Lopez", "Maria Lopez Garcia"),
            ("Maria Lopez", "M. Lopez"),
            ("Maria Lopez", "Mario Lopes"),
            ("Alexander Smith", "Alex Smith"),
            ("Catherine Jones", "Katherine Jones"),
            ("Maria Lopez", "Maria"),
            ("Müller Anna", "Anna Mueller"),
        ] {
            assert_eq!(likeness(a, b), Likeness::Near, "{a} / {b}");
            assert_ne!(index_key(a), index_key(b), "{a} / {b}");
        }
    }

    #[test]
    fn another_member_of_the_family_is_another() {
        for (a, b) in [
            ("Maria Lopez", "Juan Lopez"),
            ("Maria Lopez", "Maria Smith"),
            ("M. L.", "Maria Lopez"),
            ("Anna Keller", "Bert Okafor"),
            ("रवि कुमार", "रवा कुमार सिंह राव"),
            ("", "Maria Lopez"),
        ] {
            assert_eq!(likeness(a, b), Likeness::Other, "{a} / {b}");
        }
    }
}
