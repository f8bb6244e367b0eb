//! From text to paced audio: sentences are synthesised side by side and played in order.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::speak_params::SpeakParams;
use crate::{
    sim::state::Shared,
    speech::{Pcm, SpeechError, Voice, energy},
};

/// What counts as the first sound of a sentence.
const AUDIBLE_DBFS: f32 = -45.0;

/// What leaves the player.
#[derive(Debug)]
pub(super) enum Played {
    Audio(Bytes),
    /// Everything before a flush has been sent.
    Flushed,
    Failed(SpeechError),
}

#[derive(Debug)]
enum Item {
    Speech {
        job: JoinHandle<Result<Vec<u8>, SpeechError>>,
        not_before: Instant,
    },
    Flushed,
}

#[derive(Debug)]
pub(super) struct Player {
    shared: Arc<Shared>,
    params: SpeakParams,
    items: VecDeque<Item>,
    current: Option<(Bytes, usize)>,
    /// When the next piece of audio may be sent.
    clock: Instant,
    pub(super) odd_bytes: bool,
}

impl Player {
    pub(super) fn new(shared: Arc<Shared>, params: SpeakParams) -> Self {
        Self {
            shared,
            params,
            items: VecDeque::new(),
            current: None,
            clock: Instant::now(),
            odd_bytes: false,
        }
    }

    /// Speaks a text; its first byte leaves after `ttfb` at the earliest.
    pub(super) fn speak(&mut self, text: &str, ttfb: Duration) {
        let not_before = Instant::now() + ttfb;
        for sentence in sentences(text) {
            let job =
                self.shared
                    .tasks
                    .spawn(render(self.shared.clone(), self.params.clone(), sentence));
            self.items.push_back(Item::Speech { job, not_before });
        }
    }

    /// [`Played::Flushed`] follows everything spoken so far.
    pub(super) fn flush(&mut self) {
        self.items.push_back(Item::Flushed);
    }

    /// Forgets everything that was not sent.
    pub(super) fn clear(&mut self) {
        for item in self.items.drain(..) {
            if let Item::Speech { job, .. } = item {
                job.abort();
            }
        }
        self.current = None;
    }

    /// Sends nothing until then.
    pub(super) fn stall(&mut self, until: Instant) {
        self.clock = self.clock.max(until);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.items.is_empty() && self.current.is_none()
    }

    /// Waits for the next thing to send; for ever when idle. Cancel-safe.
    pub(super) async fn next(&mut self) -> Played {
        loop {
            if self.current.is_some() {
                sleep_until(self.clock).await;
                if let Some(bytes) = self.take_piece() {
                    return Played::Audio(bytes);
                }
                self.current = None;
                continue;
            }
            match self.items.front_mut() {
                None => std::future::pending().await,
                Some(Item::Flushed) => {
                    sleep_until(self.clock).await;
                    self.items.pop_front();
                    return Played::Flushed;
                }
                Some(Item::Speech { job, not_before }) => {
                    sleep_until(*not_before).await;
                    let rendered = job.await;
                    self.items.pop_front();
                    match rendered {
                        Ok(Ok(bytes)) => self.current = Some((Bytes::from(bytes), 0)),
                        Ok(Err(error)) => return Played::Failed(error),
                        Err(error) => {
                            return Played::Failed(SpeechError::Synthesis(error.to_string()));
                        }
                    }
                    self.clock = self.clock.max(Instant::now());
                }
            }
        }
    }

    fn take_piece(&mut self) -> Option<Bytes> {
        let config = &self.shared.config.tts;
        let (bytes, at) = self.current.as_mut()?;
        if *at >= bytes.len() {
            return None;
        }
        let whole = self.params.bytes_per_ms(config.chunk_ms).max(2);
        let len = if self.odd_bytes { whole | 1 } else { whole };
        let piece = bytes.slice(*at..(*at + len).min(bytes.len()));
        *at += len;
        self.clock +=
            Duration::from_secs_f64(config.chunk_ms as f64 / 1_000.0 / config.speed.max(0.1));
        Some(piece)
    }
}

/// One sentence as bytes on the wire.
pub(super) async fn render(
    shared: Arc<Shared>,
    params: SpeakParams,
    sentence: String,
) -> Result<Vec<u8>, SpeechError> {
    let spoken = shared.flite.say(Voice::Slt, &sentence).await?;
    let keep = spoken.rate as usize * shared.config.tts.leading_silence_ms as usize / 1_000;
    let start = energy::voiced_range(&spoken.samples, spoken.rate, AUDIBLE_DBFS)
        .map_or(0, |r| r.start.saturating_sub(keep));
    let trimmed = Pcm {
        samples: spoken.samples[start..].to_vec(),
        rate: spoken.rate,
    };
    Ok(params
        .encoding
        .encode(&trimmed.resampled(params.sample_rate).samples))
}

/// Cuts after `.`, `?` and `!`, but not after a title.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(sentence) = out.last_mut() {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(word);
        }
        if ends_sentence(word) {
            out.push(String::new());
        }
    }
    out.retain(|s| !s.is_empty());
    out
}

fn ends_sentence(word: &str) -> bool {
    let stem = word.trim_end_matches(['"', '\'', ')']);
    stem.ends_with(['.', '?', '!']) && !["Dr.", "Mr.", "Mrs.", "Ms.", "St."].contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_full_stops_but_not_at_titles() {
        assert_eq!(
            sentences("Dr. Osei is free.  Which one?\nGood"),
            ["Dr. Osei is free.", "Which one?", "Good"]
        );
        assert!(sentences("  ").is_empty());
    }
}
