use std::time::Duration;

use super::*;
use crate::{
    domain::{conversation::Word, phi::Phi},
    providers::stt::Transcript,
};

mod answers;
mod dictation;
mod floor;
mod greeting;
mod last_words;
mod noise;
mod overlaps;
mod properties;
mod strangers;
mod turns;

pub(super) fn at(ms: u64) -> CallTime {
    CallTime::from_millis(ms)
}

pub(super) fn config() -> TurnConfig {
    TurnConfig::new(
        &PipelineConfig::default(),
        Duration::from_secs(30),
        Duration::from_secs(600),
    )
}

/// A transcript whose words end at `end_ms`, each 100 ms long.
pub(super) fn heard(text: &str, end_ms: u64, is_final: bool) -> Transcript {
    let texts: Vec<&str> = text.split_whitespace().collect();
    let count = texts.len() as u64;
    let words = texts.iter().enumerate().map(|(i, text)| Word {
        text: Phi::new((*text).to_owned()),
        start: at(end_ms.saturating_sub((count - i as u64) * 100)),
        end: at(end_ms.saturating_sub((count - i as u64 - 1) * 100)),
        confidence: 0.9,
    });
    Transcript {
        text: Phi::new(text.to_owned()),
        words: words.collect(),
        is_final,
        speech_final: false,
        from_finalize: is_final,
    }
}

/// Drives the machine and prints outputs as short words.
pub(super) struct Driver {
    pub(super) turn: TurnMachine,
    /// The time of the last input.
    pub(super) last: u64,
}

impl Driver {
    /// A call that rings.
    pub(super) fn ringing() -> Self {
        Self {
            turn: TurnMachine::new(at(0), config(), Opening::Greeting, 0),
            last: 0,
        }
    }

    /// A call in which the greeting was played.
    pub(super) fn greeted() -> Self {
        let mut driver = Self::ringing();
        assert_eq!(driver.feed(0, Input::CallerActive), ["say Greeting 1"]);
        driver.feed(100, Input::PlayoutStarted(UtteranceId(1)));
        driver.feed(1000, Input::PlayoutFinished(UtteranceId(1)));
        driver
    }

    pub(super) fn feed(&mut self, ms: u64, input: Input) -> Vec<String> {
        self.last = ms;
        self.turn.handle_input(at(ms), input);
        self.drain(ms)
    }

    /// Lets time pass to `ms`, timeouts included.
    pub(super) fn until(&mut self, ms: u64) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(due) = self.turn.deadline().filter(|due| *due <= at(ms)) {
            seen.extend(self.feed(due.as_millis(), Input::Timeout));
        }
        seen
    }

    /// A greeted call whose first answer is this text; it sounds from 4000 ms on, all of it is with the playout.
    pub(super) fn answered(text: &str) -> Self {
        let mut call = Self::greeted();
        call.speak(2000, 3000, "I need a cleaning.");
        call.until(3500);
        call.says(2, text);
        call.feed(4000, Input::PlayoutStarted(UtteranceId(2)));
        call.feed(4100, Input::ReplyFinished(UtteranceId(2)));
        call
    }

    /// As [`Self::answered`], and the answer was played to its end at 5000 ms.
    pub(super) fn asked(text: &str) -> Self {
        let mut call = Self::answered(text);
        call.feed(5000, Input::PlayoutFinished(UtteranceId(2)));
        call
    }

    /// Text of the utterance goes to the playout.
    pub(super) fn says(&mut self, utterance: u32, text: &str) {
        let input = Input::AgentSays {
            utterance: UtteranceId(utterance),
            text: Phi::new(text.to_owned()),
        };
        self.turn.handle_input(at(self.last), input);
    }

    /// Until then, what was committed and when.
    pub(super) fn commits(&mut self, ms: u64) -> Vec<(u64, String)> {
        let mut seen = Vec::new();
        while let Some(due) = self.turn.deadline().filter(|due| *due <= at(ms)) {
            let outputs = self.feed(due.as_millis(), Input::Timeout);
            seen.extend(committed(due.as_millis(), &outputs));
        }
        seen
    }

    /// Speech with one final transcript that answers `Finalize`; the VAD reports its end 200 ms late.
    pub(super) fn speak(&mut self, from: u64, to: u64, text: &str) -> Vec<String> {
        let mut seen = self.feed(from + 60, Input::SpeechStarted { at: at(from) });
        seen.extend(self.until(to + 200));
        seen.extend(self.feed(to + 200, Input::SpeechEnded { at: at(to) }));
        seen.extend(self.feed(to + 300, Input::Transcript(heard(text, to, true))));
        seen
    }

    fn drain(&mut self, ms: u64) -> Vec<String> {
        let due = self.turn.deadline();
        assert!(
            due.is_none_or(|due| due > at(ms)),
            "deadline {due:?} is not after {ms}"
        );
        std::iter::from_fn(|| self.turn.poll_output())
            .map(|o| short(&o))
            .collect()
    }
}

/// The texts among the outputs that were committed.
pub(super) fn committed(ms: u64, outputs: &[String]) -> Vec<(u64, String)> {
    let texts = outputs.iter().filter_map(|o| o.strip_prefix("commit "));
    texts
        .map(|t| (ms, t.trim_matches('"').to_owned()))
        .collect()
}

pub(super) fn short(output: &Output) -> String {
    match output {
        Output::Finalize => "finalize".into(),
        Output::CommitUserTurn(turn) => format!("commit {:?}", turn.text.expose()),
        Output::StartReply {
            utterance,
            draft: Some(_),
        } => format!("speculate {}", utterance.0),
        Output::StartReply {
            utterance,
            draft: None,
        } => format!("reply {}", utterance.0),
        Output::ReleaseReply(utterance) => format!("release {}", utterance.0),
        Output::CancelReply(utterance) => format!("cancel {}", utterance.0),
        Output::Say(utterance, line) => format!("say {line:?} {}", utterance.0),
        Output::Filler { utterance, .. } => format!("filler {}", utterance.0),
        Output::PausePlayout => "pause".into(),
        Output::ResumePlayout => "resume".into(),
        Output::StopPlayout { barge_in: true } => "stop".into(),
        Output::StopPlayout { barge_in: false } => "hush".into(),
        Output::End(why) => format!("end {}", why.as_str()),
    }
}
