//! The words of a reply, from what the model writes to sentences: each said once, and none by half. Pure.

use crate::pipeline::speech::{Sentence, SentenceSplitter};

/// Words of an answer that is asked for again that tell whether it goes on with the sentence that broke off, or says it anew.
const TELLING_WORDS: usize = 2;

/// How a step's text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextEnd {
    /// The model has said what it wanted, and calls tools.
    BeforeCalls,
    /// The model has said what it wanted.
    Whole,
    /// It was cut off: a last sentence that is none is kept back.
    Cut,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Wording {
    splitter: SentenceSplitter,
    /// The half sentence at which an earlier step broke off; nobody heard it.
    fragment: Option<String>,
    /// What came since, while it is not known whether it goes on with the fragment.
    lead: String,
    /// Sentences of earlier steps, and of this one.
    earlier: Vec<String>,
    current: Vec<String>,
    /// Sentences at the beginning of this step that were said before.
    repeated: Vec<Sentence>,
}

impl Wording {
    /// The model is asked for the next step.
    pub(super) fn next_step(&mut self) {
        self.earlier.append(&mut self.current);
        self.repeated.clear();
        self.splitter = SentenceSplitter::default();
        self.lead.clear();
    }

    /// The half sentence that waits for its end.
    pub(super) fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }

    /// Whether the step has said anything, if only what was said before.
    pub(super) fn has_words(&self) -> bool {
        !self.current.is_empty() || !self.repeated.is_empty()
    }

    /// Takes what the model writes; returns the sentences that are to be said.
    pub(super) fn push(&mut self, text: &str) -> Vec<Sentence> {
        if self.fragment.is_none() {
            let sentences = self.splitter.push(text);
            return self.once(sentences);
        }
        self.lead.push_str(text);
        let lead = self.lead.trim_start();
        let is_last_whole = lead.ends_with(char::is_whitespace);
        let words =
            lead.split_whitespace().count() - usize::from(!is_last_whole && !lead.is_empty());
        if words < TELLING_WORDS {
            return Vec::new();
        }
        self.take_up()
    }

    /// The step's text is over.
    pub(super) fn end(&mut self, end: TextEnd) -> Vec<Sentence> {
        let mut said = self.take_up();
        let mut rest = self.splitter.finish();
        if end == TextEnd::Cut
            && let Some(cut) = rest.pop_if(|last| !is_whole(last.written.expose()))
        {
            self.fragment = Some(cut.written.into_exposed());
        }
        said.extend(self.once(rest));
        // A step that only repeats has nothing else to say; before its tools it need not.
        if end == TextEnd::Whole && self.current.is_empty() {
            self.current.extend(self.repeated.iter().map(key));
            said.append(&mut self.repeated);
        }
        said
    }

    /// Goes on with the fragment, or leaves it for what is said in its place.
    fn take_up(&mut self) -> Vec<Sentence> {
        let lead = std::mem::take(&mut self.lead);
        if lead.trim().is_empty() {
            return Vec::new();
        }
        let text = match self.fragment.take() {
            Some(fragment) if goes_on(&fragment, &lead) => {
                let joins =
                    lead.starts_with(|c: char| c.is_whitespace() || c.is_ascii_punctuation());
                let space = if joins { "" } else { " " };
                format!("{fragment}{space}{lead}")
            }
            _ => lead,
        };
        let sentences = self.splitter.push(&text);
        self.once(sentences)
    }

    /// Without what stands at the step's beginning and was said in a step before it.
    fn once(&mut self, sentences: Vec<Sentence>) -> Vec<Sentence> {
        let mut said = Vec::new();
        for sentence in sentences {
            let key = key(&sentence);
            if self.current.is_empty() && self.earlier.contains(&key) {
                self.repeated.push(sentence);
            } else {
                self.current.push(key);
                said.push(sentence);
            }
        }
        said
    }
}

/// What makes two sentences the same to a listener.
fn key(sentence: &Sentence) -> String {
    let written = sentence.written.expose().chars();
    let heard = written.filter(|c| c.is_alphanumeric());
    heard.flat_map(char::to_lowercase).collect()
}

fn is_whole(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', ')', ']', '”', '’', ' ']);
    text.ends_with(['.', '!', '?', '…'])
}

/// Whether an answer that was asked for again goes on with the sentence. A capital letter begins another, and so do its own first words.
fn goes_on(fragment: &str, lead: &str) -> bool {
    let lead = lead.trim_start();
    let begins_small = lead.starts_with(|c: char| !c.is_uppercase());
    let words = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().take(TELLING_WORDS);
        words.map(str::to_lowercase).collect()
    };
    let (begun, anew) = (words(fragment), words(lead));
    let shared = begun.len().min(anew.len());
    begins_small && begun[..shared] != anew[..shared]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sentences: Vec<Sentence>) -> Vec<String> {
        sentences
            .into_iter()
            .map(|s| s.written.into_exposed())
            .collect()
    }

    /// What is said of each step, given a character at a time.
    fn said(steps: &[(&str, TextEnd)]) -> Vec<String> {
        let mut wording = Wording::default();
        let mut said = Vec::new();
        for (text, end) in steps {
            wording.next_step();
            for c in text.chars() {
                said.extend(texts(wording.push(c.encode_utf8(&mut [0; 4]))));
            }
            said.extend(texts(wording.end(*end)));
        }
        said
    }

    use TextEnd::{BeforeCalls, Cut, Whole};

    /// C57
    #[test]
    fn a_preamble_is_said_once() {
        for again in [
            "Let me look. We open at nine.",
            "let me look! We open at nine.",
            "Let me look.\nLet me look. We open at nine.",
        ] {
            let steps = [("Let me look.", BeforeCalls), (again, Whole)];
            assert_eq!(
                said(&steps),
                ["Let me look.", "We open at nine."],
                "{again}"
            );
        }
        let steps = [
            ("Let me look.", BeforeCalls),
            ("Let me look.", BeforeCalls),
            ("We open at nine.", Whole),
        ];
        assert_eq!(said(&steps), ["Let me look.", "We open at nine."]);
        // Silence would be worse than the same again; and what comes later is meant.
        assert_eq!(
            said(&[("It is Monday.", BeforeCalls), ("It is Monday.", Whole)]),
            ["It is Monday.", "It is Monday."]
        );
        let steps = [
            ("Yes. One moment.", BeforeCalls),
            ("Nine is free. Yes.", Whole),
        ];
        assert_eq!(
            said(&steps),
            ["Yes.", "One moment.", "Nine is free.", "Yes."]
        );
        assert_eq!(
            said(&[("Yes! Yes! We are open.", Whole)]),
            ["Yes!", "Yes!", "We are open."]
        );
    }

    /// C18, C16
    #[test]
    fn a_half_sentence_is_said_with_its_end_or_not_at_all() {
        for (again, expected) in [
            ("nine in the morning.", "We open at nine in the morning."),
            (" nine in the morning.", "We open at nine in the morning."),
            ("9.", "We open at 9."),
            (", say, nine.", "We open at, say, nine."),
            ("We open at nine.", "We open at nine."),
            ("we open at nine.", "we open at nine."),
            ("Nine in the morning.", "Nine in the morning."),
            ("Sorry, we open at nine.", "Sorry, we open at nine."),
            ("Nine.", "Nine."),
        ] {
            assert_eq!(
                said(&[("We open at", Cut), (again, Whole)]),
                [expected],
                "{again}"
            );
        }
        assert_eq!(said(&[("We open at", Cut)]), Vec::<String>::new());
        assert_eq!(
            said(&[
                ("We open at nine. And we", Cut),
                ("And we close at five.", Whole)
            ]),
            ["We open at nine.", "And we close at five."]
        );
        assert_eq!(
            said(&[("We open at nine. And we", Cut), ("close at five.", Whole)]),
            ["We open at nine.", "And we close at five."]
        );
        assert_eq!(
            said(&[
                ("We open at nine.", Cut),
                ("We open at nine. We close at five.", Whole)
            ]),
            ["We open at nine.", "We close at five."]
        );
        // Cut again, and again.
        let steps = [
            ("We open at", Cut),
            ("nine and", Cut),
            ("close at five.", Whole),
        ];
        assert_eq!(said(&steps), ["We open at nine and close at five."]);
    }

    #[test]
    fn a_step_without_words_is_known() {
        let mut wording = Wording::default();
        wording.next_step();
        for text in ["...", "\n", "\"", "[]", "😀", "**"] {
            assert!(wording.push(text).is_empty());
        }
        assert!(wording.end(Whole).is_empty() && !wording.has_words());
        wording.next_step();
        wording.push("Hi. ");
        assert!(wording.has_words());
    }
}
