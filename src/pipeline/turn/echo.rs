//! What the agent said last: the question that is open, and the words that a phone may send back to us.

use std::{collections::VecDeque, time::Duration};

use super::words::{Question, is_asking, norm_words};
use crate::{
    domain::{call_time::CallTime, phi::Phi},
    media::playout::UtteranceId,
    providers::stt::Transcript,
};

/// Utterances remembered.
const KEPT: usize = 6;

/// Characters remembered of one.
const LONGEST: usize = 4000;

/// An echo is understood so long after it sounded, at most.
const MEMORY: Duration = Duration::from_secs(2);

/// The way to the caller's phone and back.
const ROUND_TRIP: Duration = Duration::from_millis(400);

/// Words in a row that nobody says by chance while the agent says them.
const SURE: usize = 3;

/// Words in front of the caller's own that are taken for an echo.
const SURE_PREFIX: usize = 5;

/// A word that orders the agent is never an echo.
const ORDERS: [&str; 9] = [
    "stop", "wait", "no", "yes", "hello", "okay", "help", "sorry", "nope",
];

/// Words that are no answer by themselves.
const FUNCTION_WORDS: &str = "a an the and or but of to in on at for with from by is are was be been am i you we they he she it that \
    this there have has had do does did can could will would shall should may might me my your our their his her us them so as if \
    then than just also not let like";

/// Whether words are the agent's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// The caller's.
    No,
    /// So many words at the beginning are the agent's.
    Words(usize),
    /// One or two words that both may have said: more will tell.
    Doubtful,
}

#[derive(Debug)]
struct Spoken {
    id: UtteranceId,
    text: Phi<String>,
    started: Option<CallTime>,
    ended: Option<CallTime>,
    /// It leaves the question before it open.
    is_aside: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Said {
    spoken: VecDeque<Spoken>,
    question: Option<Question>,
}

impl Said {
    /// A part of the utterance's text.
    pub(super) fn says(&mut self, id: UtteranceId, text: &Phi<String>) {
        let spoken = self.entry(id);
        if spoken.text.expose().len() < LONGEST {
            let joined = format!("{} {}", spoken.text.expose(), text.expose());
            spoken.text = Phi::new(joined.trim_start().to_owned());
            self.find_question();
        }
    }

    /// The utterance leaves the question before it open.
    pub(super) fn is_aside(&mut self, id: UtteranceId) {
        self.entry(id).is_aside = true;
    }

    /// Words from before this machine's time.
    pub(super) fn remember(&mut self, text: &Phi<String>) {
        let id = UtteranceId(0);
        self.says(id, text);
        self.started(CallTime::ZERO, id);
        self.ended(CallTime::ZERO, id);
    }

    fn entry(&mut self, id: UtteranceId) -> &mut Spoken {
        let place = self.spoken.iter().position(|s| s.id == id);
        let place = place.unwrap_or_else(|| {
            if self.spoken.len() == KEPT {
                self.spoken.pop_front();
            }
            self.spoken.push_back(Spoken {
                id,
                text: Phi::default(),
                started: None,
                ended: None,
                is_aside: false,
            });
            self.spoken.len() - 1
        });
        &mut self.spoken[place]
    }

    pub(super) fn started(&mut self, now: CallTime, id: UtteranceId) {
        if let Some(spoken) = self.spoken.iter_mut().find(|s| s.id == id) {
            spoken.started.get_or_insert(now);
            self.find_question();
        }
    }

    pub(super) fn ended(&mut self, now: CallTime, id: UtteranceId) {
        if let Some(spoken) = self.spoken.iter_mut().find(|s| s.id == id) {
            spoken.ended.get_or_insert(now);
        }
    }

    /// All is silent.
    pub(super) fn silenced(&mut self, now: CallTime) {
        for spoken in &mut self.spoken {
            spoken.ended.get_or_insert(now);
        }
    }

    /// What the caller is asked for.
    pub(super) fn question(&self) -> Option<Question> {
        self.question
    }

    fn find_question(&mut self) {
        let last = self.last_heard(|s| !s.is_aside);
        self.question = last.and_then(|spoken| Question::of(spoken.text.expose()));
    }

    /// The last words that were heard wait for an answer.
    pub(super) fn is_asking(&self) -> bool {
        self.last_heard(|_| true)
            .is_some_and(|s| is_asking(s.text.expose()))
    }

    /// The last words that were heard are known, and ask for nothing.
    pub(super) fn only_states(&self) -> bool {
        self.last_heard(|_| true)
            .is_some_and(|s| !s.text.expose().is_empty() && !s.text.expose().contains('?'))
    }

    fn last_heard(&self, which: impl Fn(&Spoken) -> bool) -> Option<&Spoken> {
        self.spoken
            .iter()
            .rev()
            .find(|s| s.started.is_some() && which(s))
    }

    /// Whether the transcript is what the agent says right now, or said a moment ago.
    pub(super) fn echo(&self, now: CallTime, transcript: &Transcript) -> Echo {
        let heard = norm_words(transcript.text.expose());
        if heard.is_empty()
            || heard
                .iter()
                .any(|w| heard.len() < SURE && ORDERS.contains(&w.as_str()))
        {
            return Echo::No;
        }
        let sounding = self.spoken.iter().filter(|s| s.may_echo(now, transcript));
        sounding
            .map(|spoken| spoken.echo(now, transcript, &heard))
            .max_by_key(|echo| match echo {
                Echo::No => 0,
                Echo::Doubtful => 1,
                Echo::Words(count) => *count + 1,
            })
            .unwrap_or(Echo::No)
    }
}

impl Spoken {
    /// Whether the words sounded while this did.
    fn may_echo(&self, now: CallTime, transcript: &Transcript) -> bool {
        let Some(started) = self.started else {
            return false;
        };
        let first = transcript.words.first().map_or(now, |w| w.start);
        let ended = self.ended.unwrap_or(now);
        first + ROUND_TRIP / 2 >= started && now <= ended + MEMORY
    }

    fn echo(&self, now: CallTime, transcript: &Transcript, heard: &[String]) -> Echo {
        let said = norm_words(self.text.expose());
        let asks = self.text.expose().contains('?');
        let ended = self.ended.unwrap_or(now);
        let places = (0..said.len()).filter_map(|from| {
            let count = alike(heard, &said[from..]);
            let last = transcript.words.get(count.checked_sub(1)?);
            let heard_at = last.or(transcript.words.last()).map_or(now, |w| w.end);
            let sounded = heard_at.since(self.started.unwrap_or(heard_at));
            let in_time = is_in_time(from + count, sounded, asks);
            (in_time && heard_at <= ended + ROUND_TRIP).then_some((from, count))
        });
        let Some((from, count)) = places.max_by_key(|(_, count)| *count) else {
            return Echo::No;
        };
        let whole = count == heard.len();
        if whole && count >= SURE || count >= SURE_PREFIX {
            return Echo::Words(count);
        }
        if !whole {
            return Echo::No;
        }
        let is_last_word = from + count == said.len();
        match (self.ended, transcript.is_final) {
            (None, false) => Echo::Doubtful,
            (None, true) if offers(&said, asks) || has_content(heard) => Echo::No,
            (None, true) => Echo::Words(count),
            (Some(_), _) if !asks && is_last_word => Echo::Words(count),
            (Some(_), _) => Echo::No,
        }
    }
}

/// How many words at the beginning of `heard` are those at the beginning of `said`; one in four may be misheard.
fn alike(heard: &[String], said: &[String]) -> usize {
    let mut same = 0;
    let mut best = 0;
    for (nth, (h, s)) in heard.iter().zip(said).enumerate() {
        // The last word of an interim transcript may be half a word.
        let is_cut = nth + 1 == heard.len() && h.len() > 2 && s.starts_with(h.as_str());
        if h == s || is_cut {
            same += 1;
            if same * 4 >= (nth + 1) * 3 {
                best = nth + 1;
            }
        } else if nth == 0 {
            return 0;
        }
    }
    best
}

/// Whether the agent may have said so many words in that time, and not long before. After a question, an answer in its own words is likelier.
fn is_in_time(words: usize, sounded: Duration, asks: bool) -> bool {
    let words = f64::from(u32::try_from(words).unwrap_or(u32::MAX));
    let slack = if asks { 1.0 } else { 3.0 };
    let sounded = sounded.as_secs_f64();
    words / 4.5 <= sounded + 1.0 && sounded <= words / 1.8 + slack
}

/// Whether a choice is offered, so that one of its words may be the answer.
fn offers(said: &[String], asks: bool) -> bool {
    asks || said.iter().any(|word| word == "or")
}

fn has_content(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| !FUNCTION_WORDS.split_whitespace().any(|known| known == word))
}
