//! The short form of `make chaos`: the pool's parts are killed and restarted while calls are in conversation. What must hold is
//! asserted; how long callers waited is only reported, in `target/report`.
//!
//! A pool whose workers get no CPU for two seconds rightly takes their calls away. So these run when nothing else does.

mod crowd;

use std::{path::PathBuf, time::Duration};

use loadtest::{
    chaos::{self, ChaosOptions, Plan, fault::Fault, report::ChaosReport},
    product::{ProductOptions, Vendors},
    sim::{self, SimConfig, SimHandle, SimListeners},
    stack::{Lifetime, workspace_root},
};

/// Calls at once: what two cores bear beside the other tests.
const CALLS: usize = 3;
const SETTLE: Duration = Duration::from_secs(7);
/// A machine that wakes a sleeping task so late, ms, takes the calls of healthy workers away, too: what breaks then says nothing.
const STARVED_MS: f64 = 1_000.0;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_neurality"))
}

/// Vendors of this test alone, with places for the streams that a killed worker leaves open.
async fn vendors() -> SimHandle {
    let mut config = SimConfig::fast();
    config.stt.max_streams = 400;
    config.tts.max_streams = 400;
    config.flite_cache = workspace_root().join("target/flite");
    let listeners = SimListeners::loopback().await.expect("ports");
    sim::serve(config, listeners).await.expect("simulators")
}

/// A pool of the product that is under test.
fn pool(name: &str, vendors: &SimHandle) -> ProductOptions {
    let vendors = Vendors::Running {
        deepgram: vendors.deepgram_addr(),
        openai: vendors.openai_addr(),
    };
    let base = ProductOptions::new(name, Lifetime::Parent, program(), vendors);
    chaos::pool(base).expect("a pool")
}

/// Once more if the machine was starved.
async fn on_a_fair_machine(name: &str, redis_cluster: bool, faults: &[Fault]) -> ChaosReport {
    let report = once_each(name, redis_cluster, faults).await;
    if report.scheduler_lag_ms.max.is_none_or(|ms| ms < STARVED_MS) {
        return report;
    }
    eprintln!("starved, lag {} ms: once more", report.scheduler_lag_ms);
    once_each(name, redis_cluster, faults).await
}

async fn once_each(name: &str, redis_cluster: bool, faults: &[Fault]) -> ChaosReport {
    let vendors = vendors().await;
    let options = ChaosOptions {
        product: ProductOptions {
            redis_cluster,
            ..pool(name, &vendors)
        },
        plan: Plan::Faults {
            faults: faults.to_vec(),
            rounds: 1,
        },
        calls: CALLS,
        // Short calls on the cluster: bookings are tried on the single Redis.
        ask_alone: redis_cluster,
        seed: rand::random(),
        settle: SETTLE,
        record: false,
    };
    let report = chaos::run(options).await.expect("chaos");
    vendors.shutdown().await;
    write(name, &report);
    report
}

/// For whoever wants to know how long the callers waited.
fn write(name: &str, report: &impl serde::Serialize) {
    let folder = workspace_root().join("target/report");
    std::fs::create_dir_all(&folder).expect("the reports' folder");
    let json = serde_json::to_vec_pretty(report).expect("JSON");
    std::fs::write(folder.join(format!("{name}.json")), json).expect("a report");
}

fn holds(report: &ChaosReport) {
    report.print();
    let broken: Vec<_> = report.checks.checks.iter().filter(|c| !c.holds).collect();
    assert!(broken.is_empty(), "seed {}: {broken:#?}", report.seed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the machine for itself: a phase of its own in make test"]
async fn calls_outlive_the_parts_of_the_pool() {
    let faults = [
        Fault::KillWorker,
        Fault::DrainWorker,
        Fault::RestartGateway,
        Fault::FreezeRedis,
        Fault::RestartLivekit,
    ];
    let report = on_a_fair_machine("chaos-short", false, &faults).await;
    holds(&report);
    assert!(report.calls.completed >= CALLS, "{:?}", report.calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the machine for itself: a phase of its own in make test"]
async fn calls_outlive_a_primary_of_a_redis_cluster_and_a_worker_after_it() {
    let faults = [Fault::LosePrimary, Fault::KillWorker];
    let report = on_a_fair_machine("chaos-short-cluster", true, &faults).await;
    holds(&report);
}
