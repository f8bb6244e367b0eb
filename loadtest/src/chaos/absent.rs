//! No worker at all: the caller rings, then hears the fallback. A worker that starts in time gets the call.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::json;
use tokio::{task::block_in_place, time::sleep};

use super::{
    callers::{Call, Callers, Outcome},
    driver::TENANT,
    ledger::{Ledger, admitted},
    lines,
    patients::Errand,
    report::stored,
};
use crate::{
    product::{Product, ProductOptions},
    verdict::{Check, Verdict},
};

/// How long a call may ring, s.
const RING_S: u64 = 8;
/// Ringing, before a worker is started.
const ALONE: Duration = Duration::from_secs(1);
/// A worker that has registered gets the waiting call within this.
const CLAIM_BUDGET: Duration = Duration::from_secs(1);
/// Until the call is claimed.
const CLAIM_DEADLINE: Duration = Duration::from_secs(10);
/// The clinic's own people.
const FALLBACK: &str = "+12125550190";

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct AbsentReport {
    /// How long the phone rang without a worker, ms.
    pub rang_ms: u64,
    /// From a late worker's readiness to its claim of the waiting call, ms.
    pub claimed_after_ms: f64,
    /// From the webhook of that call to its answer, ms.
    pub answered_after_ms: u64,
    /// What must hold.
    pub checks: Verdict,
}

/// Calls a pool without workers, then one whose worker starts late.
///
/// # Errors
/// Something did not start or could not be read.
pub async fn run(options: ProductOptions) -> anyhow::Result<AbsentReport> {
    let name = options.name.clone();
    let options = ProductOptions {
        workers: 0,
        settings: json!({
            "gateway": { "ring_deadline_secs": RING_S, "dial_timeout_secs": RING_S + 4 },
        }),
        ..options
    };
    let mut product = block_in_place(|| Product::start(options))?;
    let lines = lines(&product, &name)?;
    let one = || Callers::once(lines.clone(), 1, Errand::Ask, Duration::ZERO);
    let mut calls = one().finish().await;
    let before = block_in_place(|| admitted(&product))?;
    let ringing = one();
    sleep(ALONE).await;
    let waiting = block_in_place(|| admitted(&product))?;
    let call = waiting
        .difference(&before)
        .next()
        .context("no call waits")?;
    let (worker, claimed_after) = block_in_place(|| started_and_claimed(&product, call))?;
    product.workers.push(worker);
    calls.extend(ringing.finish().await);
    let ledger = Ledger::read(&product).await.context("read what is left")?;
    let [alone, late] = &*calls else {
        bail!("{} calls instead of 2", calls.len());
    };
    let mut checks = judge(alone, late, claimed_after);
    checks.extend(stored(&calls, &ledger));
    Ok(AbsentReport {
        rang_ms: rang(alone).unwrap_or_default(),
        claimed_after_ms: claimed_after.as_secs_f64() * 1_000.0,
        answered_after_ms: late.up().map_or(0, |up| up.start.as_millis() as u64),
        checks: Verdict { checks },
    })
}

impl AbsentReport {
    /// Prints it.
    pub fn print(&self) {
        println!(
            "rang {} ms without a worker; a late worker claimed after {:.0} ms; that call was answered after {} ms",
            self.rang_ms, self.claimed_after_ms, self.answered_after_ms
        );
        self.checks.print();
    }
}

fn judge(alone: &Call, late: &Call, claimed_after: Duration) -> Vec<Check> {
    let dialled = alone
        .report
        .as_ref()
        .and_then(|report| report.dialled.clone());
    let rang = rang(alone).unwrap_or_default();
    vec![
        Check::new(
            "without a worker the phone rings to the deadline",
            alone.outcome == Outcome::FellBack
                && (RING_S * 1_000 - 1_500..RING_S * 1_000 + 4_000).contains(&rang),
            format!("{:?} after {rang} ms", alone.outcome),
        ),
        Check::new(
            "and then the clinic's own people are dialled",
            dialled.as_deref() == Some(FALLBACK),
            dialled.unwrap_or_else(|| "nobody".to_owned()),
        ),
        Check::new(
            "a worker that starts in time gets the call within a second of registering",
            claimed_after <= CLAIM_BUDGET,
            format!("{claimed_after:?}"),
        ),
        Check::new(
            "and serves it to its end",
            late.outcome == Outcome::Completed,
            format!("{:?}", late.outcome),
        ),
    ]
}

fn rang(call: &Call) -> Option<u64> {
    Some(call.report.as_ref()?.leg.as_ref()?.ring_ms)
}

/// Starts a worker; says how long after it was ready `call` was waiting no more.
fn started_and_claimed(
    product: &Product,
    call: &str,
) -> anyhow::Result<(crate::product::Process, Duration)> {
    let key = format!("tenant:{{{TENANT}}}:call:{call}");
    thread::scope(|scope| {
        let watch = scope.spawn(|| until_claimed(product, &key));
        let worker = product.start_worker()?;
        let ready = Instant::now();
        let Ok(claimed) = watch.join() else {
            bail!("the watch on the call failed");
        };
        Ok((worker, claimed?.saturating_duration_since(ready)))
    })
}

fn until_claimed(product: &Product, key: &str) -> anyhow::Result<Instant> {
    let give_up = Instant::now() + CLAIM_DEADLINE;
    while Instant::now() < give_up {
        let phase = product.redis.about(key, &format!("HGET {key} phase"))?;
        if phase != "waiting" {
            return Ok(Instant::now());
        }
        thread::sleep(Duration::from_millis(5));
    }
    bail!("the call is not claimed")
}
