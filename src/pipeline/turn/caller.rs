//! The caller's side: the turn that is being spoken.

use std::time::Duration;

use super::{
    TurnConfig,
    io::UserTurn,
    overlap::Known,
    words::{Pause, Question, is_backchannel, pause_after},
};
use crate::{
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    providers::stt::Transcript,
};

/// Time after which a `Finalize` that had nothing to finalise counts as answered.
const FINALIZE_GRACE: Duration = Duration::from_millis(700);

/// Voice shorter than this holds no word: what was settled stays settled.
const BLIP: Duration = Duration::from_millis(150);

/// A number or a name of which only interim words are known gets so much more time: its final transcript holds all of it.
const LATE_FINAL: Duration = Duration::from_millis(1500);

/// A voice that goes on so long behind the last word, while the recogniser sees a gap, is a noise...
const NOISE_AFTER_WORDS: Duration = Duration::from_secs(4);

/// ... or, where more words are to come, a long hesitation until then.
const NOISE_AFTER_HALF_A_SENTENCE: Duration = Duration::from_secs(6);

/// Nobody speaks for so long without a breath.
const ENDLESS_VOICE: Duration = Duration::from_secs(60);

/// Words that the recogniser trusts less than this, on average, are sounds of another language, or of no language.
const LEAST_CONFIDENCE: f32 = 0.4;

/// What a transcript brought that was not known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    /// No word.
    Nothing,
    /// Only a listener's sounds.
    Backchannel,
    /// Words.
    Words,
}

/// The voice and the words of the open turn.
#[derive(Debug, Default)]
pub(super) struct Caller {
    /// Speaking since.
    pub(super) speech: Option<CallTime>,
    /// End of the last voiced frame of this turn.
    pub(super) last_voice: Option<CallTime>,
    /// All voiced stretches of this turn.
    pub(super) voiced: Duration,
    /// The recogniser has said all it will about this turn.
    pub(super) settled: bool,
    started: Option<CallTime>,
    finals: String,
    words: Vec<Word>,
    interim: Option<Transcript>,
    final_at: Option<CallTime>,
    finalize_sent: Option<CallTime>,
    /// The recogniser saw a gap behind the last word while the voice went on.
    gap: bool,
    /// How its words end, as far as they were judged: how often they had changed, what was asked, and the judgement.
    judged: Option<(u32, Option<Question>, Pause)>,
    /// How often its words changed.
    changes: u32,
    /// When words came last.
    heard_at: Option<CallTime>,
    /// Some of it was the agent's own voice.
    pub(super) echoed: bool,
    /// Keys were pressed.
    typed: bool,
    /// Words of earlier pieces: replays and duplicates are dropped.
    known: Known,
    /// A hello that the greeting answered: it is part of what is said next.
    carried: Option<(String, Vec<Word>)>,
}

impl Caller {
    pub(super) fn speech_started(&mut self, at: CallTime) {
        self.speech = Some(at);
        self.started.get_or_insert(at);
        self.finalize_sent = None;
    }

    /// Returns whether the recogniser should be asked for its final transcript.
    pub(super) fn speech_ended(&mut self, now: CallTime, at: CallTime) -> bool {
        let Some(since) = self.speech.take() else {
            return false;
        };
        let stretch = at.since(since);
        let answered_since = self.final_at.is_some_and(|t| t >= at);
        if stretch >= BLIP && !answered_since {
            self.settled = false;
        }
        self.voiced += stretch;
        self.last_voice = Some(at);
        self.ask_final(now)
    }

    /// Whether to ask for the final transcript now; remembers that it was done.
    pub(super) fn ask_final(&mut self, now: CallTime) -> bool {
        let ask = self.speech.is_none() && self.finalize_sent.is_none() && self.is_open();
        if ask {
            self.finalize_sent = Some(now);
        }
        ask
    }

    /// The recogniser starts anew: it has to be asked again.
    pub(super) fn forget_finalize(&mut self) {
        self.finalize_sent = None;
    }

    pub(super) fn hear(&mut self, now: CallTime, transcript: Transcript) -> Fresh {
        let transcript = self.known.cut(&self.finals, transcript);
        let fresh = classify(transcript.text.expose());
        if fresh != Fresh::Nothing {
            let first = transcript.words.first().map_or(now, |w| w.start);
            let last = transcript.words.last().map_or(now, |w| w.end);
            self.started.get_or_insert(first);
            self.last_voice.get_or_insert(last);
            self.gap = false;
            self.heard_at = Some(now);
        }
        if transcript.is_final {
            self.take_final(now, transcript, fresh);
        } else if fresh != Fresh::Nothing {
            self.settled = false;
            self.changes += 1;
            self.interim = Some(transcript);
        }
        fresh
    }

    fn take_final(&mut self, now: CallTime, transcript: Transcript, fresh: Fresh) {
        self.changes += 1;
        self.interim = None;
        self.final_at = Some(now);
        let ends = transcript.speech_final || transcript.from_finalize;
        self.settled = ends || (self.settled && fresh == Fresh::Nothing);
        self.append(transcript.text.expose());
        self.known.learn(&transcript.words);
        self.words.extend(transcript.words);
    }

    /// Keys count as words that are certain.
    pub(super) fn typed(&mut self, now: CallTime, text: &str) {
        self.started.get_or_insert(now);
        self.last_voice.get_or_insert(now);
        self.append(text);
        self.changes += 1;
        self.settled = true;
        self.typed = true;
    }

    /// The recogniser sees a gap behind `last_word_end`. A message about an earlier turn, or one that newer words have overtaken, says nothing. Under a voice the turn
    /// goes on: the caller may be looking for a word. Only if no word comes for long was the voice a noise, see [`Self::noise_at`].
    pub(super) fn utterance_ended(&mut self, last_word_end: Option<CallTime>) {
        if self.finals.is_empty() || last_word_end.is_some_and(|end| !self.is_about_this(end)) {
            return;
        }
        if self.is_speaking() {
            self.gap = true;
        } else if self.interim.is_none() {
            self.settled = true;
        }
    }

    fn is_about_this(&self, last_word_end: CallTime) -> bool {
        let first = self.words.first().map(|w| w.start).or(self.started);
        let interim = self.interim.as_ref().and_then(|i| i.words.last());
        let last = interim.or(self.words.last()).map(|w| w.end);
        first.is_none_or(|start| last_word_end >= start)
            && last.is_none_or(|end| last_word_end + BLIP >= end)
    }

    /// When a voice that brings no more words counts as a noise.
    pub(super) fn noise_at(&self) -> Option<CallTime> {
        let endless = self.speech? + ENDLESS_VOICE;
        let patience = match self.pause() {
            Pause::Plain => NOISE_AFTER_WORDS,
            _ => NOISE_AFTER_HALF_A_SENTENCE,
        };
        let wordless = self
            .wordless_since()
            .filter(|_| self.gap && self.interim.is_none());
        Some(wordless.map_or(endless, |since| (since + patience).min(endless)))
    }

    /// Since when the voice goes on without a word.
    pub(super) fn wordless_since(&self) -> Option<CallTime> {
        self.speech
            .map(|since| self.heard_at.map_or(since, |heard| heard.max(since)))
    }

    /// The voice is none. What was understood is the turn.
    pub(super) fn call_it_noise(&mut self, now: CallTime) {
        let Some(since) = self.speech.take() else {
            return;
        };
        self.voiced += now.since(since);
        let end = self.last_word().unwrap_or(now);
        self.last_voice = Some(self.last_voice.unwrap_or(end).max(end));
        self.settled |= self.gap || !self.has_text();
        self.gap = false;
    }

    /// End of the last word that was understood.
    fn last_word(&self) -> Option<CallTime> {
        let interim = self.interim.as_ref().and_then(|i| i.words.last());
        interim
            .or(self.words.last())
            .map(|w| w.end)
            .or(self.final_at)
    }

    fn append(&mut self, text: &str) {
        if !text.is_empty() && !self.finals.is_empty() {
            self.finals.push(' ');
        }
        self.finals.push_str(text);
    }

    /// Whether anything was voiced or understood since the last turn.
    pub(super) fn is_open(&self) -> bool {
        self.started.is_some()
    }

    pub(super) fn has_text(&self) -> bool {
        !self.finals.is_empty() || self.interim.is_some()
    }

    pub(super) fn is_speaking(&self) -> bool {
        self.speech.is_some()
    }

    /// Keys pressed, no words.
    pub(super) fn is_typed(&self) -> bool {
        self.typed
    }

    /// Whether the turn began before this time.
    pub(super) fn began_before(&self, time: CallTime) -> bool {
        self.started.is_some_and(|started| started < time)
    }

    /// Whether these are words of which the recogniser itself believes few.
    pub(super) fn is_unintelligible(&self) -> bool {
        let sum: f32 = self.words.iter().map(|w| w.confidence).sum();
        self.words.len() > 1 && sum < LEAST_CONFIDENCE * self.words.len() as f32
    }

    /// Keeps the words for the next turn.
    pub(super) fn carry(&mut self) {
        let (text, words) = self.take_words();
        self.reset();
        self.carried = Some((text, words));
    }

    /// The turn's words, behind those that were carried over.
    pub(super) fn whole_text(&self) -> String {
        match &self.carried {
            Some((before, _)) => format!("{before} {}", self.text()),
            None => self.text(),
        }
    }

    fn take_words(&mut self) -> (String, Vec<Word>) {
        let text = self.whole_text();
        let mut words = self.carried.take().map(|c| c.1).unwrap_or_default();
        words.append(&mut self.words);
        if let Some(interim) = self.interim.take() {
            self.known.learn(&interim.words);
            words.extend(interim.words);
        }
        (text, words)
    }

    pub(super) fn text(&self) -> String {
        match &self.interim {
            Some(interim) if self.finals.is_empty() => interim.text.expose().clone(),
            Some(interim) => format!("{} {}", self.finals, interim.text.expose()),
            None => self.finals.clone(),
        }
    }

    /// When an unanswered `Finalize` counts as answered, if it is waited for.
    pub(super) fn settles_at(&self) -> Option<CallTime> {
        let waiting = !self.settled && self.interim.is_none() && !self.finals.is_empty();
        self.finalize_sent
            .filter(|_| waiting && !self.is_speaking())
            .map(|t| t + FINALIZE_GRACE)
    }

    /// Judges how the words end, if they or the question have changed. `asked` is what the agent waits for.
    pub(super) fn judge(&mut self, asked: Option<Question>) {
        let is_known = self
            .judged
            .is_some_and(|(changes, of, _)| changes == self.changes && of == asked);
        if !is_known {
            let pause = match self.has_text() && !self.typed {
                true => pause_after(&self.text(), asked),
                false => Pause::Plain,
            };
            self.judged = Some((self.changes, asked, pause));
        }
    }

    /// How the turn's words end.
    pub(super) fn pause(&self) -> Pause {
        self.judged.map_or(Pause::Plain, |(_, _, pause)| pause)
    }

    /// When a turn with words is over, if nothing more comes.
    pub(super) fn endpoint_at(&self, config: &TurnConfig) -> Option<CallTime> {
        let last = self.last_voice?;
        if self.is_speaking() || !self.has_text() {
            return None;
        }
        let patience = match (self.settled, self.pause()) {
            (true, pause) => config.patience(pause),
            (false, Pause::Dictating | Pause::Incomplete) => config.max_delay + LATE_FINAL,
            (false, Pause::Plain | Pause::Unfinished) => config.max_delay,
        };
        Some(last + patience)
    }

    /// When a turn without words is given up.
    pub(super) fn gives_up_at(&self, config: &TurnConfig) -> Option<CallTime> {
        if self.is_speaking() || self.has_text() || !self.is_open() {
            return None;
        }
        let patience = if self.settled {
            config.min_delay.max(Duration::from_secs(1))
        } else {
            config.max_delay
        };
        Some(self.last_voice? + patience)
    }

    /// Ends the turn and starts an empty one.
    pub(super) fn take(&mut self, index: u32, endpoint_at: CallTime) -> UserTurn {
        let (text, words) = self.take_words();
        let ended = self.last_voice.unwrap_or(endpoint_at);
        let started = self.started.unwrap_or(ended);
        let turn = UserTurn {
            index,
            text: Phi::new(text),
            words,
            started,
            ended,
            final_at: self.final_at,
            endpoint_at,
        };
        self.reset();
        turn
    }

    /// Forgets the turn, but not that the caller speaks.
    pub(super) fn reset(&mut self) {
        *self = Self {
            speech: self.speech,
            started: self.speech,
            heard_at: self.heard_at,
            known: std::mem::take(&mut self.known),
            carried: self.carried.take(),
            ..Self::default()
        };
    }
}

fn classify(text: &str) -> Fresh {
    if text.trim().is_empty() {
        Fresh::Nothing
    } else if is_backchannel(text) {
        Fresh::Backchannel
    } else {
        Fresh::Words
    }
}
