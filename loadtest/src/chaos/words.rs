//! Which of a caller's words are not in the transcript. Pure.

/// The words of `lines` that `transcript` lacks, in order, each with the number of its line. Of a line that was said twice and written once the
/// first is missing: that is why it was said again. Capitals, punctuation and spelling letter by letter do not count.
#[must_use]
pub fn missing(lines: &[&str], transcript: &str) -> Vec<(usize, String)> {
    let line = |(number, text): (usize, &&str)| words(text).into_iter().map(move |w| (number, w));
    let said: Vec<(usize, String)> = lines.iter().enumerate().flat_map(line).collect();
    let written = words(transcript);
    // Longest common subsequence: `kept[i][j]` words of said[..i] are in written[..j].
    let mut kept = vec![vec![0_usize; written.len() + 1]; said.len() + 1];
    for i in 1..=said.len() {
        for j in 1..=written.len() {
            kept[i][j] = if said[i - 1].1 == written[j - 1] {
                kept[i - 1][j - 1] + 1
            } else {
                kept[i - 1][j].max(kept[i][j - 1])
            };
        }
    }
    let (mut i, mut j, mut missing) = (said.len(), written.len(), Vec::new());
    while i > 0 {
        if j > 0 && said[i - 1].1 == written[j - 1] {
            (i, j) = (i - 1, j - 1);
        } else if j > 0 && kept[i][j - 1] >= kept[i - 1][j] {
            j -= 1;
        } else {
            missing.push(said[i - 1].clone());
            i -= 1;
        }
    }
    missing.reverse();
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

    fn lacks(said: &str, transcript: &str) -> Vec<String> {
        missing(&[said], transcript)
            .into_iter()
            .map(|(_, word)| word)
            .collect()
    }

    #[test]
    fn only_words_that_are_not_there_in_order_are_missing() {
        let said = "Hi, does my Blue Cross P P O plan cover a cleaning?";
        assert_eq!(
            lacks(said, "hi does my blue cross PPO plan cover a cleaning"),
            [""; 0]
        );
        let some = ["blue", "cross", "ppo", "a", "cleaning"];
        assert_eq!(lacks(said, "Hi, does my plan cover"), some);
        assert_eq!(lacks("one two one", "two one"), ["one"]);
        assert_eq!(lacks("one", ""), ["one"]);
    }

    #[test]
    fn a_missing_word_is_known_by_its_line() {
        let lines = ["The first one is fine.", "My name is Maria."];
        assert_eq!(
            missing(&lines, "the first one is fine my name is"),
            [(1, "maria".to_owned())]
        );
    }

    #[test]
    fn of_a_line_said_twice_the_first_is_missing() {
        let line = "The first one is fine.";
        let numbers: Vec<usize> =
            missing(&[line, line, "Goodbye."], "the first one is fine goodbye")
                .into_iter()
                .map(|(number, _)| number)
                .collect();
        assert_eq!(numbers, [0; 5]);
    }
}
