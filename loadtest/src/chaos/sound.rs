//! What a recording says of a fault: the silence around it, and whether two agents ever sounded at once. Pure.

use std::{ops::Range, time::Duration};

use serde::Serialize;

use crate::caller::{
    measure::{VOICE_DBFS, loud, voiced},
    recording::{RATE, Recording},
};

/// Sounds of two agents within so long of each other are one overlap.
const NEAR: Duration = Duration::from_millis(300);
/// Two agents at once for longer than this are heard as two: below it lie the jitter buffers of two tracks.
pub const TWO_VOICES: Duration = Duration::from_millis(60);

/// A stretch of sound on the recording's clock.
pub type Span = Range<Duration>;

/// A call's sound without its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// When the caller spoke.
    pub caller: Vec<Span>,
    /// When any agent spoke.
    pub agent: Vec<Span>,
    /// When each agent spoke, by identity, in the order in which they came.
    pub agents: Vec<(String, Vec<Span>)>,
    /// When two agents sounded at once.
    pub overlaps: Vec<Overlap>,
}

/// Two agents at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Who.
    pub agents: [String; 2],
    /// When it began, ms of the recording.
    pub at_ms: f64,
    /// How long both were loud, ms.
    pub both_ms: f64,
}

/// The silence that a caller heard around a fault.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// From the last sound of either side to the agent's next, ms.
    pub gap_ms: f64,
    /// From the fault to the agent's next word, ms.
    pub next_word_ms: f64,
}

impl Sound {
    /// Of a recording.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        let agents = recording.speakers.iter();
        Self {
            caller: spans(voiced(&recording.sent, VOICE_DBFS)),
            agent: spans(voiced(&recording.heard, VOICE_DBFS)),
            agents: agents
                .map(|s| (s.identity.clone(), spans(voiced(&s.heard, VOICE_DBFS))))
                .collect(),
            overlaps: overlaps(recording),
        }
    }

    /// The silence around a fault at `within.start`; `None` if the agent said nothing between it and `within.end`.
    ///
    /// An agent that speaks on through the fault leaves none before its next pause: that pause is what is measured then.
    #[must_use]
    pub fn gap_around(&self, within: &Span) -> Option<Gap> {
        let at = within.start;
        let next = self.agent.iter().find(|span| span.start > at)?.start;
        if next >= within.end {
            return None;
        }
        let ends = self.agent.iter().chain(&self.caller).map(|span| span.end);
        let last = ends.filter(|end| *end <= next).max().unwrap_or(at);
        Some(Gap {
            gap_ms: ms(next - last),
            next_word_ms: ms(next - at),
        })
    }

    /// The agent who is first heard between two times, and since when.
    #[must_use]
    pub fn newcomer(&self, within: &Span) -> Option<Duration> {
        let first_words = self.agents.iter().skip(1);
        let mut first_words = first_words.filter_map(|(_, spans)| Some(spans.first()?.start));
        first_words.find(|at| within.contains(at))
    }

    /// The overlaps that a caller notices.
    pub fn two_voices(&self) -> impl Iterator<Item = &Overlap> {
        let heard = |overlap: &&Overlap| overlap.both_ms > ms(TWO_VOICES);
        self.overlaps.iter().filter(heard)
    }
}

fn overlaps(recording: &Recording) -> Vec<Overlap> {
    let sounds: Vec<(&str, Vec<Span>)> = recording
        .speakers
        .iter()
        .map(|s| (&*s.identity, spans(loud(&s.heard, VOICE_DBFS))))
        .collect();
    let mut found = Vec::new();
    for (number, (one, by_one)) in sounds.iter().enumerate() {
        for (two, by_two) in &sounds[number + 1..] {
            let agents = [(*one).to_owned(), (*two).to_owned()];
            found.extend(clusters(&common(by_one, by_two)).map(|(at, both)| Overlap {
                agents: agents.clone(),
                at_ms: ms(at),
                both_ms: ms(both),
            }));
        }
    }
    found
}

/// What both lists, each in order, cover.
fn common(one: &[Span], two: &[Span]) -> Vec<Span> {
    let meet = |a: &Span, b: &Span| a.start.max(b.start)..a.end.min(b.end);
    one.iter()
        .flat_map(|a| two.iter().map(move |b| meet(a, b)))
        .filter(|span| span.start < span.end)
        .collect()
}

/// Begin and total of what lies near together.
fn clusters(spans: &[Span]) -> impl Iterator<Item = (Duration, Duration)> {
    let mut found: Vec<(Duration, Duration, Duration)> = Vec::new();
    for span in spans {
        let length = span.end - span.start;
        match found.last_mut() {
            Some((_, total, end)) if span.start < *end + NEAR => {
                *total += length;
                *end = span.end;
            }
            _ => found.push((span.start, length, span.end)),
        }
    }
    found.into_iter().map(|(at, total, _)| (at, total))
}

fn spans(runs: Vec<Range<usize>>) -> Vec<Span> {
    let time = |samples: usize| Duration::from_secs_f64(samples as f64 / f64::from(RATE));
    runs.into_iter()
        .map(|run| time(run.start)..time(run.end))
        .collect()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "a track is given as its stretches of voice, be it one"
)]
mod tests {
    use super::*;
    use crate::caller::recording::Speaker;

    fn track(voice: &[Range<usize>]) -> Vec<i16> {
        let loud = |n: usize| {
            voice
                .iter()
                .any(|ms| (ms.start * 8..ms.end * 8).contains(&n))
        };
        let sample = |n: usize| {
            if loud(n) {
                if n.is_multiple_of(2) { 4_000 } else { -4_000 }
            } else {
                3
            }
        };
        (0..80_000).map(sample).collect()
    }

    fn recording(caller: &[Range<usize>], agents: &[&[Range<usize>]]) -> Recording {
        let all: Vec<Range<usize>> = agents.iter().flat_map(|a| a.iter().cloned()).collect();
        let speaker = |(number, voice): (usize, &&[Range<usize>])| Speaker {
            identity: format!("agent-{}", number + 1),
            heard: track(voice),
        };
        Recording {
            sent: track(caller),
            heard: track(&all),
            speakers: agents.iter().enumerate().map(speaker).collect(),
        }
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn near(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= 15.0
    }

    #[test]
    fn a_gap_runs_from_the_last_sound_of_either_side_to_the_agents_next() {
        let sound = Sound::of(&recording(
            &[500..900, 2_000..3_000],
            &[&[1_000..1_500], &[6_000..7_000]],
        ));
        let gap = sound
            .gap_around(&(at(2_500)..at(9_000)))
            .expect("the agent came back");
        assert!(
            near(gap.gap_ms, 3_000.0) && near(gap.next_word_ms, 3_500.0),
            "{gap:?}"
        );
        let newcomer = sound
            .newcomer(&(at(2_500)..at(9_000)))
            .expect("another agent");
        assert!(
            near(newcomer.as_secs_f64() * 1_000.0, 6_000.0),
            "{newcomer:?}"
        );
        assert_eq!(sound.newcomer(&(at(0)..at(2_500))), None);
    }

    #[test]
    fn an_agent_that_is_cut_and_stays_away_leaves_no_gap_but_a_loss() {
        let sound = Sound::of(&recording(&[500..900], &[&[1_000..1_500]]));
        assert_eq!(sound.gap_around(&(at(1_400)..at(9_000))), None);
    }

    #[test]
    fn two_agents_at_once_are_found_and_a_clean_change_is_not() {
        let clean = Sound::of(&recording(&[], &[&[1_000..2_000], &[2_010..3_000]]));
        assert_eq!(clean.overlaps, []);
        let brief = Sound::of(&recording(&[], &[&[1_000..2_050], &[2_010..3_000]]));
        assert_eq!((brief.overlaps.len(), brief.two_voices().count()), (1, 0));
        let both = Sound::of(&recording(&[], &[&[1_000..2_200], &[2_010..3_000]]));
        let found: Vec<_> = both.two_voices().collect();
        assert_eq!(found.len(), 1);
        assert!(
            near(found[0].both_ms, 190.0) && near(found[0].at_ms, 2_010.0),
            "{found:?}"
        );
    }
}
