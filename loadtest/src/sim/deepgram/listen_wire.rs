//! The JSON that `/v1/listen` speaks.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    listen_params::ListenParams,
    listen_stream::{Event, Results, Word},
};

/// What the client may say in text frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Control {
    KeepAlive,
    Finalize,
    CloseStream,
}

/// `None` if it is not one of the three messages.
pub(super) fn parse_control(text: &str) -> Option<Control> {
    let value: Value = serde_json::from_str(text).ok()?;
    match value.get("type")?.as_str()? {
        "KeepAlive" => Some(Control::KeepAlive),
        "Finalize" => Some(Control::Finalize),
        "CloseStream" => Some(Control::CloseStream),
        _ => None,
    }
}

/// What every message of one stream repeats.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) request_id: Uuid,
    pub(super) model_uuid: Uuid,
}

impl Identity {
    pub(super) fn event(&self, params: &ListenParams, event: &Event) -> Value {
        match event {
            Event::Results(results) => self.results(params, results),
            Event::SpeechStarted { timestamp } => {
                json!({"type": "SpeechStarted", "channel": [0, 1], "timestamp": round(*timestamp)})
            }
            Event::UtteranceEnd { last_word_end } => {
                json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": round(*last_word_end)})
            }
        }
    }

    fn results(&self, params: &ListenParams, results: &Results) -> Value {
        let words: Vec<Value> = results.words.iter().map(|w| word(params, w)).collect();
        let mean = results
            .words
            .iter()
            .map(|w| f64::from(w.confidence))
            .sum::<f64>()
            / results.words.len().max(1) as f64;
        json!({
            "type": "Results",
            "channel_index": [0, 1],
            "duration": round(results.duration),
            "start": round(results.start),
            "is_final": results.is_final,
            "speech_final": results.speech_final,
            "channel": {"alternatives": [{"transcript": transcript(params, results), "confidence": round(mean), "words": words}]},
            "metadata": {"request_id": self.request_id, "model_info": model_info(params), "model_uuid": self.model_uuid},
            "from_finalize": results.from_finalize,
        })
    }

    pub(super) fn metadata(&self, params: &ListenParams, duration: f64, sha256: &str) -> Value {
        json!({
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self.request_id,
            "sha256": sha256,
            "created": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "duration": round(duration),
            "channels": params.channels,
            "models": [self.model_uuid],
            "model_info": {self.model_uuid.to_string(): model_info(params)},
        })
    }
}

/// The text as the client asked for it: with capitals and punctuation, or without.
pub(super) fn transcript(params: &ListenParams, results: &Results) -> String {
    let words = results.words.iter().map(|w| {
        if params.punctuate {
            w.text.clone()
        } else {
            plain(&w.text)
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn word(params: &ListenParams, word: &Word) -> Value {
    let mut value = json!({
        "word": plain(&word.text), "start": round(word.start), "end": round(word.end), "confidence": round(f64::from(word.confidence)),
    });
    if params.punctuate {
        value["punctuated_word"] = json!(word.text);
    }
    value
}

fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}

fn model_info(params: &ListenParams) -> Value {
    let arch = params
        .model
        .split('-')
        .take(2)
        .collect::<Vec<_>>()
        .join("-");
    json!({"name": params.model, "version": "2025-07-31.0", "arch": arch})
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
