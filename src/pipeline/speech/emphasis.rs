//! Takes marks of emphasis and code out of text, only where they are marks: at the borders of words, in pairs.

/// A run of the same mark.
#[derive(Clone, Copy, Debug)]
struct Run {
    mark: char,
    /// Of its first mark, and how many there are; all marks are one byte long.
    at: usize,
    len: usize,
    opens: bool,
    closes: bool,
}

/// The text without `**`, `*`, `__`, `_`, `~~` and `` ` `` that mark something.
pub(super) fn strip(text: &str) -> String {
    let runs = runs(text);
    let mut taken: Vec<bool> = runs.iter().map(|run| is_surely_mark(*run)).collect();
    let mut open: Vec<usize> = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let partner = open
            .iter()
            .rposition(|o| runs[*o].mark == run.mark && runs[*o].len == run.len);
        match partner.filter(|_| run.closes) {
            Some(at) => {
                let from = runs[open[at]];
                let inner = &text[from.at + from.len..run.at];
                if !is_keys(from.mark, inner) {
                    (taken[open[at]], taken[i]) = (true, true);
                }
                open.truncate(at);
            }
            None if run.opens => open.push(i),
            None => {}
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (run, _) in runs.iter().zip(&taken).filter(|(_, taken)| **taken) {
        out.push_str(&text[from..run.at]);
        from = run.at + run.len;
    }
    out.push_str(&text[from..]);
    out
}

/// Two stars or three back-ticks at a word's border are a mark even if their partner is in another sentence.
fn is_surely_mark(run: Run) -> bool {
    match run.mark {
        '*' => run.len >= 2 && (run.opens || run.closes),
        '`' => run.len >= 3,
        _ => false,
    }
}

/// `*67*`: keys of the telephone.
fn is_keys(mark: char, inner: &str) -> bool {
    mark == '*'
        && inner
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '#' | '*'))
}

fn runs(text: &str) -> Vec<Run> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(mark) = text[at..].chars().next() {
        if !matches!(mark, '*' | '_' | '~' | '`') {
            at += mark.len_utf8();
            continue;
        }
        let after = text[at..].trim_start_matches(mark);
        let len = text.len() - at - after.len();
        let before = text[..at].chars().next_back();
        found.extend(run(mark, at, len, before, after));
        at += len;
    }
    found
}

fn run(mark: char, at: usize, len: usize, before: Option<char>, after: &str) -> Option<Run> {
    if (mark == '~' && len != 2) || before == Some('\\') {
        return None;
    }
    let next = after.chars().next();
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '@');
    let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let bold = mark == '*' && len >= 2;
    let goes_on =
        next.is_some_and(|c| matches!(c, '.' | '-')) && joins(after.chars().nth(1)) && mark == '_';
    Some(Run {
        mark,
        at,
        len,
        opens: !blank(next) && (mark == '`' || !joins(before)),
        closes: !blank(before) && !goes_on && (mark == '`' || bold || !joins(next)),
    })
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn only_marks_in_pairs_at_the_borders_of_words_are_taken_out() {
        for (text, kept) in [
            ("**Frankie**!", "Frankie!"),
            (
                "*one* and _two_ and __three__ and ***four***",
                "one and two and three and four",
            ),
            ("a `code` here", "a code here"),
            ("~~old~~ new", "old new"),
            ("**1.** Monday", "1. Monday"),
            ("**B**ring it", "Bring it"),
            ("**Half of it.", "Half of it."),
            ("or this.**", "or this."),
            ("john_smith@example.com", "john_smith@example.com"),
            ("_john_@example.com", "_john_@example.com"),
            ("a_b_c and snake_case_name", "a_b_c and snake_case_name"),
            (
                "Press # when done, or * to start again.",
                "Press # when done, or * to start again.",
            ),
            ("Press * or *.", "Press * or *."),
            ("Dial *67* or *69", "Dial *67* or *69"),
            ("2 * 3 * 4, 2*3*4", "2 * 3 * 4, 2*3*4"),
            ("~30 min, ~40 min", "~30 min, ~40 min"),
            ("Prices* may vary. *Not all.", "Prices* may vary. *Not all."),
            ("Name: ____", "Name: ____"),
            (r"john\_smith and \*this\*", r"john\_smith and \*this\*"),
        ] {
            assert_eq!(strip(text), kept, "{text:?}");
        }
    }
}
