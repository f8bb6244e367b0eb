//! The form of a timeline.

use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    config::PipelineConfig,
    domain::{call_time::CallTime, conversation::Word, phi::Phi},
    pipeline::turn::{BrokeOff, EndReason, Opening},
    providers::stt::Transcript,
};

/// Longest timeline: more is a slip of the pen.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// Length of a word whose time is not given.
const WORD: Duration = Duration::from_millis(300);

/// A point in time or a duration: a number is seconds, a text has its unit ("1500ms", "1.5s").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(pub(super) Duration);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong =
            || D::Error::custom("a time is a number of seconds, or a text such as 1500ms or 1.5s");
        let seconds = match Written::deserialize(deserializer).map_err(|_| wrong())? {
            Written::Seconds(seconds) => Some(seconds),
            Written::Text(text) => match text.strip_suffix("ms") {
                Some(ms) => ms.trim().parse().ok().map(|ms: f64| ms / 1000.0),
                None => text.strip_suffix('s').and_then(|s| s.trim().parse().ok()),
            },
        };
        let time = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        time.filter(|t| *t <= LONGEST).map(Self).ok_or_else(wrong)
    }
}

impl Time {
    /// On the call's clock.
    pub(super) fn point(self) -> CallTime {
        CallTime::from_duration(self.0)
    }
}

/// From, to.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Span(pub(super) Time, pub(super) Time);

/// What happens in a call. All times are counted from the beginning of the timeline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeline {
    /// How the agent begins.
    #[serde(default)]
    pub(super) opening: Begins,
    /// Text of the greeting.
    #[serde(default = "greeting")]
    pub(super) greeting: String,
    /// The agent's last words before the timeline.
    #[serde(default)]
    pub(super) remembers: Option<String>,
    /// As the configuration's section of this name.
    #[serde(default)]
    pub(super) pipeline: PipelineConfig,
    /// When the caller is on the line.
    #[serde(default)]
    pub(super) answered: Time,
    /// When the caller's voice sounds.
    #[serde(default)]
    pub(super) voice: Vec<Span>,
    /// What the recogniser understands.
    #[serde(default)]
    pub(super) transcripts: Vec<Heard>,
    /// Word gaps that the recogniser sees.
    #[serde(default)]
    pub(super) utterance_ends: Vec<Gap>,
    /// Keys that are pressed.
    #[serde(default)]
    pub(super) keys: Vec<Key>,
    /// The agent's replies, in the order in which they are asked for.
    #[serde(default)]
    pub(super) agent: Vec<Reply>,
    /// When the recogniser is away.
    #[serde(default)]
    pub(super) recogniser_lost: Vec<Span>,
    /// When the caller hangs up.
    #[serde(default)]
    pub(super) hangs_up: Option<Time>,
    /// When the timeline ends; a minute after its last event if it is not given.
    #[serde(default)]
    pub(super) until: Option<Time>,
}

/// See [`Opening`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Begins {
    #[default]
    Greeting,
    Apology,
    Return,
    Quiet,
}

/// A transcript.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Heard {
    /// When it comes.
    pub(super) at: Time,
    text: String,
    /// It will not change.
    #[serde(default, rename = "final")]
    is_final: bool,
    /// It answers our request for it; so by default if it is final.
    #[serde(default)]
    finalized: Option<bool>,
    /// The recogniser heard the end of an utterance.
    #[serde(default)]
    speech_final: bool,
    /// Start of the first word and end of the last.
    #[serde(default)]
    spoken: Option<Span>,
    /// Each word with its start and end.
    #[serde(default)]
    words: Option<Vec<(String, Time, Time)>>,
    /// The recogniser's, of each word.
    #[serde(default = "confidence")]
    confidence: f32,
}

/// A message about a gap behind a word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gap {
    pub(super) at: Time,
    #[serde(default)]
    pub(super) last_word_end: Option<Time>,
}

/// A key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) at: Time,
    pub(super) key: char,
}

/// A reply as it will sound.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) text: String,
    /// It sounds from here on, or as soon as it was asked for.
    #[serde(default)]
    pub(super) from: Option<Time>,
    /// So long after it was asked for, if `from` is not given.
    #[serde(default = "thinking")]
    pub(super) after: Time,
    /// Its end, if nothing holds it up.
    #[serde(default)]
    pub(super) to: Option<Time>,
    /// When tools run: nothing sounds.
    #[serde(default)]
    pub(super) tools: Vec<Span>,
    /// A tool ends the call with it.
    #[serde(default)]
    pub(super) then: Option<Then>,
    /// It breaks off.
    #[serde(default)]
    pub(super) breaks: Option<Breaks>,
}

/// See [`EndReason`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    Goodbye,
    Transfer,
}

/// See [`BrokeOff`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Breaks {
    Unbegun,
    Unheard,
    Spoken,
}

impl From<Begins> for Opening {
    fn from(begins: Begins) -> Self {
        match begins {
            Begins::Greeting => Self::Greeting,
            Begins::Apology => Self::Apology,
            Begins::Return => Self::Return,
            Begins::Quiet => Self::Quiet,
        }
    }
}

impl From<Then> for EndReason {
    fn from(then: Then) -> Self {
        match then {
            Then::Goodbye => Self::Goodbye,
            Then::Transfer => Self::Transfer,
        }
    }
}

impl From<Breaks> for BrokeOff {
    fn from(breaks: Breaks) -> Self {
        match breaks {
            Breaks::Unbegun => Self::Unbegun,
            Breaks::Unheard => Self::Unheard,
            Breaks::Spoken => Self::Spoken,
        }
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            text: "All right.".to_owned(),
            from: None,
            after: thinking(),
            to: None,
            tools: Vec::new(),
            then: None,
            breaks: None,
        }
    }
}

fn greeting() -> String {
    "Thank you for calling the clinic. How can I help you?".to_owned()
}

const fn confidence() -> f32 {
    0.9
}

const fn thinking() -> Time {
    Time(Duration::from_millis(800))
}

impl Timeline {
    /// From YAML.
    pub(super) fn parse(yaml: &str) -> anyhow::Result<Self> {
        let timeline: Self = serde_yaml_ng::from_str(yaml).context("read the timeline")?;
        let tools = timeline.agent.iter().flat_map(|reply| &reply.tools);
        let mut spans = timeline
            .voice
            .iter()
            .chain(&timeline.recogniser_lost)
            .chain(tools);
        if let Some(Span(from, to)) = spans.find(|span| span.0 >= span.1) {
            bail!(
                "the span from {:?} to {:?} does not end after it begins",
                from.0,
                to.0
            );
        }
        if timeline.voice.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            bail!("voice: each stretch begins after the one before it");
        }
        Ok(timeline)
    }

    /// The end.
    pub(super) fn end(&self) -> CallTime {
        let spans = self.voice.iter().chain(&self.recogniser_lost).map(|s| s.1);
        let heard = self.transcripts.iter().map(|t| t.at);
        let gaps = self.utterance_ends.iter().map(|g| g.at);
        let keys = self.keys.iter().map(|k| k.at);
        let agent = self.agent.iter().filter_map(|r| r.to.or(r.from));
        let points = spans.chain(heard).chain(gaps).chain(keys).chain(agent);
        let last = points.max().unwrap_or_default();
        self.until
            .map_or(last.point() + Duration::from_secs(60), Time::point)
    }

    /// The transcript as the recogniser gives it. Without times of its own it ends with the voice that sounded last.
    pub(super) fn transcript(&self, heard: &Heard) -> Transcript {
        let is_finalized = heard.finalized.unwrap_or(heard.is_final);
        Transcript {
            text: Phi::new(heard.text.clone()),
            words: self.words(heard),
            is_final: heard.is_final,
            speech_final: heard.speech_final,
            from_finalize: heard.is_final && is_finalized,
        }
    }

    fn words(&self, heard: &Heard) -> Vec<Word> {
        let word = |text: &str, start: CallTime, end: CallTime| Word {
            text: Phi::new(text.to_owned()),
            start,
            end,
            confidence: heard.confidence,
        };
        if let Some(words) = &heard.words {
            let timed = words.iter();
            return timed
                .map(|(text, from, to)| word(text, from.point(), to.point()))
                .collect();
        }
        let texts: Vec<&str> = heard.text.split_whitespace().collect();
        let count = u32::try_from(texts.len()).unwrap_or(u32::MAX).max(1);
        let (from, to) = match heard.spoken {
            Some(Span(from, to)) => (from.point(), to.point()),
            None => self.spoken(heard.at, WORD * count),
        };
        let each = to.since(from) / count;
        (0..)
            .zip(&texts)
            .map(|(nth, text)| word(text, from + each * nth, from + each * (nth + 1)))
            .collect()
    }

    fn spoken(&self, at: Time, length: Duration) -> (CallTime, CallTime) {
        let voice = self.voice.iter().rfind(|span| span.0 < at);
        let to = voice.map_or(at, |span| span.1.min(at)).point();
        let begin = voice.map_or(CallTime::ZERO, |span| span.0.point());
        ((to - length).max(begin), to)
    }
}
