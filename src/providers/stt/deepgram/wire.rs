//! Deepgram's messages.

use std::time::Duration;

use serde::Deserialize;

use super::clock::StreamClock;
use crate::{
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    providers::stt::Transcript,
};

pub(super) const KEEP_ALIVE: &str = r#"{"type":"KeepAlive"}"#;
pub(super) const FINALIZE: &str = r#"{"type":"Finalize"}"#;
pub(super) const CLOSE_STREAM: &str = r#"{"type":"CloseStream"}"#;

/// A message from the recogniser. Unknown kinds and fields are ignored; no `Debug`: it would print what the patient said.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum Heard {
    Results(Results),
    SpeechStarted,
    UtteranceEnd(WordGap),
    Metadata,
    Error,
    #[serde(other)]
    Other,
}

/// A long gap between two words.
#[derive(Deserialize)]
pub(super) struct WordGap {
    /// Stream time, seconds; below zero without a word.
    #[serde(default)]
    last_word_end: Option<f64>,
}

impl WordGap {
    /// End of the word before the gap.
    pub(super) fn last_word_end(&self, clock: &StreamClock) -> Option<CallTime> {
        let end = self.last_word_end.filter(|end| *end >= 0.0)?;
        Some(clock.end(seconds(end)))
    }
}

#[derive(Deserialize)]
pub(super) struct Results {
    start: f64,
    #[serde(default)]
    is_final: bool,
    #[serde(default)]
    speech_final: bool,
    #[serde(default)]
    pub(super) from_finalize: bool,
    channel: Channel,
}

#[derive(Deserialize)]
struct Channel {
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize, Default)]
struct Alternative {
    transcript: String,
    #[serde(default)]
    words: Vec<WireWord>,
}

#[derive(Deserialize)]
struct WireWord {
    word: String,
    punctuated_word: Option<String>,
    start: f64,
    end: f64,
    confidence: f32,
}

impl Results {
    /// In our terms; settles the clock up to the beginning of a final piece: a word gap may still name its last word.
    pub(super) fn into_transcript(self, clock: &mut StreamClock) -> Transcript {
        let best = self.channel.alternatives.into_iter().next();
        let Alternative { transcript, words } = best.unwrap_or_default();
        let words: Vec<Word> = words.into_iter().map(|word| word.at(clock)).collect();
        if self.is_final && !words.is_empty() {
            clock.settled(seconds(self.start));
        }
        Transcript {
            text: Phi::new(transcript),
            words,
            is_final: self.is_final,
            speech_final: self.speech_final,
            from_finalize: self.from_finalize,
        }
    }
}

impl WireWord {
    fn at(self, clock: &StreamClock) -> Word {
        Word {
            text: Phi::new(self.punctuated_word.unwrap_or(self.word)),
            start: clock.start(seconds(self.start)),
            end: clock.end(seconds(self.end)),
            confidence: self.confidence.clamp(0.0, 1.0),
        }
    }
}

/// A vendor's number of seconds; nonsense is the start.
fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = r#"{"type":"Results","channel_index":[0,1],"duration":1.06,"start":0.0,"is_final":true,
        "speech_final":true,"channel":{"alternatives":[{"transcript":"I am Ann.","confidence":0.98,"words":[
        {"word":"i","start":0.08,"end":0.24,"confidence":0.99,"punctuated_word":"I"},
        {"word":"am","start":0.24,"end":0.4,"confidence":0.97},
        {"word":"ann","start":0.4,"end":0.9,"confidence":0.71,"punctuated_word":"Ann.","speaker":0}]}]},
        "metadata":{"request_id":"00000000-0000-0000-0000-000000000000"},"from_finalize":true,"entities":[]}"#;

    #[test]
    fn results_become_a_transcript_on_the_calls_clock() {
        let mut clock = StreamClock::default();
        for n in 0..60 {
            clock.frame(CallTime::from_millis(2000 + 20 * n));
        }
        let Ok(Heard::Results(results)) = serde_json::from_str(RESULTS) else {
            panic!("the documented form is not read");
        };
        let transcript = results.into_transcript(&mut clock);
        assert!(transcript.is_final && transcript.speech_final && transcript.from_finalize);
        assert_eq!(transcript.text.expose(), "I am Ann.");
        let words: Vec<_> = transcript
            .words
            .iter()
            .map(|w| (w.text.expose().as_str(), w.start.as_millis(), w.confidence))
            .collect();
        assert_eq!(
            words,
            [("I", 2080, 0.99), ("am", 2240, 0.97), ("Ann.", 2400, 0.71)]
        );
        assert_eq!(transcript.words[2].end, CallTime::from_millis(2900));
    }

    #[test]
    fn c06_a_word_gap_names_the_end_of_its_word_on_the_calls_clock() {
        let mut clock = StreamClock::default();
        for n in 0..60 {
            clock.frame(CallTime::from_millis(2000 + 20 * n));
        }
        let end = |field: &str| {
            let message = format!(r#"{{"type":"UtteranceEnd","channel":[0,1]{field}}}"#);
            match serde_json::from_str(&message) {
                Ok(Heard::UtteranceEnd(gap)) => gap.last_word_end(&clock),
                _ => panic!("the documented form is not read"),
            }
        };
        assert_eq!(
            end(r#","last_word_end":0.9"#),
            Some(CallTime::from_millis(2900))
        );
        assert_eq!(end(r#","last_word_end":-1"#), None);
        assert_eq!(end(r#","last_word_end":null"#), None);
        assert_eq!(end(""), None);
    }

    #[test]
    fn c06_the_last_word_of_a_final_piece_is_found_behind_a_break_in_the_sound() {
        let mut clock = StreamClock::default();
        for n in 0..50 {
            clock.frame(CallTime::from_millis(2000 + 20 * n));
        }
        for n in 0..50 {
            clock.frame(CallTime::from_millis(9000 + 20 * n));
        }
        let Ok(Heard::Results(results)) = serde_json::from_str(RESULTS) else {
            panic!("the documented form is not read");
        };
        results.into_transcript(&mut clock);
        let gap = WordGap {
            last_word_end: Some(0.9),
        };
        assert_eq!(gap.last_word_end(&clock), Some(CallTime::from_millis(2900)));
    }

    #[test]
    fn other_messages_are_told_apart_and_new_kinds_ignored() {
        let kind = |text: &str| serde_json::from_str::<Heard>(text).expect("a message");
        let started = r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":9.54}"#;
        assert!(matches!(kind(started), Heard::SpeechStarted));
        let gap = |end: &str| format!(r#"{{"type":"UtteranceEnd","channel":[0,1]{end}}}"#);
        assert!(matches!(kind(&gap("")), Heard::UtteranceEnd(_)));
        let error = r#"{"type":"Error","description":"","message":"","variant":""}"#;
        assert!(matches!(kind(error), Heard::Error));
        assert!(matches!(
            kind(r#"{"type":"Sentiment","x":1}"#),
            Heard::Other
        ));
        assert!(serde_json::from_str::<Heard>(r#"{"type":"Results","start":"x"}"#).is_err());
    }
}
