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
/// What a machine that stalls (a disk that takes a second to write, a worker without CPU for two) breaks by itself. What must never happen, such as two
/// voices or two bookings, is not among it.
const BY_PATIENCE: [&str; 2] = [
    "no conversation was lost",
    "no word is missing from the transcript of a call that was handed over",
];

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

/// Once more if callers lost patience and nothing else was wrong.
async fn on_a_fair_machine(name: &str, redis_cluster: bool, faults: &[Fault]) -> ChaosReport {
    let report = once_each(name, redis_cluster, faults).await;
    let mut broken = report.checks.checks.iter().filter(|check| !check.holds);
    let is_good = report.checks.is_good();
    if is_good || !broken.all(|check| BY_PATIENCE.contains(&&*check.what)) {
        return report;
    }
    report.print();
    eprintln!("callers lost patience: once more");
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
