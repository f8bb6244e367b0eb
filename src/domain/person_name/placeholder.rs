//! What models write where they know no name. A name that merely holds such a word is a name: there are people called Null, Guest and Test.

use crate::domain::fold::fold;

/// A text of nothing but these is no name.
const WORDS: [&str; 78] = [
    "unknown",
    "caller",
    "callers",
    "patient",
    "patients",
    "test",
    "tester",
    "testing",
    "first",
    "last",
    "middle",
    "name",
    "names",
    "firstname",
    "lastname",
    "fullname",
    "full",
    "given",
    "family",
    "surname",
    "na",
    "n",
    "none",
    "null",
    "nil",
    "undefined",
    "nan",
    "anonymous",
    "user",
    "users",
    "username",
    "customer",
    "client",
    "guest",
    "person",
    "somebody",
    "someone",
    "nobody",
    "anyone",
    "the",
    "a",
    "my",
    "your",
    "their",
    "his",
    "her",
    "new",
    "not",
    "no",
    "yet",
    "provided",
    "available",
    "specified",
    "known",
    "mentioned",
    "stated",
    "said",
    "told",
    "applicable",
    "sample",
    "example",
    "dummy",
    "fake",
    "placeholder",
    "tbd",
    "to",
    "be",
    "determined",
    "insert",
    "here",
    "enter",
    "missing",
    "blank",
    "empty",
    "redacted",
    "same",
    "as",
    "string",
];

/// More of these, which alone could be a nickname.
const ALONE: [&str; 12] = [
    "self", "me", "myself", "x", "xx", "xxx", "xxxx", "abc", "asdf", "text", "value", "s",
];

/// People who exist in forms only, first name and last.
const NOBODIES: [(&str, &[&str]); 7] = [
    (
        "doe",
        &["john", "jane", "jon", "johnny", "janie", "baby", "jim"],
    ),
    ("roe", &["richard", "jane", "john"]),
    ("public", &["john", "jane", "joe"]),
    ("bloggs", &["joe", "fred"]),
    ("mustermann", &["max", "erika"]),
    ("mouse", &["mickey", "minnie"]),
    ("duck", &["donald"]),
];

/// Whether a text stands where a name should be, and is none.
pub(super) fn is_one(text: &str) -> bool {
    let folded = fold(text);
    let words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        return folded.contains(['?', '*', '_', '[', '{', '<']);
    }
    let stands_in = |word: &&str| WORDS.contains(word) || ALONE.contains(word);
    words.iter().all(stands_in) && !is_initials(&words) || is_nobody(&words)
}

/// `A. N.` may be somebody's initials, `N/A` may not.
fn is_initials(words: &[&str]) -> bool {
    words.len() > 1 && words.iter().all(|word| word.len() == 1) && words != ["n", "a"]
}

fn is_nobody(words: &[&str]) -> bool {
    let has = |word: &str| words.contains(&word);
    let few = words.len() <= 4;
    few && NOBODIES
        .iter()
        .any(|(last, firsts)| has(last) && firsts.iter().any(|first| has(first)))
}
