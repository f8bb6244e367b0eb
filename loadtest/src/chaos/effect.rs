//! What each kind of fault did to the calls it met: pure, over what was written down.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    callers::{Call, Outcome},
    driver::Struck,
    fault::Fault,
    lag::LagControl,
    ledger::Ledger,
    sound::Gap,
    spread::Spread,
    words,
};

/// A recorded turn and a newcomer's first word within so long are the same moment.
const SAME_MOMENT_MS: f64 = 120.0;

/// A turn that begins later than this after a fault is as any other.
const AFTERMATH: Duration = Duration::from_secs(2);

/// All faults of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Effect {
    /// How often it was done.
    pub count: usize,
    /// Calls in conversation at those times.
    pub calls_in_conversation: usize,
    /// Calls that it touched: those of the worker that got another agent or were lost; for a fault of all, all.
    pub calls_affected: usize,
    /// Calls that were answered and then did not come to their end.
    pub calls_lost: usize,
    /// Calls with more than one live booking.
    pub double_bookings: usize,
    /// The silence that affected callers heard around it, ms.
    pub gap_ms: Spread,
    /// From the fault to the agent's next word, ms.
    pub next_word_ms: Spread,
    /// How late this machine woke a task that only slept, meanwhile, ms.
    pub scheduler_lag_ms: Spread,
    /// For workers that were told to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<HandOver>,
    /// What did not go as it should.
    pub troubles: Vec<String>,
}

/// Calls that one worker gave to another.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HandOver {
    /// Until a worker that was told to go had gone, s.
    pub exit_s: Spread,
    /// How much later the next word came than in the same turn without hand-over, ms.
    pub next_word_later_ms: Spread,
    /// Words of the callers that their transcripts lack.
    pub words_missing: Vec<String>,
}

/// A call and a fault that met.
struct Meeting<'a> {
    call: &'a Call,
    struck: &'a Struck,
    /// The fault's begin, and the next fault's, on the recording.
    window: Range<Duration>,
}

/// Everything that is known of a run.
pub struct Evidence<'a> {
    /// The calls, in order.
    pub calls: &'a [Call],
    /// The faults, in order.
    pub struck: &'a [Struck],
    /// What is left.
    pub ledger: &'a Ledger,
    /// The control.
    pub lag: &'a LagControl,
}

impl Evidence<'_> {
    /// By kind of fault.
    #[must_use]
    pub fn effects(&self) -> BTreeMap<Fault, Effect> {
        let mut kinds: Vec<Fault> = self.struck.iter().map(|s| s.fault).collect();
        kinds.sort();
        kinds.dedup();
        kinds
            .into_iter()
            .map(|kind| (kind, self.effect(kind)))
            .collect()
    }

    /// The silence of turns that no fault touched, ms.
    #[must_use]
    pub fn undisturbed_ms(&self) -> Spread {
        Spread::of(self.undisturbed().map(|(_, ms)| ms))
    }

    fn effect(&self, kind: Fault) -> Effect {
        let struck: Vec<&Struck> = self.struck.iter().filter(|s| s.fault == kind).collect();
        let met: Vec<Meeting<'_>> = struck.iter().flat_map(|s| self.meetings(s)).collect();
        let affected: Vec<&Meeting<'_>> = met.iter().filter(|m| m.is_affected()).collect();
        let gaps: Vec<Gap> = affected.iter().filter_map(|m| m.gap()).collect();
        let is_double = |m: &&&Meeting<'_>| self.bookings(m.call) > 1;
        Effect {
            count: struck.len(),
            calls_in_conversation: struck.iter().map(|s| s.talking.len()).sum(),
            calls_affected: affected.len(),
            calls_lost: affected.iter().filter(|m| m.is_lost()).count(),
            double_bookings: affected.iter().filter(is_double).count(),
            gap_ms: Spread::of(gaps.iter().map(|gap| gap.gap_ms)),
            next_word_ms: Spread::of(gaps.iter().map(|gap| gap.next_word_ms)),
            scheduler_lag_ms: self.lag_during(&struck),
            hand_over: (kind == Fault::DrainWorker).then(|| self.hand_over(&struck, &affected)),
            troubles: struck.iter().filter_map(|s| s.trouble.clone()).collect(),
        }
    }

    fn lag_during(&self, struck: &[&Struck]) -> Spread {
        // The worst of each time: a mean would hide the moment that mattered.
        let worst = struck
            .iter()
            .filter_map(|s| self.lag.between(s.from, s.settled).max);
        Spread::of(worst)
    }

    fn meetings(&self, struck: &Struck) -> Vec<Meeting<'_>> {
        let next = self
            .struck
            .iter()
            .map(|s| s.from)
            .find(|from| *from > struck.from);
        let Some(at) = self.struck.iter().find(|s| s.from == struck.from) else {
            return Vec::new();
        };
        let met = self
            .calls
            .iter()
            .filter(|call| struck.talking.contains(&call.number));
        let meeting = |call| {
            let end = next.unwrap_or(DateTime::<Utc>::MAX_UTC);
            let from = Call::on_recording(call, struck.from)?;
            let to = Call::on_recording(call, end).unwrap_or(Duration::MAX);
            Some(Meeting {
                call,
                struck: at,
                window: from..to,
            })
        };
        met.filter_map(meeting).collect()
    }

    fn bookings(&self, call: &Call) -> usize {
        let id = call.id().unwrap_or_default();
        self.ledger.bookings.get(&id).copied().unwrap_or(0)
    }

    fn hand_over(&self, struck: &[&Struck], affected: &[&Meeting<'_>]) -> HandOver {
        let later = affected.iter().filter_map(|meeting| {
            let (text, response_ms) = meeting.first_answer_of_the_heir()?;
            Some(response_ms - self.usual_ms(&text)?)
        });
        let missing = affected
            .iter()
            .flat_map(|meeting| self.words_missing(meeting));
        HandOver {
            exit_s: Spread::of(struck.iter().filter_map(|s| s.exit_s)),
            next_word_later_ms: Spread::of(later),
            words_missing: missing.collect(),
        }
    }

    /// Median silence after this line where no fault was near; after any line if none of this one was so.
    fn usual_ms(&self, text: &str) -> Option<f64> {
        let same = self.undisturbed().filter(|(said, _)| *said == text);
        let same = Spread::of(same.map(|(_, ms)| ms)).p50;
        same.or_else(|| self.undisturbed_ms().p50)
    }

    fn undisturbed(&self) -> impl Iterator<Item = (&str, f64)> {
        self.calls.iter().flat_map(move |call| {
            let turns = call.report.iter().flat_map(|report| &report.turns);
            turns.filter_map(move |turn| {
                let agent = Duration::from_secs_f64(turn.agent_from_ms? / 1_000.0);
                let caller = Duration::from_secs_f64(turn.caller_from_ms / 1_000.0);
                let is_near = |s: &Struck| {
                    let from = call.on_recording(s.from).unwrap_or_default();
                    let until = call.on_recording(s.until + AFTERMATH).unwrap_or_default();
                    caller < until && from < agent
                };
                let disturbed = self.struck.iter().any(is_near);
                Some((&*turn.text, turn.response_ms.filter(|_| !disturbed)?))
            })
        })
    }

    /// What the caller had said from the fault until the next struck and the transcript lacks there, with the call's number.
    fn words_missing(&self, meeting: &Meeting<'_>) -> Vec<String> {
        let call = meeting.call;
        let (Some(report), Some(id)) = (&call.report, call.id()) else {
            return Vec::new();
        };
        let window = &meeting.window;
        let said_then = report
            .spoken
            .iter()
            .filter(|spoken| window.start < spoken.to && spoken.to < window.end);
        let zero = report.started_at;
        said_then
            .flat_map(|spoken| {
                let when = zero + spoken.from..zero + spoken.to;
                let written = self.ledger.heard(&id, &when);
                words::missing(&spoken.text, &written)
            })
            .map(|word| format!("call {}: {word}", call.number))
            .collect()
    }
}

impl Meeting<'_> {
    /// A fault of one worker touches the calls that heard another agent after it, or were lost; others touch all.
    fn is_affected(&self) -> bool {
        !self.struck.fault.strikes_a_worker()
            || self.call.sound.newcomer(&self.window).is_some()
            || self.is_lost()
    }

    /// Lost before the next fault came.
    fn is_lost(&self) -> bool {
        let lost = matches!(self.call.outcome, Outcome::Lost(_));
        lost && self.call.up().is_none_or(|up| up.end <= self.window.end)
    }

    fn gap(&self) -> Option<Gap> {
        self.call.sound.gap_around(&self.window)
    }

    /// The turn whose answer was the first that another agent gave: what the caller had said, and how long they waited, ms.
    fn first_answer_of_the_heir(&self) -> Option<(String, f64)> {
        let first_word = self.call.sound.newcomer(&self.window)?.as_secs_f64() * 1_000.0;
        let turns = &self.call.report.as_ref()?.turns;
        let turn = turns.iter().find(|turn| {
            let starts = turn.agent_from_ms.unwrap_or_default();
            (starts - first_word).abs() <= SAME_MOMENT_MS
        })?;
        Some((turn.text.clone(), turn.response_ms?))
    }
}
