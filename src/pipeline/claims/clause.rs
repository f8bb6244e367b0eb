//! A sentence as clauses of plain words, and what of it is a question, a condition or a denial. Pure.

/// Words of a clause, lower case, short forms written out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) words: Vec<String>,
    /// It asks, or it hangs on a condition that was said before it.
    pub(super) is_open: bool,
}

/// Words that make what follows a wish, a possibility or a condition instead of a report.
const HEDGES: [&str; 40] = [
    "if", "unless", "once", "when", "whenever", "until", "till", "before", "after", "whether",
    "would", "could", "can", "may", "might", "should", "shall", "will", "going", "want", "wants",
    "wanted", "like", "let", "need", "needs", "must", "please", "try", "trying", "ready", "how",
    "what", "which", "who", "where", "why", "maybe", "perhaps", "soon",
];

const DENIALS: [&str; 10] = [
    "not", "no", "never", "cannot", "unable", "nothing", "none", "nobody", "neither", "without",
];

/// Verbs that begin a question when they stand before its subject.
const ASKING: [&str; 30] = [
    "is", "are", "was", "were", "am", "do", "does", "did", "have", "has", "had", "can", "could",
    "would", "will", "shall", "should", "may", "might", "what", "which", "when", "where", "who",
    "whom", "whose", "why", "how", "or", "any",
];

/// A clause that begins so sets a condition for the next one.
const CONDITIONS: [&str; 9] = [
    "if", "once", "when", "unless", "after", "before", "until", "whenever", "should",
];

/// What people put before a report without changing it.
const PREFACES: [&str; 24] = [
    "i can confirm that",
    "i can confirm",
    "i can tell you that",
    "i can tell you",
    "i can see that",
    "i can see",
    "happy to say that",
    "happy to say",
    "happy to tell you that",
    "happy to tell you",
    "happy to confirm that",
    "happy to confirm",
    "happy to report that",
    "happy to report",
    "happy to let you know that",
    "happy to let you know",
    "pleased to say",
    "pleased to tell you",
    "pleased to confirm",
    "glad to say",
    "went ahead and",
    "gone ahead and",
    "i would like to confirm that",
    "it looks like",
];

/// Denials that deny nothing of what is reported.
const POLITE: [&str; 7] = [
    "no problem",
    "no worries",
    "no trouble",
    "not a problem",
    "not to worry",
    "not only",
    "no need to do anything",
];

/// Words after which `'s` is rather "is" than a genitive.
const SHORTENED: [&str; 22] = [
    "it",
    "that",
    "this",
    "he",
    "she",
    "there",
    "everything",
    "what",
    "who",
    "where",
    "how",
    "when",
    "here",
    "appointment",
    "booking",
    "visit",
    "cleaning",
    "exam",
    "filling",
    "slot",
    "spot",
    "time",
];

/// The clauses of a sentence in order.
pub(super) fn clauses(sentence: &str) -> Vec<Clause> {
    let is_question = sentence
        .trim_end_matches(|c: char| !c.is_alphanumeric() && c != '?')
        .ends_with('?');
    let mut found: Vec<Clause> = split(sentence).into_iter().map(Clause::new).collect();
    found.retain(|clause| !clause.words.is_empty());
    let last = found.len().saturating_sub(1);
    let mut asks = false;
    let mut is_conditional = false;
    for (place, clause) in found.iter_mut().enumerate() {
        let first = clause.words[0].as_str();
        asks |= is_question && (ASKING.contains(&first) || place == last);
        clause.is_open = asks || is_conditional;
        is_conditional = place == 0 && CONDITIONS.contains(&first);
    }
    found
}

/// At punctuation that is not inside a figure or a word, and at "but".
fn split(sentence: &str) -> Vec<String> {
    let text = sentence.to_lowercase().replace(['’', '‘'], "'");
    let chars: Vec<char> = text.chars().collect();
    let mut parts = vec![String::new()];
    for (place, c) in chars.iter().enumerate() {
        let inside = |at: Option<usize>| {
            at.and_then(|at| chars.get(at))
                .is_some_and(|c| c.is_alphanumeric())
        };
        let joins = matches!(c, '.' | ':' | ',' | '/' | '-')
            && inside(place.checked_sub(1))
            && inside(Some(place + 1));
        let is_short = *c == '.' && parts.last().is_some_and(|part| is_short_form(part));
        let ends = !joins
            && !is_short
            && matches!(
                c,
                '.' | ',' | ';' | ':' | '!' | '?' | '—' | '–' | '(' | ')' | '…'
            );
        if ends {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(*c);
        }
    }
    parts
        .iter()
        .flat_map(|part| part.split(" but "))
        .map(str::to_owned)
        .collect()
}

/// Whether the full stop after this belongs to its last word.
fn is_short_form(text: &str) -> bool {
    let word = text.rsplit(' ').next().unwrap_or(text);
    matches!(
        word,
        "dr" | "mr" | "mrs" | "ms" | "st" | "jr" | "sr" | "prof" | "a.m" | "p.m"
    ) || word.chars().count() == 1
}

impl Clause {
    fn new(text: String) -> Self {
        let mut text = format!(" {} ", plain(&text).join(" "));
        for idle in PREFACES.iter().chain(&POLITE) {
            text = text.replace(&format!(" {idle} "), " ");
        }
        Self {
            words: text.split_whitespace().map(str::to_owned).collect(),
            is_open: false,
        }
    }

    /// Whether something before this place denies it.
    pub(super) fn is_denied(&self, at: usize) -> bool {
        has_any(&self.words[..at.min(self.words.len())], &DENIALS)
    }

    /// Whether something before this place makes it a wish or a condition, or "if" comes after it.
    pub(super) fn is_hedged(&self, at: usize) -> bool {
        let (before, after) = self.words.split_at(at.min(self.words.len()));
        has_any(before, &HEDGES) || has_any(after, &["if", "unless"])
    }

    /// Whether the words from this place on are these; `|` parts alternatives.
    pub(super) fn reads(&self, at: usize, pattern: &str) -> bool {
        let mut words = self.words.iter().skip(at);
        pattern.split(' ').all(|choice| {
            words
                .next()
                .is_some_and(|word| choice.split('|').any(|c| c == word))
        })
    }

    /// Where these words stand.
    pub(super) fn find(&self, pattern: &str) -> Option<usize> {
        (0..self.words.len()).find(|at| self.reads(*at, pattern))
    }
}

pub(super) fn has_any(words: &[String], of: &[&str]) -> bool {
    words.iter().any(|word| of.contains(&word.as_str()))
}

/// Words without punctuation, short forms written out.
fn plain(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for raw in text.split(|c: char| c.is_whitespace() || c == '/' || c == '"') {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() {
            continue;
        }
        let (stem, rest) = match word {
            "won't" => ("will", Some("not")),
            "can't" => ("can", Some("not")),
            "let's" => ("let", Some("us")),
            word => written_out(word),
        };
        words.push(stem.to_owned());
        words.extend(rest.map(str::to_owned));
    }
    words
}

fn written_out(word: &str) -> (&str, Option<&str>) {
    if let Some(stem) = word.strip_suffix("n't") {
        return (stem, Some("not"));
    }
    match word.split_once('\'') {
        Some((stem, "re")) => (stem, Some("are")),
        Some((stem, "ve")) => (stem, Some("have")),
        Some((stem, "ll")) => (stem, Some("will")),
        Some((stem, "m")) => (stem, Some("am")),
        Some((stem, "d")) => (stem, Some("would")),
        Some((stem, "s")) if SHORTENED.contains(&stem) => (stem, Some("is")),
        _ => (word, None),
    }
}
