//! Names that came letter by letter.

use super::{NameProblem, letters};

/// So few letters one by one are initials: `J. R. R. Tolkien`.
const INITIALS: usize = 3;

/// Words in place of letters. A run of single letters beside whole words is one word; alone it has no break, so nobody can tell the names apart.
pub(super) fn join(words: Vec<String>) -> Result<Vec<String>, NameProblem> {
    let count = words.len();
    let mut joined: Vec<String> = Vec::with_capacity(count);
    let mut run: Vec<String> = Vec::new();
    for word in words {
        if letters(&word) == 1 && word.chars().filter(|c| *c != '.').count() == 1 {
            run.push(word);
            continue;
        }
        joined.extend(end_of_run(std::mem::take(&mut run), count)?);
        joined.push(unspelled(&word).unwrap_or(word));
    }
    joined.extend(end_of_run(run, count)?);
    Ok(joined)
}

fn end_of_run(run: Vec<String>, words: usize) -> Result<Vec<String>, NameProblem> {
    if run.len() <= INITIALS {
        return Ok(run);
    }
    if run.len() == words {
        return Err(NameProblem::SpelledWithoutBreak);
    }
    Ok(vec![capitalised(&run.concat())])
}

/// `J-O-H-N` and `J.O.H.N.`; three letters with stops are initials.
fn unspelled(word: &str) -> Option<String> {
    [('-', 3), ('.', INITIALS + 1)]
        .into_iter()
        .find_map(|(between, least)| {
            let parts: Vec<&str> = word.trim_matches(['-', '.']).split(between).collect();
            let single = parts
                .iter()
                .all(|part| letters(part) == 1 && part.chars().count() == 1);
            (single && parts.len() >= least).then(|| capitalised(&parts.concat()))
        })
}

fn capitalised(letters: &str) -> String {
    let mut chars = letters.chars().filter(|c| c.is_alphabetic());
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.flat_map(char::to_lowercase)).collect()
}
