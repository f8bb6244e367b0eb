//! What a recording says about the conversation: when somebody's energy starts and stops. Pure.

use std::{ops::Range, time::Duration};

use serde::Serialize;

use super::recording::{Recording, samples, time};

/// Louder than this is audible: 25 dB above the line's noise, 25 dB below speech. The agent draws its lines there, too.
pub const VOICE_DBFS: f32 = -45.0;

/// Levels are taken over this long...
const WINDOW: usize = samples(Duration::from_millis(10));
/// ...and so often.
const HOP: usize = samples(Duration::from_millis(5));
/// A sound shorter than this is a click.
const SHORTEST: usize = samples(Duration::from_millis(30));
/// Silences shorter than this belong to speech: breaths, stops, gaps between words.
const BREATH: usize = samples(Duration::from_millis(300));
/// How far a mark may be off the sound it means.
const SLACK: Duration = Duration::from_millis(150);

/// Something the caller said, as the script played it; the exact edges are in the recording.
#[derive(Clone, Debug, Serialize)]
pub struct Spoken {
    /// The words.
    pub text: String,
    /// First frame handed to the line.
    pub from: Duration,
    /// Last frame handed to the line.
    pub to: Duration,
    /// Said to interrupt the agent.
    pub interrupts: bool,
}

/// The delay of the caller's own jitter buffer at a time.
#[derive(Clone, Copy, Debug)]
pub struct BufferDelay {
    /// When.
    pub at: Duration,
    /// How long sound waits in it.
    pub delay: Duration,
}

/// One exchange on the caller's waveform.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// What the caller said.
    pub text: String,
    /// The caller's energy starts, ms of the recording.
    pub caller_from_ms: f64,
    /// It stops.
    pub caller_to_ms: f64,
    /// The agent's energy starts; none if it never did before the caller spoke again.
    pub agent_from_ms: Option<f64>,
    /// From the caller's last sound to the agent's first: the silence that the patient hears.
    pub response_ms: Option<f64>,
    /// For an interruption: from the caller's first sound to the agent's last.
    pub barge_in_ms: Option<f64>,
    /// The agent began while the caller still spoke.
    pub talked_over: bool,
    /// Wait in the caller's own jitter buffer when the agent's first sound came: part of `response_ms`.
    pub buffer_ms: Option<f64>,
}

/// Measures every turn. `spoken` is in order.
#[must_use]
pub fn turns(recording: &Recording, spoken: &[Spoken], buffer: &[BufferDelay]) -> Vec<Turn> {
    let caller = voiced(&recording.sent, VOICE_DBFS);
    let agent = voiced(&recording.heard, VOICE_DBFS);
    let next = spoken.iter().skip(1).map(|s| Some(s.from)).chain([None]);
    spoken
        .iter()
        .zip(next)
        .filter_map(|(said, next)| turn(said, next, &caller, &agent, buffer))
        .collect()
}

fn turn(
    said: &Spoken,
    next: Option<Duration>,
    caller: &[Range<usize>],
    agent: &[Range<usize>],
    buffer: &[BufferDelay],
) -> Option<Turn> {
    let (from, to) = (
        samples(said.from.saturating_sub(SLACK)),
        samples(said.to + SLACK),
    );
    let mut own = caller
        .iter()
        .filter(|run| run.start >= from && run.start < to);
    let first = own.next()?;
    let (start, end) = (first.start, own.next_back().unwrap_or(first).end);
    let limit = next.map_or(usize::MAX, samples);
    let interrupted = agent.iter().find(|run| run.contains(&start));
    let answer = agent
        .iter()
        .find(|run| run.start > start && run.start < limit);
    let talked_over = answer.is_some_and(|run| run.start < end);
    let agent_from = answer.map(|run| run.start);
    Some(Turn {
        text: said.text.clone(),
        caller_from_ms: ms(start),
        caller_to_ms: ms(end),
        agent_from_ms: agent_from.map(ms),
        response_ms: agent_from.filter(|_| !talked_over).map(|at| ms(at - end)),
        barge_in_ms: interrupted.map(|run| ms(run.end - start)),
        talked_over,
        buffer_ms: agent_from.and_then(|at| delay_at(buffer, time(at))),
    })
}

fn delay_at(buffer: &[BufferDelay], at: Duration) -> Option<f64> {
    let nearest = buffer.iter().min_by_key(|sample| sample.at.abs_diff(at))?;
    Some(nearest.delay.as_secs_f64() * 1_000.0)
}

fn ms(samples: usize) -> f64 {
    time(samples).as_secs_f64() * 1_000.0
}

/// Where a track is louder than the threshold, in samples; pauses up to a breath are part of it.
#[must_use]
pub fn voiced(track: &[i16], threshold_dbfs: f32) -> Vec<Range<usize>> {
    join(loud(track, threshold_dbfs))
}

/// As [`voiced`], without the pauses: to the exact sound.
#[must_use]
pub fn loud(track: &[i16], threshold_dbfs: f32) -> Vec<Range<usize>> {
    let threshold = power(threshold_dbfs);
    let mut runs: Vec<Range<usize>> = Vec::new();
    let is_loud = |start: &usize| mean_square(&track[*start..start + WINDOW]) > threshold;
    let starts = (0..track.len().saturating_sub(WINDOW - 1)).step_by(HOP);
    for start in starts.filter(is_loud) {
        let (end, middle) = (start + WINDOW, start + WINDOW / 2);
        match runs.last_mut() {
            Some(run) if middle <= run.end + HOP => run.end = end,
            _ => runs.push(start..end),
        }
    }
    // Clicks go before runs are joined: two clicks are no speech.
    runs.retain(|run| run.len() >= SHORTEST);
    runs
}

fn join(runs: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if run.start < last.end + BREATH => last.end = run.end,
            _ => joined.push(run),
        }
    }
    joined
}

/// Mean square of samples at a level.
pub(super) fn power(dbfs: f32) -> f64 {
    32_768f64.powi(2) * 10f64.powf(f64::from(dbfs) / 10.0)
}

/// Mean square of samples.
pub(super) fn mean_square(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    sum / samples.len().max(1) as f64
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    reason = "a track is given as its stretches of voice, be it one"
)]
mod tests {
    use super::*;

    /// Voice in the given milliseconds, over a line's noise.
    fn track(length_ms: usize, voice: &[Range<usize>]) -> Vec<i16> {
        let sample = |n: usize| {
            let loud = voice
                .iter()
                .any(|ms| (ms.start * 8..ms.end * 8).contains(&n));
            let sign = if n.is_multiple_of(2) { 1 } else { -1 };
            sign * if loud { 4_000 } else { 12 }
        };
        (0..length_ms * 8).map(sample).collect()
    }

    fn said(from: u64, to: u64, interrupts: bool) -> Spoken {
        let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
        Spoken {
            text: String::new(),
            from,
            to,
            interrupts,
        }
    }

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() <= 10.0)
    }

    #[test]
    fn edges_are_found_within_ten_milliseconds() {
        let runs = voiced(&track(2_000, &[503..1_207]), VOICE_DBFS);
        assert_eq!(runs.len(), 1);
        assert!(
            near(Some(ms(runs[0].start)), 503.0) && near(Some(ms(runs[0].end)), 1_207.0),
            "{runs:?}"
        );
    }

    #[test]
    fn clicks_are_no_voice_and_breaths_no_end() {
        let runs = voiced(
            &track(3_000, &[100..110, 500..800, 1_000..1_300, 2_000..2_200]),
            VOICE_DBFS,
        );
        let edges: Vec<_> = runs
            .iter()
            .map(|run| (ms(run.start).round(), ms(run.end).round()))
            .collect();
        assert_eq!(edges.len(), 2, "{edges:?}");
        assert!(near(Some(edges[0].0), 500.0) && near(Some(edges[0].1), 1_300.0));
    }

    #[test]
    fn a_turn_runs_from_the_callers_last_sound_to_the_agents_first() {
        let recording = Recording {
            sent: track(5_000, &[1_000..2_000]),
            heard: track(5_000, &[100..600, 2_900..4_000]),
            ..Recording::default()
        };
        let buffer = [(0, 60), (2_900, 25), (4_000, 20)].map(|(at, delay)| BufferDelay {
            at: Duration::from_millis(at),
            delay: Duration::from_millis(delay),
        });
        let turns = turns(&recording, &[said(960, 2_040, false)], &buffer);
        assert!(near(turns[0].response_ms, 900.0), "{turns:?}");
        assert_eq!(
            (
                turns[0].barge_in_ms,
                turns[0].buffer_ms,
                turns[0].talked_over
            ),
            (None, Some(25.0), false)
        );
    }

    #[test]
    fn an_interruption_has_a_barge_in_and_an_answer() {
        let recording = Recording {
            sent: track(6_000, &[2_000..3_000]),
            heard: track(6_000, &[1_000..2_250, 3_800..5_000]),
            ..Recording::default()
        };
        let turns = turns(&recording, &[said(1_990, 3_010, true)], &[]);
        assert!(
            near(turns[0].barge_in_ms, 250.0) && near(turns[0].response_ms, 800.0),
            "{turns:?}"
        );
    }

    #[test]
    fn a_turn_without_an_answer_before_the_next_has_none() {
        let recording = Recording {
            sent: track(6_000, &[1_000..2_000, 3_000..4_000]),
            heard: track(6_000, &[4_700..5_500]),
            ..Recording::default()
        };
        let turns = turns(
            &recording,
            &[said(990, 2_010, false), said(2_990, 4_010, false)],
            &[],
        );
        assert_eq!(turns[0].response_ms, None);
        assert!(near(turns[1].response_ms, 700.0), "{turns:?}");
    }

    #[test]
    fn an_agent_that_starts_too_early_talks_over_the_caller() {
        let recording = Recording {
            sent: track(4_000, &[1_000..2_500]),
            heard: track(4_000, &[2_000..3_000]),
            ..Recording::default()
        };
        let turns = turns(&recording, &[said(990, 2_510, false)], &[]);
        assert!(
            turns[0].talked_over && turns[0].response_ms.is_none(),
            "{turns:?}"
        );
    }
}
