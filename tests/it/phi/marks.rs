//! The values that may not appear, in every spelling in which they could.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::Value;

/// Words in a row that nobody else says.
const WINDOW: usize = 4;

/// Patient data of one call.
pub(crate) struct Marks {
    plain: Vec<String>,
    encoded: Vec<String>,
    code: Option<String>,
}

impl Marks {
    /// The patient's data, all that the artifact says was said, and the confirmation code.
    pub(crate) fn of(artifact: &Value) -> Self {
        Self {
            code: Some(confirmation(artifact)),
            ..Self::of_words(said(artifact))
        }
    }

    /// The patient's data, all that the artifact says was said, and what a person was told.
    pub(crate) fn of_transfer(artifact: &Value, briefing: &[String]) -> Self {
        Self::of_words(said(artifact).chain(briefing.iter().map(String::as_str)))
    }

    fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let known = [
            "maria",
            "lopez",
            "1985-03-03",
            "03/03/1985",
            "eighty five",
            "march third",
            "4155550123",
            "(415) 555",
            "415-555",
        ];
        let mut plain: Vec<String> = known.map(str::to_owned).to_vec();
        plain.extend(words.flat_map(windows));
        let encoded = plain
            .iter()
            .flat_map(|mark| encodings(mark))
            .chain(["Maria", "Lopez"].into_iter().flat_map(encodings))
            .collect();
        Self {
            plain,
            encoded,
            code: None,
        }
    }

    /// Marks in a text or in bytes, whatever the case; base64 is compared as it is.
    pub(crate) fn found(&self, place: &[u8]) -> Vec<&str> {
        let exact = String::from_utf8_lossy(place);
        let lower = exact.to_lowercase();
        let plain = self
            .plain
            .iter()
            .filter(|mark| lower.contains(mark.as_str()));
        plain
            .chain(
                self.encoded
                    .iter()
                    .filter(|mark| exact.contains(mark.as_str())),
            )
            .map(String::as_str)
            .collect()
    }

    pub(crate) fn assert_absent(&self, name: &str, place: &[u8]) {
        let found = self.found(place);
        assert!(
            found.is_empty(),
            "{name}: {found:?} in {}",
            around(place, found[0])
        );
    }

    /// The code that opens a booking on the phone, as a word of its own: four characters are anywhere by chance.
    pub(crate) fn assert_code_absent(&self, name: &str, place: &[u8]) {
        let Some(code) = &self.code else { return };
        let text = String::from_utf8_lossy(place);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        assert_eq!(
            words.filter(|word| word == code).count(),
            0,
            "{name}: {}",
            around(place, code)
        );
    }
}

/// Every line but the greeting, which is the clinic's own text.
fn said(artifact: &Value) -> impl Iterator<Item = &str> {
    let lines = artifact["transcript"].as_array().expect("transcript");
    lines
        .iter()
        .skip(1)
        .map(|line| line["text"].as_str().expect("text"))
}

fn windows(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    words
        .windows(WINDOW)
        .map(|w| w.join(" "))
        .filter(|w| w.len() > 14)
        .collect()
}

/// Hex, and the three forms that base64 gives to a text by its place, without the characters that depend on the neighbours.
fn encodings(mark: &str) -> Vec<String> {
    let base64 = (0..3).map(|shift| {
        let mut bytes = vec![0; shift];
        bytes.extend(mark.as_bytes());
        let text = STANDARD_NO_PAD.encode(&bytes);
        let (from, to) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        text[from..to].to_owned()
    });
    base64
        .chain([hex::encode(mark)])
        .filter(|form| form.len() > 5)
        .collect()
}

fn confirmation(artifact: &Value) -> String {
    let tools = artifact.to_string();
    let code = tools
        .split(r#""confirmation_code":""#)
        .nth(1)
        .and_then(|rest| rest.get(..4));
    code.unwrap_or_else(|| panic!("no confirmation code in {artifact:#}"))
        .to_owned()
}

fn around(place: &[u8], mark: &str) -> String {
    let text = String::from_utf8_lossy(place);
    let at = text.to_lowercase().find(&mark.to_lowercase()).unwrap_or(0);
    text.chars()
        .skip(at.saturating_sub(300))
        .take(700)
        .collect()
}
