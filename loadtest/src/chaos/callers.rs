//! Keeps a number of patients on the phone and writes down what came of each call.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::mpsc, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    patients::{Errand, patient},
    sound::Sound,
};
use crate::caller::{CallEvent, CallReport, Caller, LegEnd, Scenario, Target};

/// Events of a call that may wait for us.
const EVENTS: usize = 64;
/// Between two calls of one line, and between the first calls of all.
const PAUSE: Duration = Duration::from_millis(700);
/// One patient in so many only asks.
const ASKERS: usize = 4;

/// A call that is over.
#[derive(Debug)]
pub struct Call {
    /// Which patient.
    pub number: usize,
    /// What they called for.
    pub errand: Errand,
    /// What came of it.
    pub outcome: Outcome,
    /// As the caller saw it; its samples are gone, [`Call::sound`] is what they said. None if there was no leg.
    pub report: Option<CallReport>,
    /// What it sounded like.
    pub sound: Sound,
}

/// What came of a call, for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The conversation went to its end.
    Completed,
    /// It was answered and then cut, or broke off, or led elsewhere.
    Lost(String),
    /// It was admitted, rang, and got the fallback.
    FellBack,
    /// It got the fallback at once.
    NotAdmitted,
    /// Twilio could not reach the gateway, or the leg could not be made.
    NotPlaced(String),
}

impl Outcome {
    fn of(report: &CallReport) -> Self {
        match &report.leg {
            None => Self::NotAdmitted,
            Some(leg) if leg.up_ms.is_none() && leg.end != LegEnd::Caller => Self::FellBack,
            Some(leg) if leg.steps_left > 0 => Self::Lost(format!(
                "cut with {} steps to go; {}",
                leg.steps_left,
                report.failures.join("; ")
            )),
            Some(_) if report.failures.is_empty() => Self::Completed,
            Some(_) => Self::Lost(report.failures.join("; ")),
        }
    }
}

/// Where calls go and who places them.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The patients' voices.
    pub caller: Caller,
    /// The pool.
    pub target: Target,
    /// Recordings of calls that went wrong are written here.
    pub recordings: PathBuf,
    /// And of those that did not.
    pub record_all: bool,
}

/// Patients on the phone.
pub struct Callers {
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

struct Shared {
    lines: Lines,
    next: AtomicUsize,
    /// Calls in conversation, by number.
    talking: Mutex<BTreeMap<usize, ()>>,
    over: Mutex<Vec<Call>>,
}

impl Callers {
    /// Keeps `at_once` calls up until [`Self::finish`]; `ask_alone`: nobody books.
    #[must_use]
    pub fn keep(lines: Lines, at_once: usize, ask_alone: bool) -> Self {
        let shared = Shared::new(lines);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for line in 0..at_once {
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            tasks.spawn(async move {
                sleep(PAUSE * line as u32).await;
                while !stop.is_cancelled() {
                    let number = shared.next.fetch_add(1, Ordering::Relaxed);
                    let errand = if ask_alone || number % ASKERS == ASKERS - 1 {
                        Errand::Ask
                    } else {
                        Errand::Book
                    };
                    shared.place(number, errand).await;
                    stop.run_until_cancelled(sleep(PAUSE)).await;
                }
            });
        }
        Self {
            shared,
            stop,
            tasks,
        }
    }

    /// Places these many calls once.
    #[must_use]
    pub fn once(lines: Lines, calls: usize, errand: Errand, apart: Duration) -> Self {
        let shared = Shared::new(lines);
        let mut tasks = JoinSet::new();
        for number in 0..calls {
            let shared = Arc::clone(&shared);
            tasks.spawn(async move {
                sleep(apart * number as u32).await;
                shared.place(number, errand).await;
            });
        }
        Self {
            shared,
            stop: CancellationToken::new(),
            tasks,
        }
    }

    /// Who is in conversation: answered, and has said something.
    #[must_use]
    pub fn talking(&self) -> Vec<usize> {
        self.shared.talking.lock().keys().copied().collect()
    }

    /// Lets the calls end, places no more, and gives all there were, in order.
    pub async fn finish(mut self) -> Vec<Call> {
        self.stop.cancel();
        while let Some(done) = self.tasks.join_next().await {
            if let Err(error) = done {
                tracing::error!(%error, "a caller's task failed");
            }
        }
        let mut calls = std::mem::take(&mut *self.shared.over.lock());
        calls.sort_by_key(|call| call.number);
        calls
    }
}

impl Shared {
    fn new(lines: Lines) -> Arc<Self> {
        Arc::new(Self {
            lines,
            next: AtomicUsize::new(0),
            talking: Mutex::default(),
            over: Mutex::default(),
        })
    }

    async fn place(&self, number: usize, errand: Errand) {
        let call = match patient(number, errand) {
            Ok(scenario) => self.follow(number, errand, &scenario).await,
            Err(error) => Call::not_placed(number, errand, error.to_string()),
        };
        self.talking.lock().remove(&number);
        tracing::info!(number, outcome = ?call.outcome, "call over");
        self.over.lock().push(call);
    }

    async fn follow(&self, number: usize, errand: Errand, scenario: &Scenario) -> Call {
        let (tell, mut events) = mpsc::channel(EVENTS);
        let Lines { caller, target, .. } = &self.lines;
        let placed = caller.place_watched(scenario, target, Some(tell));
        let watched = async {
            while let Some(event) = events.recv().await {
                match event {
                    CallEvent::Says(_) => {
                        self.talking.lock().insert(number, ());
                    }
                    CallEvent::Over => {
                        self.talking.lock().remove(&number);
                    }
                    _ => {}
                }
            }
        };
        let (report, ()) = tokio::join!(placed, watched);
        match report {
            Ok(report) => self.call(number, errand, report),
            Err(error) => {
                Call::not_placed(number, errand, format!("{:#}", anyhow::Error::from(error)))
            }
        }
    }

    fn call(&self, number: usize, errand: Errand, mut report: CallReport) -> Call {
        let recording = std::mem::take(&mut report.recording);
        let sound = Sound::of(&recording);
        let outcome = Outcome::of(&report);
        let is_wrong = matches!(outcome, Outcome::Lost(_)) || sound.two_voices().next().is_some();
        if is_wrong || self.lines.record_all {
            let path = self.lines.recordings.join(format!("call-{number}.wav"));
            let written = std::fs::create_dir_all(&self.lines.recordings)
                .and_then(|()| std::fs::write(&path, recording.to_wav()));
            if let Err(error) = written {
                tracing::warn!(%error, path = %path.display(), "a recording is lost");
            }
        }
        Call {
            number,
            errand,
            outcome,
            report: Some(report),
            sound,
        }
    }
}

impl Call {
    fn not_placed(number: usize, errand: Errand, why: String) -> Self {
        Self {
            number,
            errand,
            outcome: Outcome::NotPlaced(why),
            report: None,
            sound: Sound::default(),
        }
    }

    /// Our product's name of the call, from the `action` URL that Twilio got; none if it was not admitted.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let action = self.report.as_ref()?.action.as_deref()?;
        let url = url::Url::parse("http://gateway.invalid")
            .ok()?
            .join(action)
            .ok()?;
        let call = url.query_pairs().find(|(key, _)| key == "call");
        call.map(|(_, id)| id.into_owned())
    }

    /// A wall-clock time on the recording's clock; none before the call.
    #[must_use]
    pub fn on_recording(&self, at: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
        (at - self.report.as_ref()?.started_at).to_std().ok()
    }

    /// When the leg was answered and when it ended; none without an answer.
    #[must_use]
    pub fn up(&self) -> Option<std::ops::Range<Duration>> {
        let report = self.report.as_ref()?;
        let leg = report.leg.as_ref()?;
        let from = Duration::from_millis(report.voice_ms + leg.ring_ms);
        Some(from..from + Duration::from_millis(leg.up_ms?))
    }
}
