//! More calls than slots, with media: exactly the slots talk, the rest ring, and are served or fall back in their order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use tokio::{
    task::{JoinHandle, block_in_place},
    time::Instant,
};

use super::{
    callers::{Call, Callers, Outcome},
    lag::LagControl,
    ledger::Ledger,
    lines,
    patients::Errand,
    report::stored,
    spread::Spread,
};
use crate::{
    product::{Product, ProductOptions, calls_at},
    verdict::{Check, Verdict},
};

/// Between two calls that come in.
const APART: Duration = Duration::from_millis(60);
/// How long a call may ring, s.
const RING_S: u64 = 45;
const WORKERS: usize = 4;
/// Between two looks at the slots.
const METER: Duration = Duration::from_millis(200);
/// Offers go out side by side, and one agent joins quicker than another: an order within so much is an order.
const SIDE_BY_SIDE: Duration = Duration::from_secs(4);

/// What came of a crowd.
#[derive(Clone, Debug, Serialize)]
pub struct CrowdReport {
    /// Calls that came.
    pub calls: usize,
    /// Slots of all workers.
    pub slots: usize,
    /// Calls that an agent served to their end.
    pub served: usize,
    /// Calls that rang until the deadline and got the fallback.
    pub fell_back: usize,
    /// Most slots that the workers counted as used at one moment.
    pub most_slots_used: u32,
    /// Most calls that were up at one moment, as the callers saw it: a leg outlives its agent's slot by the time of a hang-up.
    pub most_legs_up: usize,
    /// From the webhook to the answer, of those that were served, ms.
    pub wait_ms: Spread,
    /// The silence of all turns, ms: what media is like when the machine is full.
    pub turn_ms: Spread,
    /// How late this machine woke a task that only slept, ms.
    pub scheduler_lag_ms: Spread,
    /// Calls that waited on though a later one had been answered four seconds before: offers go out side by side.
    pub overtaken: Vec<String>,
    /// How long it took, s.
    pub took_s: f64,
    /// What must hold.
    pub checks: Verdict,
}

/// A call's place in the queue.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which call.
    pub number: usize,
    /// When it came.
    pub came: DateTime<Utc>,
    /// When it was answered, or got the fallback.
    pub left: DateTime<Utc>,
    /// When it was answered, if it was.
    pub answered: Option<DateTime<Utc>>,
    /// When it was over.
    pub over: DateTime<Utc>,
}

/// Lets `calls` come at a pool of `slots`.
///
/// # Errors
/// Something did not start or could not be read.
pub async fn run(
    options: ProductOptions,
    calls: usize,
    slots: usize,
) -> anyhow::Result<CrowdReport> {
    let begun = Instant::now();
    let name = options.name.clone();
    let options = ProductOptions {
        workers: WORKERS,
        settings: json!({
            "worker": { "max_calls": slots / WORKERS, "min_calls": slots / WORKERS },
            "gateway": { "ring_deadline_secs": RING_S, "dial_timeout_secs": RING_S + 5 },
            "livekit": { "sip_ringing_timeout_secs": RING_S + 10 },
        }),
        ..options
    };
    let product = block_in_place(|| Product::start(options))?;
    let (lag, from) = (LagControl::start(), Utc::now());
    let meter = Meter::start(&product);
    let callers = Callers::once(lines(&product, &name)?, calls, Errand::Ask, APART);
    let calls = callers.finish().await;
    let most_slots_used = meter.stop().await?;
    let scheduler_lag_ms = lag.between(from, Utc::now());
    let ledger = Ledger::read(&product).await.context("read what is left")?;
    let mut places: Vec<Place> = calls.iter().filter_map(Place::of).collect();
    places.sort_by_key(|place| place.came);
    let served = count(&calls, &Outcome::Completed);
    let waits = places.iter().filter_map(|p| Some(ms(p.answered? - p.came)));
    let turns = calls
        .iter()
        .flat_map(|call| &call.report)
        .flat_map(|r| &r.turns);
    let overtaken = overtaken(&places);
    let most_passed = (0..places.len())
        .map(|at| passers(&places, at).count())
        .max();
    let most_passed = most_passed.unwrap_or(0);
    let mut checks = vec![
        Check::new(
            "exactly the slots are used at once",
            most_slots_used as usize == slots.min(calls.len()),
            format!("{most_slots_used} of {slots}"),
        ),
        Check::none(
            "every call is served to its end, or rings to the deadline and gets the fallback",
            calls
                .iter()
                .filter(|call| !is_served_or_rang_out(call))
                .map(|call| format!("call {}: {:?}", call.number, call.outcome)),
        ),
        Check::new(
            "no call is passed by more later ones than a quarter of the slots",
            most_passed <= slots / 4,
            format!(
                "{most_passed} at most; {} calls were passed",
                overtaken.len()
            ),
        ),
    ];
    checks.extend(stored(&calls, &ledger));
    Ok(CrowdReport {
        calls: calls.len(),
        slots,
        served,
        fell_back: count(&calls, &Outcome::FellBack),
        most_slots_used,
        most_legs_up: most_at_once(&places),
        wait_ms: Spread::of(waits),
        turn_ms: Spread::of(turns.filter_map(|turn| turn.response_ms)),
        scheduler_lag_ms,
        overtaken,
        took_s: begun.elapsed().as_secs_f64(),
        checks: Verdict { checks },
    })
}

impl CrowdReport {
    /// Prints it.
    pub fn print(&self) {
        println!(
            "{} calls for {} slots, with media: {} served, {} fell back, {} slots used at once; waited {} ms; turns {} ms; lag {} ms; {:.0} s",
            self.calls,
            self.slots,
            self.served,
            self.fell_back,
            self.most_slots_used,
            self.wait_ms,
            self.turn_ms,
            self.scheduler_lag_ms,
            self.took_s
        );
        self.checks.print();
    }
}

/// Asks all workers again and again how many slots they use.
struct Meter {
    stop: Arc<AtomicBool>,
    task: JoinHandle<u32>,
}

impl Meter {
    fn start(product: &Product) -> Self {
        let ports: Vec<u16> = product.workers.iter().map(|worker| worker.port).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::task::spawn_blocking(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(ports.iter().filter_map(|port| calls_at(*port)).sum());
                thread::sleep(METER);
            }
            most
        });
        Self { stop, task }
    }

    async fn stop(self) -> anyhow::Result<u32> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.context("the meter failed")
    }
}

impl Place {
    fn of(call: &Call) -> Option<Self> {
        let report = call.report.as_ref()?;
        let leg = report.leg.as_ref()?;
        let came = report.started_at;
        let left = came + Duration::from_millis(report.voice_ms + leg.ring_ms);
        let answered = call.up().map(|up| came + up.start);
        Some(Self {
            number: call.number,
            came,
            left,
            answered,
            over: call.up().map_or(left, |up| came + up.end),
        })
    }
}

fn count(calls: &[Call], outcome: &Outcome) -> usize {
    calls.iter().filter(|call| call.outcome == *outcome).count()
}

fn is_served_or_rang_out(call: &Call) -> bool {
    let rang_ms = || call.report.as_ref()?.leg.as_ref().map(|leg| leg.ring_ms);
    match call.outcome {
        Outcome::Completed => true,
        Outcome::FellBack => rang_ms().is_some_and(|ms| ms + 2_000 >= RING_S * 1_000),
        _ => false,
    }
}

/// Most calls that were answered at one moment.
#[must_use]
pub fn most_at_once(places: &[Place]) -> usize {
    let up = |at: DateTime<Utc>| {
        let is_up = |p: &&Place| {
            p.answered
                .is_some_and(|answered| answered <= at && at < p.over)
        };
        places.iter().filter(is_up).count()
    };
    places
        .iter()
        .filter_map(|p| Some(up(p.answered?)))
        .max()
        .unwrap_or(0)
}

/// Calls that waited on though a later one had been answered; `places` are in the order in which the calls came.
#[must_use]
pub fn overtaken(places: &[Place]) -> Vec<String> {
    let first = |at: usize| {
        let (later, answered) = passers(places, at).min_by_key(|(_, answered)| *answered)?;
        let waits = places[at];
        let by = (waits.left - answered).num_milliseconds();
        Some(format!(
            "call {} by call {}, {by} ms before it",
            waits.number, later.number
        ))
    };
    (0..places.len()).filter_map(first).collect()
}

/// Later calls that were answered well before this one was answered or given up, and when.
fn passers(places: &[Place], at: usize) -> impl Iterator<Item = (&Place, DateTime<Utc>)> {
    let left = places[at].left;
    let later = places[at + 1..].iter();
    later
        .filter_map(|later| Some((later, later.answered?)))
        .filter(move |(_, answered)| *answered + SIDE_BY_SIDE < left)
}

fn ms(time: chrono::TimeDelta) -> f64 {
    time.num_milliseconds() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: usize, came: i64, left: i64, over: Option<i64>) -> Place {
        let at = |s: i64| DateTime::from_timestamp(1_000_000 + s, 0).expect("a time");
        Place {
            number,
            came: at(came),
            left: at(left),
            answered: over.map(|_| at(left)),
            over: at(over.unwrap_or(left)),
        }
    }

    #[test]
    fn calls_are_counted_while_they_are_answered_alone() {
        let places = [
            place(0, 0, 1, Some(10)),
            place(1, 0, 10, Some(20)),
            place(2, 0, 12, Some(15)),
            place(3, 1, 40, None),
        ];
        assert_eq!(most_at_once(&places), 2);
    }

    #[test]
    fn a_call_is_overtaken_by_a_later_one_that_is_answered_well_before_it() {
        let in_order = [
            place(0, 0, 10, Some(20)),
            place(1, 1, 8, Some(20)),
            place(2, 2, 30, None),
        ];
        assert_eq!(overtaken(&in_order), [""; 0]);
        let unfair = [place(0, 0, 10, Some(20)), place(1, 1, 2, Some(20))];
        assert_eq!(overtaken(&unfair), ["call 0 by call 1, 8000 ms before it"]);
        let starved = [place(0, 0, 45, None), place(1, 1, 30, Some(40))];
        assert_eq!(overtaken(&starved).len(), 1);
    }
}
