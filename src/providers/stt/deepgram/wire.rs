//! Deepgram's messages.

use std::time::Duration;

use serde::Deserialize;

use super::clock::StreamClock;
use crate::{
    domain::{conversation::Word, phi::Phi},
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
    UtteranceEnd,
    Metadata,
    Error,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct Results {
    start: f64,
    duration: f64,
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
    /// In our terms; settles the clock when the piece is final.
    pub(super) fn into_transcript(self, clock: &mut StreamClock) -> Transcript {
        let best = self.channel.alternatives.into_iter().next();
        let Alternative { transcript, words } = best.unwrap_or_default();
        let words = words.into_iter().map(|word| word.at(clock)).collect();
        if self.is_final {
            clock.settled(seconds(self.start + self.duration));
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
    use crate::domain::call_time::CallTime;

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
    fn other_messages_are_told_apart_and_new_kinds_ignored() {
        let kind = |text: &str| serde_json::from_str::<Heard>(text).expect("a message");
        let started = r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":9.54}"#;
        assert!(matches!(kind(started), Heard::SpeechStarted));
        let end = r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":-1}"#;
        assert!(matches!(kind(end), Heard::UtteranceEnd));
        let error = r#"{"type":"Error","description":"","message":"","variant":""}"#;
        assert!(matches!(kind(error), Heard::Error));
        assert!(matches!(
            kind(r#"{"type":"Sentiment","x":1}"#),
            Heard::Other
        ));
        assert!(serde_json::from_str::<Heard>(r#"{"type":"Results","start":"x"}"#).is_err());
    }
}
