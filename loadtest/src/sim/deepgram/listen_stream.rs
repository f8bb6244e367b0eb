//! One audio stream through the recogniser: no sockets, no clocks, only audio time.
//!
//! A *window* is the audio that is not final yet. It ends, and its result becomes final, after `endpointing` of silence,
//! at a Finalize, or when it grows too long.

use std::ops::Range;

use super::listen_params::ListenParams;
use crate::sim::hear::{
    HOP, Heard, RATE, Recogniser,
    features::{Extractor, Frame},
    frame_seconds, frames_in,
    segment::Segmenter,
};

/// Shorter silences happen inside words, before plosives; a shorter `endpointing` is taken as this.
const SHORTEST_SILENCE_MS: u32 = 100;
/// Without endpointing a result still becomes final after this much silence.
const FINAL_SILENCE_MS: u32 = 1_000;
/// A window without speech, and one of endless speech, become final after this many seconds.
const SILENT_WINDOW_S: f64 = 5.0;
const LONGEST_WINDOW_S: f64 = 30.0;

/// What the service says about the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    Results(Results),
    SpeechStarted { timestamp: f64 },
    UtteranceEnd { last_word_end: f64 },
}

/// A transcript of one window, or of what there is of it. Times are seconds of audio since the stream's start.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Results {
    pub(super) start: f64,
    pub(super) duration: f64,
    pub(super) words: Vec<Word>,
    pub(super) is_final: bool,
    pub(super) speech_final: bool,
    pub(super) from_finalize: bool,
    /// When the speech ended; the window's end if nobody spoke.
    pub(super) speech_end: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) confidence: f32,
}

/// Why a window becomes final.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cause {
    Endpointing,
    Finalize { speech_final: bool },
    Length,
    Close,
}

#[derive(Debug)]
pub(super) struct ListenStream {
    params: ListenParams,
    interim_interval: f64,
    extractor: Extractor,
    segmenter: Segmenter,
    /// Frames of the window; the first has number `base`.
    frames: Vec<Frame>,
    base: usize,
    window_start: f64,
    next_interim: f64,
    samples: u64,
    /// End of the last final word, until its UtteranceEnd is sent.
    last_word_end: Option<f64>,
}

impl ListenStream {
    pub(super) fn new(params: ListenParams, interim_interval_ms: u64) -> Self {
        let interim_interval = interim_interval_ms.max(100) as f64 / 1_000.0;
        Self {
            params,
            interim_interval,
            extractor: Extractor::default(),
            segmenter: Segmenter::default(),
            frames: Vec::new(),
            base: 0,
            window_start: 0.0,
            next_interim: interim_interval,
            samples: 0,
            last_word_end: None,
        }
    }

    /// Seconds of audio received.
    pub(super) fn position(&self) -> f64 {
        self.samples as f64 / f64::from(RATE)
    }

    /// Takes 8 kHz audio.
    pub(super) fn push(&mut self, samples: &[i16], recogniser: &Recogniser) -> Vec<Event> {
        let mut events = Vec::new();
        // One hop at a time, so that a large piece gives the same events as many small ones.
        for piece in samples.chunks(HOP) {
            self.samples += piece.len() as u64;
            let known = self.frames.len();
            self.extractor.push(piece, &mut self.frames);
            for index in known..self.frames.len() {
                self.frame(index, recogniser, &mut events);
            }
        }
        events
    }

    /// The client wants everything now. Nothing comes back if no audio is waiting.
    pub(super) fn finalize(
        &mut self,
        speech_final: bool,
        recogniser: &Recogniser,
    ) -> Option<Event> {
        (self.position() > self.window_start)
            .then(|| self.end_window(Cause::Finalize { speech_final }, recogniser))
    }

    /// The stream ends: what is left, if anything was said.
    pub(super) fn close(&mut self, recogniser: &Recogniser) -> Option<Event> {
        (!self.segmenter.chunks().is_empty()).then(|| self.end_window(Cause::Close, recogniser))
    }

    fn frame(&mut self, index: usize, recogniser: &Recogniser, events: &mut Vec<Event>) {
        if self.segmenter.push(&self.frames[index]) && self.params.vad_events {
            let onset = self
                .segmenter
                .chunks()
                .first()
                .map_or(0, |chunk| chunk.start);
            events.push(Event::SpeechStarted {
                timestamp: frame_seconds(onset),
            });
        }
        if let Some(cause) = self.window_over() {
            events.push(self.end_window(cause, recogniser));
        } else if self.position() >= self.next_interim {
            self.next_interim += self.interim_interval;
            if self.params.interim_results {
                events.push(Event::Results(self.results(recogniser, None)));
            }
        }
        events.extend(self.utterance_end());
    }

    fn window_over(&self) -> Option<Cause> {
        let length = self.position() - self.window_start;
        let Some(silence) = self.segmenter.silence() else {
            return (length >= SILENT_WINDOW_S).then_some(Cause::Length);
        };
        let (wanted, cause) = match self.params.endpointing_ms {
            Some(ms) => (ms.max(SHORTEST_SILENCE_MS), Cause::Endpointing),
            None => (FINAL_SILENCE_MS, Cause::Length),
        };
        if silence >= frames_in(u64::from(wanted)) {
            return Some(cause);
        }
        (length >= LONGEST_WINDOW_S).then_some(Cause::Length)
    }

    fn end_window(&mut self, cause: Cause, recogniser: &Recogniser) -> Event {
        let results = self.results(recogniser, Some(cause));
        if let Some(word) = results.words.last() {
            self.last_word_end = Some(word.end);
        }
        self.segmenter.take();
        self.frames.clear();
        self.base = self.segmenter.position();
        self.window_start = self.position();
        self.next_interim = self.window_start + self.interim_interval;
        Event::Results(results)
    }

    fn results(&self, recogniser: &Recogniser, cause: Option<Cause>) -> Results {
        let chunks: Vec<Range<usize>> = self
            .segmenter
            .chunks()
            .iter()
            .map(|c| c.start.saturating_sub(self.base)..c.end - self.base)
            .collect();
        let spoken_out =
            cause.is_some() && self.segmenter.silence().is_some_and(|frames| frames > 2);
        let heard = recogniser.recognise(&self.frames, &chunks, spoken_out);
        Results {
            start: self.window_start,
            duration: self.position() - self.window_start,
            words: heard.iter().flat_map(|h| self.words(h)).collect(),
            is_final: cause.is_some(),
            speech_final: match cause {
                Some(Cause::Endpointing | Cause::Close) => true,
                Some(Cause::Finalize { speech_final }) => speech_final && !chunks.is_empty(),
                Some(Cause::Length) | None => false,
            },
            from_finalize: matches!(cause, Some(Cause::Finalize { .. })),
            speech_end: self
                .segmenter
                .chunks()
                .last()
                .map_or(self.position(), |c| frame_seconds(c.end)),
        }
    }

    fn words(&self, heard: &Heard) -> Vec<Word> {
        let time = |frame: usize| frame_seconds(frame + self.base);
        let word = |w: &crate::sim::hear::HeardWord| Word {
            text: w.text.clone(),
            start: time(w.start),
            end: time(w.end),
            confidence: w.confidence,
        };
        heard.words.iter().map(word).collect()
    }

    fn utterance_end(&mut self) -> Option<Event> {
        let wanted = f64::from(self.params.utterance_end_ms?) / 1_000.0;
        if !self.segmenter.chunks().is_empty() || self.position() - self.last_word_end? < wanted {
            return None;
        }
        self.last_word_end
            .take()
            .map(|last_word_end| Event::UtteranceEnd { last_word_end })
    }
}
