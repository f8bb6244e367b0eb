//! Reads what the scripts return.

use std::str::FromStr;

use super::{StoreError, WriteError};
use crate::domain::ids::Epoch;

/// A script's answer: a word, then what it carries.
pub(super) type Words = Vec<Vec<u8>>;

pub(super) fn text(words: &[Vec<u8>], at: usize) -> Result<&str, StoreError> {
    let word = words.get(at).ok_or(StoreError::Malformed("script reply"))?;
    std::str::from_utf8(word).map_err(|_| StoreError::Malformed("script reply"))
}

pub(super) fn number<T: std::str::FromStr>(words: &[Vec<u8>], at: usize) -> Result<T, StoreError> {
    text(words, at)?
        .parse()
        .map_err(|_| StoreError::Malformed("script reply"))
}

/// The answer of a fenced script: `ok`, `fenced <epoch>`, `over` or `unknown`. Gives back the words of an `ok`.
pub(super) fn fenced(words: Words) -> Result<Words, WriteError> {
    match text(&words, 0)? {
        "ok" => Ok(words),
        "fenced" => Err(WriteError::Fenced {
            current: Epoch(number(&words, 1)?),
        }),
        "over" => Err(WriteError::Over),
        "unknown" => Err(WriteError::Unknown),
        _ => Err(StoreError::Malformed("script reply").into()),
    }
}

/// Ids as Redis holds them; `what` is told of one that is none.
pub(super) fn ids<T: FromStr, C: FromIterator<T>>(
    texts: &[String],
    what: &'static str,
) -> Result<C, StoreError> {
    let parsed = texts
        .iter()
        .map(|id| id.parse().map_err(|_| StoreError::Malformed(what)));
    parsed.collect()
}
