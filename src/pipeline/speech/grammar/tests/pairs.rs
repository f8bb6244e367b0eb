//! Written and spoken, side by side.

use std::collections::BTreeMap;

use super::super::spoken;
use crate::pipeline::speech::Sentence;

const PAIRS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/spoken.tsv"
));

struct Pair {
    kind: &'static str,
    written: &'static str,
    spoken: &'static str,
}

fn pairs() -> Vec<Pair> {
    let lines = PAIRS.lines().skip(1).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
            [kind, written, spoken] => Pair {
                kind,
                written,
                spoken,
            },
            _ => panic!("three columns: {line:?}"),
        })
        .collect()
}

/// C25, C03, C04, C05, C12, C24, C45, C58, C59, C64: their inputs and their neighbours, by kind.
#[test]
fn every_pair_is_said_as_a_person_says_it() {
    let wrong: Vec<String> = pairs()
        .iter()
        .filter_map(|pair| {
            let sentence = Sentence::new(pair.written).expect("a sentence");
            let said = sentence.spoken.expose();
            (said != pair.spoken).then(|| format!("{}: {:?} -> {said:?}", pair.kind, pair.written))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_pairs_are_many_and_of_many_kinds_and_said_in_full_words() {
    let pairs = pairs();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for pair in &pairs {
        *kinds.entry(pair.kind).or_default() += 1;
    }
    assert!(pairs.len() >= 400, "{} pairs", pairs.len());
    assert!(kinds.len() >= 30, "{kinds:?}");
    let has_digit = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    let in_words = pairs.iter().filter(|p| !has_digit(p.spoken)).count();
    assert!(
        in_words * 100 >= pairs.len() * 80,
        "{in_words} of {} in words",
        pairs.len()
    );
    let left = pairs
        .iter()
        .filter(|p| has_digit(p.spoken) && p.kind != "kept");
    let left: Vec<&str> = left.map(|p| p.written).collect();
    assert!(left.is_empty(), "figures left: {left:?}");
}

/// What is not understood stays as it is written, to the letter.
#[test]
fn what_is_kept_is_kept_whole() {
    for pair in pairs().iter().filter(|p| p.kind == "kept") {
        assert_eq!(pair.written, pair.spoken);
    }
}

/// A reply that was spoken, or a tool's answer in words, goes through again: it does not change.
#[test]
fn words_stay_words() {
    for pair in pairs().iter().filter(|p| p.kind != "kept") {
        assert_eq!(spoken(pair.spoken), pair.spoken, "{}", pair.written);
    }
}
