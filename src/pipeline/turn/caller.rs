//! The caller's side: the turn that is being spoken.

use std::time::Duration;

use super::{
    TurnConfig,
    io::UserTurn,
    words::{is_backchannel, is_unfinished},
};
use crate::{
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    providers::stt::Transcript,
};

/// Time after which a `Finalize` that had nothing to finalise counts as answered.
const FINALIZE_GRACE: Duration = Duration::from_millis(700);

/// Voice shorter than this holds no word: what was settled stays settled.
const BLIP: Duration = Duration::from_millis(150);

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
    /// Words before this are known: replays and duplicates are dropped.
    known_until: Option<CallTime>,
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
        let transcript = self.without_known(transcript);
        let fresh = classify(transcript.text.expose());
        if fresh != Fresh::Nothing {
            let first = transcript.words.first().map_or(now, |w| w.start);
            let last = transcript.words.last().map_or(now, |w| w.end);
            self.started.get_or_insert(first);
            self.last_voice.get_or_insert(last);
        }
        if transcript.is_final {
            self.take_final(now, transcript, fresh);
        } else if fresh != Fresh::Nothing {
            self.settled = false;
            self.interim = Some(transcript);
        }
        fresh
    }

    fn take_final(&mut self, now: CallTime, transcript: Transcript, fresh: Fresh) {
        self.interim = None;
        self.final_at = Some(now);
        let ends = transcript.speech_final || transcript.from_finalize;
        self.settled = ends || (self.settled && fresh == Fresh::Nothing);
        self.append(transcript.text.expose());
        if let Some(last) = transcript.words.last() {
            self.known_until = Some(last.end);
        }
        self.words.extend(transcript.words);
    }

    /// Keys count as words that are certain.
    pub(super) fn typed(&mut self, now: CallTime, text: &str) {
        self.started.get_or_insert(now);
        self.last_voice.get_or_insert(now);
        self.append(text);
        self.settled = true;
    }

    /// The recogniser sees the end of the utterance. It outvotes a voice detector that takes lasting noise for a voice.
    pub(super) fn utterance_ended(&mut self) {
        if self.interim.is_none() && !self.finals.is_empty() {
            self.speech = None;
            self.settled = true;
        }
    }

    fn append(&mut self, text: &str) {
        if !text.is_empty() && !self.finals.is_empty() {
            self.finals.push(' ');
        }
        self.finals.push_str(text);
    }

    /// Drops words that an earlier final transcript already brought.
    fn without_known(&self, mut transcript: Transcript) -> Transcript {
        let Some(known) = self.known_until else {
            return transcript;
        };
        let before = transcript.words.len();
        transcript
            .words
            .retain(|w| w.start + w.end.since(w.start) / 2 >= known);
        if transcript.words.len() < before {
            let rest: Vec<&str> = transcript
                .words
                .iter()
                .map(|w| w.text.expose().as_str())
                .collect();
            transcript.text = Phi::new(rest.join(" "));
        }
        transcript
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

    /// When a turn with words is over, if nothing more comes.
    pub(super) fn endpoint_at(&self, config: &TurnConfig) -> Option<CallTime> {
        let last = self.last_voice?;
        if self.is_speaking() || !self.has_text() {
            return None;
        }
        let patience = if !self.settled {
            config.max_delay
        } else if is_unfinished(&self.text()) {
            (config.min_delay + config.max_delay) / 2
        } else {
            config.min_delay
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
        let text = self.text();
        let mut words = std::mem::take(&mut self.words);
        words.extend(self.interim.take().into_iter().flat_map(|i| i.words));
        self.known_until = words.last().map(|w| w.end).or(self.known_until);
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
            known_until: self.known_until,
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
