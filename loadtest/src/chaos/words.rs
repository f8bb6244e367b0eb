//! Which of a caller's words are not in the transcript. Pure.

/// The words of `line` that `transcript` lacks, in order. Capitals, punctuation and spelling letter by letter do not count.
#[must_use]
pub fn missing(line: &str, transcript: &str) -> Vec<String> {
    let (said, written) = (words(line), words(transcript));
    // Longest common subsequence: `kept[i][j]` words of said[i..] are in written[j..].
    let mut kept = vec![vec![0_usize; written.len() + 1]; said.len() + 1];
    for i in (0..said.len()).rev() {
        for j in (0..written.len()).rev() {
            kept[i][j] = if said[i] == written[j] {
                kept[i + 1][j + 1] + 1
            } else {
                kept[i + 1][j].max(kept[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut missing) = (0, 0, Vec::new());
    while i < said.len() {
        if j < written.len() && said[i] == written[j] {
            (i, j) = (i + 1, j + 1);
        } else if j < written.len() && kept[i][j + 1] >= kept[i + 1][j] {
            j += 1;
        } else {
            missing.push(said[i].clone());
            i += 1;
        }
    }
    missing
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut spelling = false;
    for word in text.split_whitespace() {
        let word: String = word
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        if word.is_empty() {
            continue;
        }
        let letter = word.len() == 1;
        match words.last_mut() {
            Some(last) if letter && spelling => last.push_str(&word),
            _ => words.push(word),
        }
        spelling = letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_are_not_there_in_order_are_missing() {
        let said = "Hi, does my Blue Cross P P O plan cover a cleaning?";
        let all = "hi does my blue cross PPO plan cover a cleaning";
        assert_eq!(missing(said, all), [""; 0]);
        let some = ["blue", "cross", "ppo", "a", "cleaning"];
        assert_eq!(missing(said, "Hi, does my plan cover"), some);
        assert_eq!(missing("one two one", "two one"), ["one"]);
        assert_eq!(missing("one", ""), ["one"]);
    }
}
