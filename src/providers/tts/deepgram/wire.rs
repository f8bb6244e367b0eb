//! Aura's messages.

use serde::{Deserialize, Serialize};

pub(super) const FLUSH: &str = r#"{"type":"Flush"}"#;
pub(super) const CLEAR: &str = r#"{"type":"Clear"}"#;
pub(super) const CLOSE: &str = r#"{"type":"Close"}"#;

/// Text to speak.
#[derive(Serialize)]
#[serde(tag = "type", rename = "Speak")]
pub(super) struct Speak<'a> {
    pub(super) text: &'a str,
}

/// A text message from the synthesiser; unknown kinds and fields are ignored.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum Said {
    Flushed,
    Cleared,
    Warning,
    Error,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_documented_messages_are_read() {
        let speak = serde_json::to_string(&Speak { text: "a \"b\"" }).expect("json");
        assert_eq!(speak, r#"{"type":"Speak","text":"a \"b\""}"#);
        let said = |text: &str| serde_json::from_str::<Said>(text).expect("a message");
        assert!(matches!(
            said(r#"{"type":"Flushed","sequence_id":0}"#),
            Said::Flushed
        ));
        assert!(matches!(
            said(r#"{"type":"Metadata","request_id":"x","model_name":"y"}"#),
            Said::Other
        ));
    }
}
