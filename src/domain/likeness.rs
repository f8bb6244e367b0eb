//! Words that sound or look alike: what a recogniser makes of a name that it does not know. Good for a question, never for a decision.

use super::fold::fold;

/// Whether one word may be the other misheard.
#[must_use]
pub fn alike(a: &str, b: &str) -> bool {
    let (a, b) = (letters(a), letters(b));
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let shorter = a.chars().count().min(b.chars().count());
    let tolerated = match shorter {
        0..4 => 0,
        4..7 => 1,
        _ => 2,
    };
    a == b || edits(&a, &b) <= tolerated || shorter >= 3 && sounds_of(&a) == sounds_of(&b)
}

fn letters(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to the other.
#[must_use]
pub fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

/// An English reader's consonants of a word; vowels count only at its beginning. `Aetna` and `Etna`, `Cigna` and `Signa` are equal.
/// Letters of other scripts stand for themselves.
#[must_use]
pub fn sounds_of(word: &str) -> String {
    let letters: Vec<char> = letters(word).chars().collect();
    let mut sounds = String::new();
    let mut place = silent_start(&letters);
    let start = place;
    while let Some(&c) = letters.get(place) {
        let next = letters.get(place + 1).copied();
        let (sound, taken) = sound_at(c, next, place == start);
        if let Some(sound) = sound
            && !sounds.ends_with(sound)
        {
            sounds.push(sound);
        }
        place += taken;
    }
    sounds
}

/// Letters that are written and not said at a word's beginning.
fn silent_start(letters: &[char]) -> usize {
    match letters {
        ['k' | 'g' | 'p', 'n', ..] | ['w', 'r', ..] | ['p', 's' | 't', ..] => 1,
        _ => 0,
    }
}

/// The sound of a letter with the one after it, and how many letters it takes.
fn sound_at(c: char, next: Option<char>, first: bool) -> (Option<char>, usize) {
    match (c, next) {
        ('c', Some('h')) | ('s', Some('h')) => (Some('x'), 2),
        ('c', Some('k')) => (Some('k'), 2),
        ('c', Some('e' | 'i' | 'y')) => (Some('s'), 1),
        ('g', Some('n')) => (Some('n'), 2),
        ('g', Some('h')) if !first => (None, 2),
        ('g', Some('e' | 'i' | 'y')) => (Some('j'), 1),
        ('d', Some('g')) => (Some('j'), 2),
        ('p', Some('h')) => (Some('f'), 2),
        ('t', Some('h')) => (Some('t'), 2),
        ('c' | 'q' | 'g', _) => (Some('k'), 1),
        ('x', _) => (Some(if first { 's' } else { 'k' }), 1),
        ('z', _) => (Some('s'), 1),
        ('v', _) => (Some('f'), 1),
        ('d', _) => (Some('t'), 1),
        ('b', _) => (Some('p'), 1),
        ('a' | 'e' | 'i' | 'o' | 'u', _) => (first.then_some('a'), 1),
        ('h' | 'w' | 'y', _) => (first.then_some(c), 1),
        _ => (Some(c), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recogniser_writes_for_a_name_is_like_it() {
        for (said, meant) in [
            ("Etna", "Aetna"),
            ("Edna", "Aetna"),
            ("Signa", "Cigna"),
            ("Humanna", "Humana"),
            ("Gardian", "Guardian"),
            ("Antham", "Anthem"),
            ("Kayser", "Kaiser"),
            ("Lopes", "Lopez"),
            ("Jonh", "John"),
            ("Katherine", "Catherine"),
            ("Nite", "Knight"),
        ] {
            assert!(alike(said, meant), "{said} {meant}");
        }
    }

    #[test]
    fn other_names_are_not_like_it() {
        for (said, meant) in [
            ("Cigna", "Aetna"),
            ("Delta", "Aetna"),
            ("Anna", "Bert"),
            ("Maria", "Juan"),
            ("HMO", "PPO"),
            ("", "Aetna"),
        ] {
            assert!(!alike(said, meant), "{said} {meant}");
        }
    }

    #[test]
    fn edits_count_a_swap_once() {
        assert_eq!(edits("john", "jonh"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
