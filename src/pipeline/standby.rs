//! Ears before the floor: an heir hears the caller while another pod still speaks, so that no word is lost when the call passes to it.

use std::{future::Future, time::Duration};

use super::{
    session::{SessionIo, WarmSession},
    turn::Input,
};
use crate::domain::call_time::CallTime;

/// A voice that ended less long ago may not have been heard to its end by the pod that had the floor: it is answered here. That pod yields only when it hears nobody, and the two
/// detectors differ by less.
const DOUBT: Duration = Duration::from_millis(300);

/// What the heir heard that the pod before it did not answer. Pure.
#[derive(Debug, Default)]
pub struct Overheard {
    inputs: Vec<Input>,
    /// End of the last stretch of speech; none while the caller speaks.
    ended: Option<CallTime>,
}

impl Overheard {
    fn note(&mut self, now: CallTime, input: Input) {
        match input {
            Input::SpeechStarted { .. } => {
                if self.is_over(now) {
                    self.inputs.clear();
                }
                self.ended = None;
            }
            Input::SpeechEnded { .. } => self.ended = Some(now),
            _ if self.inputs.is_empty() => return,
            _ => {}
        }
        self.inputs.push(input);
    }

    fn is_over(&self, now: CallTime) -> bool {
        self.ended.is_some_and(|at| now.since(at) > DOUBT)
    }

    /// What is left to answer when the floor is ours.
    fn at_the_floor(mut self, now: CallTime) -> Self {
        if self.is_over(now) {
            self.inputs.clear();
        }
        self
    }

    /// In order.
    pub(super) fn into_inputs(self) -> Vec<Input> {
        self.inputs
    }
}

impl WarmSession {
    /// Listens along until `floor` is ready, and returns what it brought and what is to be answered.
    pub async fn listen_along<T>(
        &mut self,
        io: &mut SessionIo,
        floor: impl Future<Output = T>,
    ) -> (T, Overheard) {
        let mut heard = Overheard::default();
        let mut floor = std::pin::pin!(floor);
        let mut is_audio_over = false;
        loop {
            tokio::select! {
                biased;
                floor = &mut floor => {
                    return (floor, heard.at_the_floor(io.clock.now()));
                }
                event = self.hearing.next() => {
                    let now = io.clock.now();
                    if let Some(input) = self.hearing.handle(now, event) {
                        heard.note(now, input);
                    }
                }
                frame = io.audio_in.recv(), if !is_audio_over => match frame {
                    Some(frame) => self.hearing.frame(frame),
                    None => is_audio_over = true,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> CallTime {
        CallTime::from_millis(ms)
    }

    fn spoke(heard: &mut Overheard, from: u64, to: u64) {
        heard.note(at(from + 60), Input::SpeechStarted { at: at(from) });
        heard.note(at(to), Input::SpeechEnded { at: at(to - 100) });
    }

    fn left(heard: Overheard, now: u64) -> usize {
        heard.at_the_floor(at(now)).into_inputs().len()
    }

    #[test]
    fn what_the_other_pod_heard_to_its_end_is_not_answered_twice() {
        let mut heard = Overheard::default();
        spoke(&mut heard, 1000, 2000);
        assert_eq!(left(heard, 5000), 0);
    }

    #[test]
    fn a_voice_that_speaks_on_or_has_just_ended_is_ours() {
        let mut heard = Overheard::default();
        spoke(&mut heard, 1000, 2000);
        heard.note(at(4000), Input::SpeechStarted { at: at(3900) });
        heard.note(
            at(4500),
            Input::UtteranceEnd {
                last_word_end: None,
            },
        );
        assert_eq!(left(heard, 5000), 2, "without the speech before it");
        let mut heard = Overheard::default();
        spoke(&mut heard, 4000, 4900);
        assert_eq!(left(heard, 5000), 2);
    }

    #[test]
    fn words_without_a_voice_belong_to_what_was_said_before() {
        let mut heard = Overheard::default();
        heard.note(
            at(100),
            Input::UtteranceEnd {
                last_word_end: None,
            },
        );
        assert_eq!(left(heard, 200), 0);
    }
}
