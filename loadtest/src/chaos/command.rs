//! `loadtest chaos`: the parts one after the other, and their common report.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::{ChaosOptions, Plan, absent, crowd, fault::Fault, pool_of_this_build, run};
use crate::{cli::ChaosArgs, demo::told_to_stop, stack::workspace_root};

/// What a chaos run consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Every fault on a single Redis.
    Faults,
    /// A Redis Cluster that loses a primary, and one of each other fault.
    Cluster,
    /// A rolling restart of all workers.
    Rolling,
    /// More calls than slots.
    Crowd,
    /// No worker, and a worker that starts in time.
    Absent,
}

const ALL: [Part; 5] = [
    Part::Faults,
    Part::Cluster,
    Part::Rolling,
    Part::Crowd,
    Part::Absent,
];

/// On a Cluster: what its loss may do together with the pool's own faults.
const IN_A_CLUSTER: [Fault; 4] = [
    Fault::LosePrimary,
    Fault::KillWorker,
    Fault::DrainWorker,
    Fault::RestartGateway,
];

/// Name, report, and whether all that must hold does.
type Done = (&'static str, Value, bool);

/// Runs the parts that were asked for, all by default, and writes `target/report/chaos.json`.
///
/// # Errors
/// Something did not start, or could not be broken or read.
pub async fn command(args: ChaosArgs) -> anyhow::Result<ExitCode> {
    tokio::select! {
        done = parts(args) => done,
        stopped = told_to_stop() => {
            stopped?;
            bail!("stopped");
        }
    }
}

async fn parts(args: ChaosArgs) -> anyhow::Result<ExitCode> {
    let parts = if args.only.is_empty() {
        ALL.to_vec()
    } else {
        args.only.clone()
    };
    let seed = args.seed.unwrap_or_else(rand::random);
    let mut document = Map::new();
    document.insert("machine_cores".to_owned(), json!(cores()));
    let mut good = true;
    for part in parts {
        let (name, report, is_good) = match part {
            Part::Faults => faults("faults", &args, seed, false).await?,
            Part::Cluster => faults("cluster", &args, seed, true).await?,
            Part::Rolling => rolling(&args, seed).await?,
            Part::Crowd => crowded(&args).await?,
            Part::Absent => without_workers().await?,
        };
        good &= is_good;
        document.insert(name.to_owned(), report);
        // After each part: a later one that breaks off takes nothing of it.
        write(&document)?;
    }
    println!("\nreport      target/report/chaos.json");
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn faults(
    name: &'static str,
    args: &ChaosArgs,
    seed: u64,
    redis_cluster: bool,
) -> anyhow::Result<Done> {
    let (all, rounds) = if redis_cluster {
        (IN_A_CLUSTER.to_vec(), args.rounds.div_ceil(3))
    } else {
        (Fault::ALL.to_vec(), args.rounds)
    };
    let mut product = pool_of_this_build(&format!("chaos-{name}"))?;
    product.redis_cluster = redis_cluster;
    let faults = if args.faults.is_empty() {
        all
    } else {
        args.faults.clone()
    };
    under_calls(
        name,
        ChaosOptions {
            product,
            plan: Plan::Faults { faults, rounds },
            calls: args.calls,
            ask_alone: false,
            seed,
            settle: Duration::from_secs(args.settle),
            record: args.record,
        },
    )
    .await
}

async fn rolling(args: &ChaosArgs, seed: u64) -> anyhow::Result<Done> {
    let options = ChaosOptions {
        product: pool_of_this_build("chaos-rolling")?,
        plan: Plan::RollingRestart,
        calls: args.rolling_calls,
        ask_alone: false,
        seed,
        settle: Duration::from_secs(1),
        record: args.record,
    };
    under_calls("rolling_restart", options).await
}

async fn under_calls(name: &'static str, options: ChaosOptions) -> anyhow::Result<Done> {
    let report = run(options).await?;
    println!("\n== {name}");
    report.print();
    let good = report.checks.is_good();
    Ok((name, serde_json::to_value(report)?, good))
}

async fn crowded(args: &ChaosArgs) -> anyhow::Result<Done> {
    let report = crowd::run(
        pool_of_this_build("chaos-crowd")?,
        args.crowd_calls,
        args.crowd_slots,
    )
    .await?;
    println!("\n== crowd");
    report.print();
    let good = report.checks.is_good();
    Ok(("crowd", serde_json::to_value(report)?, good))
}

async fn without_workers() -> anyhow::Result<Done> {
    let report = absent::run(pool_of_this_build("chaos-absent")?).await?;
    println!("\n== absent");
    report.print();
    let good = report.checks.is_good();
    Ok(("absent", serde_json::to_value(report)?, good))
}

fn write(document: &Map<String, Value>) -> anyhow::Result<()> {
    let folder = workspace_root().join("target/report");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join("chaos.json"),
        serde_json::to_vec_pretty(document)?,
    )
    .context("write the report")
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
