//! Key terms: names that a recogniser would not guess. Cleaned when a clinic is saved and when its terms are used, because one bad term makes a vendor refuse the call.

use std::collections::HashSet;

/// A longer term names nothing that anybody says; Deepgram's Flux refuses it.
pub const LONGEST: usize = 100;

/// One line without control or invisible characters, and with single spaces.
#[must_use]
pub fn tidy(text: &str) -> String {
    let visible = |c: char| match c {
        // Soft hyphen, zero-width characters, marks of direction and of byte order: they are not heard.
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    let visible: String = text.chars().filter_map(visible).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The terms that can be spoken, each once whatever its case, in their order.
#[must_use]
pub fn clean(terms: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    let mut seen = HashSet::new();
    let tidied = terms.into_iter().map(|term| tidy(term.as_ref()));
    let can_be_said =
        |term: &String| term.chars().any(char::is_alphanumeric) && term.chars().count() <= LONGEST;
    tidied
        .filter(can_be_said)
        .filter(|term| seen.insert(term.to_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Case C40.
    #[test]
    fn terms_are_cleaned_of_what_a_vendor_refuses() {
        let terms = [
            "Dr. Okafor",
            "",
            "   ",
            "\n",
            " Blue\r\n Shield\t",
            "dr. okafor",
            "---",
            "\u{feff}Delta\u{200b} Dental\u{0}",
            "Nguyễn Thị Minh",
        ];
        let cleaned = [
            "Dr. Okafor",
            "Blue Shield",
            "Delta Dental",
            "Nguyễn Thị Minh",
        ];
        assert_eq!(clean(terms), cleaned);
        assert_eq!(clean(cleaned), cleaned, "once is enough");
        let at_the_limit = "é".repeat(LONGEST);
        assert_eq!(clean([&at_the_limit]).len(), 1);
        assert!(clean([at_the_limit + "é"]).is_empty());
        assert!(clean(Vec::<String>::new()).is_empty());
    }
}
