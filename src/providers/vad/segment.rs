//! Speech probabilities into stretches of speech. Pure: time comes with each window.

use super::{VadEvent, WINDOW};
use crate::domain::call_time::CallTime;

/// From here on a window is speech.
const ENTER: f32 = 0.5;
/// Below it, once in speech, a window is silence. Between the two it is what the one before was.
const LEAVE: f32 = 0.35;
/// Windows of speech in a row that begin it: 64 ms, so that a click does not.
const TO_START: u32 = 2;
/// Windows of silence in a row that end it: 160 ms, more than the closure of a plosive. How long a pause ends a *turn* is the
/// turn machine's decision; it counts from `last_voiced`.
const TO_END: u32 = 5;

/// The state of one call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segmenter {
    speaking: bool,
    /// Windows in a row that speak against the state.
    run: u32,
    /// Start of the run, while not speaking.
    began: CallTime,
    /// End of the last voiced window, while speaking.
    last_voiced: CallTime,
}

impl Segmenter {
    /// Takes the probability of speech in the window that starts at `start`.
    pub fn push(&mut self, start: CallTime, probability: f32) -> Option<VadEvent> {
        if self.speaking {
            self.in_speech(start, probability)
        } else {
            self.in_silence(start, probability)
        }
    }

    fn in_silence(&mut self, start: CallTime, probability: f32) -> Option<VadEvent> {
        if probability < LEAVE {
            self.run = 0;
        }
        if probability < ENTER {
            return None;
        }
        if self.run == 0 {
            self.began = start;
        }
        self.run += 1;
        if self.run < TO_START {
            return None;
        }
        let at = self.began;
        *self = Self {
            speaking: true,
            last_voiced: start + WINDOW,
            ..Self::default()
        };
        Some(VadEvent::SpeechStarted { at })
    }

    fn in_speech(&mut self, start: CallTime, probability: f32) -> Option<VadEvent> {
        if probability >= LEAVE {
            self.run = 0;
            self.last_voiced = start + WINDOW;
            return None;
        }
        self.run += 1;
        if self.run < TO_END {
            return None;
        }
        let last_voiced = self.last_voiced;
        *self = Self::default();
        Some(VadEvent::SpeechEnded { last_voiced })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(probabilities: &[f32]) -> Vec<VadEvent> {
        let mut segmenter = Segmenter::default();
        let starts = (0u32..).map(|n| CallTime::ZERO + WINDOW * n);
        starts
            .zip(probabilities)
            .filter_map(|(start, p)| segmenter.push(start, *p))
            .collect()
    }

    fn windows(n: u64) -> CallTime {
        CallTime::from_millis(n * 32)
    }

    #[test]
    fn a_word_starts_at_its_first_window_and_ends_at_its_last_voiced_one() {
        let events = run(&[0.1, 0.6, 0.9, 0.9, 0.4, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
        let expected = [
            VadEvent::SpeechStarted { at: windows(1) },
            VadEvent::SpeechEnded {
                last_voiced: windows(5),
            },
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_click_and_a_murmur_are_not_speech() {
        assert_eq!(run(&[0.1, 0.9, 0.1, 0.1, 0.9, 0.2]), []);
        assert_eq!(run(&[0.45; 50]), []);
    }

    #[test]
    fn a_plosive_does_not_end_a_word() {
        let mut word = vec![0.9; 5];
        word.extend([0.1; 4]);
        word.extend([0.9; 5]);
        assert_eq!(run(&word), [VadEvent::SpeechStarted { at: windows(0) }]);
    }

    proptest! {
        #[test]
        fn starts_and_ends_take_turns_and_time_does_not_run_back(
            probabilities in prop::collection::vec(0f32..=1.0, 0..400),
        ) {
            let mut last = None;
            for event in run(&probabilities) {
                match (last, event) {
                    (None | Some(VadEvent::SpeechEnded { .. }), VadEvent::SpeechStarted { .. }) => {}
                    (Some(VadEvent::SpeechStarted { at }), VadEvent::SpeechEnded { last_voiced }) => {
                        prop_assert!(last_voiced > at);
                    }
                    (before, event) => prop_assert!(false, "{event:?} after {before:?}"),
                }
                last = Some(event);
            }
        }
    }
}
