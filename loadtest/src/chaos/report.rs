//! A chaos run as a document, and what of it must hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    callers::{Call, Outcome},
    driver::Struck,
    effect::{Effect, Evidence},
    fault::Fault,
    ledger::Ledger,
    patients::{Errand, is_the_last_before_a_booking},
    spread::Spread,
};
use crate::{
    caller::measure::Turn,
    verdict::{Check, Verdict},
};

/// Take-over: from the fault to the agent's next word, ms, 95th percentile.
const TAKE_OVER_BUDGET_MS: f64 = 5_000.0;
/// Hand-over: the next word, later than in the same turn without it, ms, 95th percentile.
const HAND_OVER_BUDGET_MS: f64 = 400.0;

/// A run of faults under calls.
#[derive(Clone, Debug, Serialize)]
pub struct ChaosReport {
    /// The order of the faults and all choices follow from it.
    pub seed: u64,
    /// How long it took, s.
    pub took_s: f64,
    /// From the first fault to the end of the last, s: for a rolling restart, how long it took.
    pub struck_within_s: f64,
    /// The calls.
    pub calls: CallCounts,
    /// By kind of fault.
    pub faults: BTreeMap<&'static str, Effect>,
    /// The silence of turns that no fault was near, ms.
    pub undisturbed_turn_ms: Spread,
    /// How late this machine woke a task that only slept, over the whole run, ms.
    pub scheduler_lag_ms: Spread,
    /// What must hold.
    pub checks: Verdict,
    /// What is aimed at; a loaded machine misses it.
    pub budgets: Verdict,
    /// The faults in order.
    pub struck: Vec<Struck>,
    /// Calls that did not come to their end, and why.
    pub unfinished: Vec<String>,
}

/// What came of the calls.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CallCounts {
    /// All.
    pub placed: usize,
    /// Came to their end.
    pub completed: usize,
    /// Were answered and did not come to their end.
    pub lost: usize,
    /// Rang and got the fallback.
    pub fell_back: usize,
    /// Got the fallback at once.
    pub not_admitted: usize,
    /// Found no gateway, or no LiveKit.
    pub not_placed: usize,
    /// Came to their end with a patient who wanted a booking, said who they are, and got none: the talk went astray.
    pub left_without_booking: usize,
    /// Lines that callers said again because the agent asked.
    pub repeats_asked: usize,
    /// Lines that they said again because the agent was silent.
    pub repeats_in_silence: usize,
}

impl ChaosReport {
    pub(super) fn of(seed: u64, took_s: f64, evidence: &Evidence<'_>) -> Self {
        let effects = evidence.effects();
        let lag = evidence.struck.first().zip(evidence.struck.last());
        Self {
            seed,
            took_s,
            struck_within_s: lag.map_or(0.0, |(first, last)| {
                (last.until - first.from).as_seconds_f64()
            }),
            calls: CallCounts::of(evidence.calls, evidence.ledger),
            checks: checks(evidence.calls, evidence.ledger, &effects),
            budgets: budgets(&effects),
            faults: effects
                .into_iter()
                .map(|(fault, effect)| (fault.as_str(), effect))
                .collect(),
            undisturbed_turn_ms: evidence.undisturbed_ms(),
            scheduler_lag_ms: lag
                .map(|(first, last)| evidence.lag.between(first.from, last.settled))
                .unwrap_or_default(),
            struck: evidence.struck.to_vec(),
            unfinished: evidence.calls.iter().filter_map(unfinished).collect(),
        }
    }

    /// Prints a line per kind of fault.
    pub fn print(&self) {
        let CallCounts {
            placed,
            completed,
            lost,
            fell_back,
            not_admitted,
            not_placed,
            left_without_booking,
            ..
        } = self.calls;
        println!(
            "\nseed {}; {:.0} s, {:.0} of them faults; {placed} calls: {completed} completed, {lost} lost, {fell_back} fell back, \
             {not_admitted} not admitted, {not_placed} not placed; {left_without_booking} left without a booking; callers repeated {} lines when asked, {} in silence",
            self.seed,
            self.took_s,
            self.struck_within_s,
            self.calls.repeats_asked,
            self.calls.repeats_in_silence
        );
        println!("p50 / p95 / max (count), ms");
        println!(
            "{:<16} {:>5} {:>8} {:>4} {:>6}  {:<28} {:<28} lag",
            "fault", "count", "affected", "lost", "double", "gap", "next word"
        );
        for (name, effect) in &self.faults {
            println!(
                "{name:<16} {:>5} {:>8} {:>4} {:>6}  {:<28} {:<28} {}",
                effect.count,
                effect.calls_affected,
                effect.calls_lost,
                effect.double_bookings,
                effect.gap_ms.to_string(),
                effect.next_word_ms.to_string(),
                effect.scheduler_lag_ms,
            );
            if let Some(hand_over) = &effect.hand_over {
                println!(
                    "{:<16} gone after {} s; next word later by {} ms; {} words missing",
                    "",
                    hand_over.exit_s,
                    hand_over.next_word_later_ms,
                    hand_over.words_missing.len()
                );
            }
        }
        println!(
            "undisturbed turns: {} ms; scheduler lag {} ms",
            self.undisturbed_turn_ms, self.scheduler_lag_ms
        );
        for line in &self.unfinished {
            println!("  {line}");
        }
        self.checks.print();
        self.budgets.print();
    }
}

impl CallCounts {
    fn of(calls: &[Call], ledger: &Ledger) -> Self {
        let mut counts = Self {
            placed: calls.len(),
            left_without_booking: calls
                .iter()
                .filter(|call| left_without_a_booking(call, ledger))
                .count(),
            ..Self::default()
        };
        for call in calls {
            *match &call.outcome {
                Outcome::Completed => &mut counts.completed,
                Outcome::Lost(_) => &mut counts.lost,
                Outcome::FellBack => &mut counts.fell_back,
                Outcome::NotAdmitted => &mut counts.not_admitted,
                Outcome::NotPlaced(_) => &mut counts.not_placed,
            } += 1;
            for repeat in call.report.iter().flat_map(|report| &report.repeats) {
                *match repeat.heard {
                    Some(_) => &mut counts.repeats_asked,
                    None => &mut counts.repeats_in_silence,
                } += 1;
            }
        }
        counts
    }
}

fn unfinished(call: &Call) -> Option<String> {
    let id = call.id().unwrap_or_default();
    match &call.outcome {
        Outcome::Completed => None,
        Outcome::Lost(why) => Some(format!("call {} {id} lost: {why}", call.number)),
        Outcome::NotPlaced(why) => Some(format!("call {} not placed: {why}", call.number)),
        Outcome::FellBack => Some(format!("call {} {id} fell back", call.number)),
        Outcome::NotAdmitted => Some(format!("call {} was not admitted", call.number)),
    }
}

fn checks(calls: &[Call], ledger: &Ledger, effects: &BTreeMap<Fault, Effect>) -> Verdict {
    let mut checks = stored(calls, ledger);
    checks.push(Check::none(
        "no two agents sound at once",
        calls.iter().flat_map(|call| {
            call.sound.two_voices().map(|overlap| {
                let [one, two] = &overlap.agents;
                format!(
                    "call {} at {:.0} ms for {:.0} ms: {one} and {two}",
                    call.number, overlap.at_ms, overlap.both_ms
                )
            })
        }),
    ));
    checks.push(Check::none(
        "no conversation was lost",
        calls
            .iter()
            .filter(|call| matches!(call.outcome, Outcome::Lost(_)))
            .filter_map(unfinished),
    ));
    checks.push(Check::none(
        "every process did as it was told",
        effects.values().flat_map(|effect| &effect.troubles),
    ));
    let hand_overs = effects
        .values()
        .filter_map(|effect| effect.hand_over.as_ref());
    checks.push(Check::none(
        "no word is missing from the transcript of a call that was handed over",
        hand_overs.flat_map(|hand_over| &hand_over.words_missing),
    ));
    Verdict { checks }
}

/// What Redis, Postgres and LiveKit hold once all calls are over.
pub(super) fn stored(calls: &[Call], ledger: &Ledger) -> Vec<Check> {
    let known = calls.iter().filter_map(Call::id);
    let all: BTreeSet<String> = ledger.admitted.iter().cloned().chain(known).collect();
    let admitted = || all.iter();
    let booked_otherwise = |id: &&String| ledger.is_booked(id) != ledger.traces_a_booking(id);
    let broken_promise = |id: &&String| ledger.promises_a_booking(id) && !ledger.is_booked(id);
    vec![
        Check::none(
            "no call is alive in Redis, no slot held, no artifact unwritten",
            &ledger.leaks,
        ),
        Check::none("no room is open", &ledger.rooms),
        Check::none(
            "every admitted call has an artifact",
            admitted().filter(|id| !ledger.artifacts.contains_key(*id)),
        ),
        Check::none(
            "no call has two artifacts",
            ledger
                .artifacts
                .iter()
                .filter(|(_, count)| **count > 1)
                .map(|(id, _)| id),
        ),
        Check::none(
            "no call booked twice",
            ledger
                .bookings
                .iter()
                .filter(|(_, count)| **count > 1)
                .map(|(id, _)| id),
        ),
        Check::none(
            "a call's booking exists exactly if its record says that it was made",
            admitted().filter(booked_otherwise),
        ),
        Check::none(
            "every patient who was told of a booking has it",
            admitted().filter(broken_promise),
        ),
        Check::new(
            "the audit chain is intact",
            ledger.chain.is_ok(),
            ledger
                .chain
                .clone()
                .err()
                .unwrap_or_else(|| format!("{} artifacts", ledger.artifacts.len())),
        ),
    ]
}

/// The patient said who they are, the agent answered, and the call came to its end without a booking.
fn left_without_a_booking(call: &Call, ledger: &Ledger) -> bool {
    let Some(report) = call
        .report
        .as_ref()
        .filter(|_| call.outcome == Outcome::Completed)
    else {
        return false;
    };
    let answered =
        |turn: &Turn| is_the_last_before_a_booking(&turn.text) && turn.agent_from_ms.is_some();
    call.errand == Errand::Book
        && report.turns.iter().any(answered)
        && !ledger.is_booked(&call.id().unwrap_or_default())
}

fn budgets(effects: &BTreeMap<Fault, Effect>) -> Verdict {
    let within = |what: &str, spread: Option<Spread>, limit: f64| {
        let p95 = spread.and_then(|spread| spread.p95)?;
        Some(Check::new(
            what,
            p95 <= limit,
            format!("p95 {p95:.0} ms of {limit:.0}"),
        ))
    };
    let killed = effects
        .get(&Fault::KillWorker)
        .map(|effect| effect.next_word_ms);
    let drained = effects.get(&Fault::DrainWorker);
    let handed = drained.and_then(|effect| effect.hand_over.as_ref());
    let checks = [
        within(
            "take-over: the agent's next word within 5 s of a kill",
            killed,
            TAKE_OVER_BUDGET_MS,
        ),
        within(
            "hand-over: the next word at most 400 ms later",
            handed.map(|hand_over| hand_over.next_word_later_ms),
            HAND_OVER_BUDGET_MS,
        ),
    ];
    Verdict {
        checks: checks.into_iter().flatten().collect(),
    }
}
