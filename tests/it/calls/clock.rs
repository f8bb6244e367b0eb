//! The times of a call that goes from pod to pod are those that its caller hears.

use std::{net::SocketAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use loadtest::{
    caller::{
        CallEvent, CallReport,
        measure::{VOICE_DBFS, voiced},
        recording::RATE,
    },
    stack::{Service, Signal},
};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::support::world::{World, WorldOptions};

/// The artifact's times agree with the recording so well.
const AGREES: f64 = 50.0;

fn a_question(from: &str) -> String {
    format!(
        r#"
name: over a hand-over from {from}
from: "{from}"
to: "+12125550100"
agent_silence_ms: 2500
steps:
  - say: "Hi, does my Blue Cross P P O plan cover a dental cleaning?"
  - say: "No that is all, thank you, goodbye."
  - wait_hang_up
expect: {{ end: agent_hung_up, answered_turns: 2 }}
"#
    )
}

/// What lies between a sound in the artifact and in the recording, in ms: the way of sound, which is the same in all calls.
#[derive(Debug)]
struct Offsets {
    /// The agent's lines, as the caller hears them later than they were played.
    agent: Vec<f64>,
    /// The caller's lines, as the agent hears them later than they were said.
    caller: Vec<f64>,
    /// The end of the call after the last that its caller hears.
    end: f64,
}

impl Offsets {
    fn of(artifact: &Value, report: &CallReport) -> Self {
        let zero = time(&artifact["clock_started_at"]);
        let since = ms(report.started_at - zero);
        let heard = first_sounds(&report.recording.heard, 1_000.0);
        let sent = first_sounds(&report.recording.sent, 1_000.0);
        let last = voiced(&report.recording.heard, VOICE_DBFS);
        let last = last.last().expect("the agent spoke").end as f64 * 1_000.0 / f64::from(RATE);
        let ended_at = time(&artifact["ended_at"]);
        Self {
            agent: nearest(&starts(artifact, "agent"), &heard, since),
            caller: nearest(&starts(artifact, "caller"), &sent, since),
            end: ms(ended_at - report.started_at) - last,
        }
    }

    /// How far these are off those of a call that stayed where it was.
    fn off(&self, other: &Self) -> [f64; 3] {
        [
            (median(&self.agent) - median(&other.agent)).abs(),
            (median(&self.caller) - median(&other.caller)).abs(),
            (self.end - other.end).abs(),
        ]
    }
}

/// Beginnings of what a side says in the artifact, ms on the call's clock.
fn starts(artifact: &Value, speaker: &str) -> Vec<f64> {
    let transcript = artifact["transcript"].as_array().expect("a transcript");
    let lines = transcript.iter().filter(|line| line["speaker"] == speaker);
    lines
        .map(|line| line["start_ms"].as_f64().expect("ms"))
        .collect()
}

/// Beginnings of sound after a silence of so many ms, ms of the recording.
fn first_sounds(track: &[i16], silence: f64) -> Vec<f64> {
    let at = |sample: usize| sample as f64 * 1_000.0 / f64::from(RATE);
    let (mut last, mut found) = (f64::NEG_INFINITY, Vec::new());
    for run in voiced(track, VOICE_DBFS) {
        if at(run.start) - last > silence {
            found.push(at(run.start));
        }
        last = at(run.end);
    }
    found
}

/// Each of `told`, on the call's clock, and the sound of the recording that is nearest to it: which comes later, and by how much.
fn nearest(told: &[f64], sounds: &[f64], since: f64) -> Vec<f64> {
    let offset = |told: &f64| {
        let offsets = sounds.iter().map(|sound| sound + since - told);
        offsets.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    told.iter().filter_map(offset).map(f64::abs).collect()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn ms(time: TimeDelta) -> f64 {
    time.num_microseconds().expect("a short time") as f64 / 1_000.0
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("text").parse().expect("a time")
}

/// A pod and where it listens.
type Pod = (Service, SocketAddr);

/// Places a call and has the pod that serves it drain so long after the answer; gives the pod that went.
async fn handed_over_after(
    world: &World,
    pods: [&Pod; 2],
    from: &str,
    after: Duration,
) -> (CallReport, usize) {
    let (answer, answered) = watch::channel(None);
    let yaml = a_question(from);
    let call = world.watched(&yaml, |_, event| {
        if *event == CallEvent::Answered {
            answer.send_replace(Some(Instant::now()));
        }
    });
    let drain = async {
        let mut answered = answered;
        let at = answered.wait_for(Option::is_some).await.expect("an answer");
        let at = (*at).expect("some") + after;
        let mut owner = None;
        for (place, (_, addr)) in pods.iter().enumerate() {
            if world.calls_at(*addr).await > 0 {
                owner = Some(place);
            }
        }
        let owner = owner.expect("a pod serves the call");
        sleep_until(at).await;
        pods[owner].0.signal(Signal::Terminate).expect("signal");
        owner
    };
    tokio::join!(call, drain)
}

async fn at_points(points: &[u64]) {
    let world = World::start(WorldOptions::default()).await;
    let mut serves = world.another_pod("first").await;
    // The world's own pod goes first.
    world.worker.signal(Signal::Terminate).expect("signal");
    let still = world.call_yaml(&a_question("+14155550900")).await;
    let mut calls = vec![("+14155550900".to_owned(), still)];
    for (place, after) in points.iter().enumerate() {
        let next = world.another_pod(&format!("heir-{place}")).await;
        let from = format!("+1415555{:04}", 901 + place);
        let after = Duration::from_millis(*after);
        let (report, gone) = handed_over_after(&world, [&serves, &next], &from, after).await;
        calls.push((from, report));
        if gone == 0 {
            serves = next;
        }
    }
    let artifacts = world.artifacts(calls.len()).await;
    let mut offsets = Vec::new();
    for (from, report) in &calls {
        let failures = &report.failures;
        let artifact = World::of_caller(&artifacts, from);
        assert!(
            failures.is_empty(),
            "{failures:?}\n{artifact:#}\n{}",
            world.logs()
        );
        offsets.push(Offsets::of(artifact, report));
    }
    let still = offsets.remove(0);
    for (after, moved) in points.iter().zip(&offsets) {
        let off = moved.off(&still);
        println!("handed over {after} ms after the answer: off by {off:.0?} ms");
        assert!(
            off.iter().all(|off| *off <= AGREES),
            "handed over {after} ms after the answer: {off:?}: {moved:?} beside {still:?}\n{artifacts:#?}"
        );
    }
    world.verify_audit().await;
}

/// Before the first words are saved, and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_is_handed_over_at_once_keeps_its_clock() {
    at_points(&[200, 1500]).await;
}

/// The issue's list.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes: `make edge`"]
async fn a_call_that_is_handed_over_at_any_time_keeps_its_clock() {
    at_points(&[200, 500, 1000, 1500, 3000]).await;
}
