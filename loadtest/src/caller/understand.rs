//! What the caller makes of the agent's words: whether the last of them were one of the questions that the scenario knows.
//!
//! The caller listens to the recording of their own phone and nothing else, as a person would.

use crate::{
    sim::hear::{Corpus, Recogniser, Utterance, features::Extractor, segment::Segmenter},
    speech::{Flite, SpeechError, Voice},
};

use super::script::{Reply, Scenario};

/// A question is at most so many runs of speech.
const MOST_CHUNKS: usize = 4;
/// Shorter speech than this, in frames of 16 ms, fits too much.
const SHORTEST: usize = 50;
/// What follows a question within so many frames of 16 ms is its echo, not another sentence.
const END_TOLERANCE: usize = 25;

/// Ears for the questions of one scenario.
#[derive(Debug)]
pub(super) struct Understanding {
    recogniser: Recogniser,
}

impl Understanding {
    /// Learns the questions, in the agent's voice; `None` for a scenario that replies to none.
    ///
    /// # Errors
    /// As [`Flite::say`].
    pub(super) async fn of(
        scenario: &Scenario,
        flite: &Flite,
    ) -> Result<Option<Self>, SpeechError> {
        if scenario.replies.is_empty() {
            return Ok(None);
        }
        let question = |(number, reply): (usize, &Reply)| Utterance {
            id: number.to_string(),
            say: reply.hears.clone(),
            text: None,
            voice: Voice::Slt,
        };
        let utterances = scenario.replies.iter().enumerate().map(question).collect();
        let recogniser = Recogniser::build(&Corpus { utterances }, flite).await?;
        Ok(Some(Self { recogniser }))
    }

    /// The number of the reply whose question was the last thing heard.
    pub(super) fn last_question(&self, heard: &[i16]) -> Option<usize> {
        let (mut frames, mut segmenter) = (Vec::new(), Segmenter::default());
        Extractor::default().push(heard, &mut frames);
        for frame in &frames {
            segmenter.push(frame);
        }
        let chunks = segmenter.take();
        let end = chunks.last()?.end;
        (1..=chunks.len().min(MOST_CHUNKS)).find_map(|count| {
            let tail = &chunks[chunks.len() - count..];
            let heard = self.recogniser.recognise(&frames, tail, true);
            let last = heard.last()?;
            let (from, to) = (last.words.first()?.start, last.words.last()?.end);
            let is_it = to + END_TOLERANCE >= end && to - from >= SHORTEST;
            last.id.parse().ok().filter(|_| is_it)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKS_AGAIN: &str = "Sorry, I lost you for a second. Could you say that again?";
    const WHICH: &str = "Which of those times works best for you?";

    async fn heard(sentences: &[&str]) -> Option<usize> {
        let yaml = format!(
            "{{name: t, from: a, to: b, replies: [{{hears: '{ASKS_AGAIN}'}}, {{hears: '{WHICH}', say: The first one is fine.}}]}}"
        );
        let scenario = Scenario::parse(&yaml).expect("a scenario");
        let flite = Flite::new(std::env::temp_dir().join("loadtest-flite-cache")).expect("a cache");
        let ears = Understanding::of(&scenario, &flite).await.expect("learnt");
        let mut samples = vec![0; 4_000];
        for sentence in sentences {
            let spoken = flite.say(Voice::Slt, sentence).await.expect("spoken");
            samples.extend(&spoken.telephone().samples);
            samples.extend([0; 1_600]);
        }
        samples.extend([0; 8_000]);
        ears.expect("replies").last_question(&samples)
    }

    #[tokio::test]
    async fn a_question_is_understood_after_whatever_came_before_it() {
        assert_eq!(heard(&[ASKS_AGAIN]).await, Some(0));
        assert_eq!(
            heard(&["Maple Dental, how can I help you?", ASKS_AGAIN]).await,
            Some(0)
        );
        assert_eq!(
            heard(&["I have Tuesday at nine with Nina Castellanos.", WHICH]).await,
            Some(1)
        );
    }

    #[tokio::test]
    async fn what_is_no_question_of_the_scenario_is_not_understood() {
        for other in [
            "You are booked for Tuesday, December first at nine A M. Is there anything else I can help you with?",
            "Yes, Blue Cross P P O covers dental cleaning, and your copay is 25 dollars. Would you like me to book an appointment?",
            "Great. May I have your full name and date of birth, please?",
            "Thank you for calling. Have a nice day, goodbye.",
        ] {
            assert_eq!(heard(&[other]).await, None, "{other}");
        }
        // An apology that goes on with the answer asks for nothing.
        assert_eq!(
            heard(&[ASKS_AGAIN, "You are booked for Tuesday."]).await,
            None
        );
    }
}
