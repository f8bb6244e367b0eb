//! `make chaos`: calls on several workers while the pool's parts are killed, frozen and restarted, and what came of them.
//!
//! Nothing of the product is asked how it went: the callers' recordings say what was heard, Postgres what was booked and
//! written, Redis and LiveKit what is left. `target/report/chaos.json` has it all, beside a control that says how late this
//! machine itself was.

pub mod absent;
pub mod callers;
mod clinic;
mod command;
pub mod crowd;
pub mod driver;
pub mod effect;
pub mod fault;
pub mod lag;
pub mod ledger;
pub mod patients;
pub mod report;
pub mod sound;
pub mod spread;
pub mod words;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use serde_json::json;
use tokio::{task::block_in_place, time::Instant};

pub use self::command::{Part, command};
use self::{
    callers::{Call, Callers, Lines},
    driver::Driver,
    effect::Evidence,
    fault::{Fault, schedule},
    lag::LagControl,
    ledger::Ledger,
    report::ChaosReport,
};
use crate::{
    caller::Caller,
    product::{Product, ProductOptions, speech_cache},
    speech::Flite,
    stack::{Lifetime, workspace_root},
};

/// Simulators with hardly any delay: what is heard is the product's own.
const SIMULATORS: &str = "chaos.yaml";

/// Calls that a worker takes: two workers take all if one is gone.
const SLOTS: u32 = 8;

/// What is done, and to how much.
#[derive(Clone, Debug)]
pub struct ChaosOptions {
    /// The pool.
    pub product: ProductOptions,
    /// What is done to it.
    pub plan: Plan,
    /// Calls at once.
    pub calls: usize,
    /// Patients only ask a question: short calls, and no bookings.
    pub ask_alone: bool,
    /// All choices follow from it.
    pub seed: u64,
    /// Between the end of a fault and the next.
    pub settle: Duration,
    /// Write every call's recording and artifact beside the report, not only the recordings of those that went wrong.
    pub record: bool,
}

/// What is done to a pool.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Faults, each so often, in an order that is drawn.
    Faults {
        /// Which.
        faults: Vec<Fault>,
        /// How often.
        rounds: usize,
    },
    /// Every worker is told to go, one after the other, once all calls are in conversation.
    RollingRestart,
}

/// A pool for chaos: three workers, two gateways, a clinic with room for all.
///
/// The workers offer all their slots however short of CPU this machine is: the callers and the vendors run on it, too.
///
/// # Errors
/// The clinic cannot be written.
pub fn pool(base: ProductOptions) -> anyhow::Result<ProductOptions> {
    let folder = workspace_root().join("target/tmp").join(&base.name);
    Ok(ProductOptions {
        gateways: 2,
        workers: 3,
        tenants: vec![clinic::write(&folder)?],
        settings: json!({ "worker": { "max_calls": SLOTS, "min_calls": SLOTS } }),
        ..base
    })
}

/// The same of what stands beside this executable.
fn pool_of_this_build(name: &str) -> anyhow::Result<ProductOptions> {
    pool(ProductOptions::of_this_build(
        name,
        Lifetime::Parent,
        SIMULATORS,
    )?)
}

/// Brings the pool up, does the faults, waits for the calls, and judges.
///
/// # Errors
/// Something did not start, or could not be broken or read. What went wrong for callers is in the report.
pub async fn run(options: ChaosOptions) -> anyhow::Result<ChaosReport> {
    eprintln!("chaos with seed {}", options.seed);
    let begun = Instant::now();
    let name = options.product.name.clone();
    let mut product = block_in_place(|| Product::start(options.product.clone()))?;
    let lag = LagControl::start();
    let lines = Lines {
        record_all: options.record,
        ..lines(&product, &name)?
    };
    let callers = Callers::keep(lines, options.calls, options.ask_alone);
    let mut driver = Driver::new(
        &mut product,
        &callers,
        options.seed,
        options.calls.div_ceil(2),
        options.settle,
    );
    let struck = match &options.plan {
        Plan::Faults { faults, rounds } => {
            let faults = schedule(faults, *rounds, options.seed);
            driver.strike_all(&faults).await
        }
        Plan::RollingRestart => driver.restart_all_workers(options.calls).await,
    };
    let calls = callers.finish().await;
    let struck = struck.with_context(|| format!("with seed {}", options.seed))?;
    let ledger = Ledger::read(&product).await.context("read what is left")?;
    if options.record {
        write_artifacts(&name, &calls, &ledger)?;
    }
    let evidence = Evidence {
        calls: &calls,
        struck: &struck,
        ledger: &ledger,
        lag: &lag,
    };
    Ok(ChaosReport::of(
        options.seed,
        begun.elapsed().as_secs_f64(),
        &evidence,
    ))
}

/// Where the pool is called, with recordings of what goes wrong beside the report.
pub(crate) fn lines(product: &Product, name: &str) -> anyhow::Result<Lines> {
    block_in_place(|| clinic::people(product))?;
    Ok(Lines {
        caller: Caller::new(Arc::new(Flite::new(speech_cache())?))?,
        target: product.target.clone().into_target(),
        recordings: recordings(name),
        record_all: false,
    })
}

fn write_artifacts(name: &str, calls: &[Call], ledger: &Ledger) -> anyhow::Result<()> {
    for call in calls {
        let document = call.id().and_then(|id| ledger.documents.get(&id).cloned());
        let path = recordings(name).join(format!("call-{}.json", call.number));
        let found = json!({ "artifact": document, "call": call.report });
        std::fs::write(&path, serde_json::to_vec_pretty(&found)?)
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn recordings(name: &str) -> PathBuf {
    workspace_root().join("target/report").join(name)
}
