//! `loadtest chaos`: the parts one after the other, and their common report.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use super::{ChaosOptions, fault::Fault, pool, run};
use crate::{cli::ChaosArgs, demo::told_to_stop, stack::workspace_root};

/// What a chaos run consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Every fault on a single Redis.
    Faults,
    /// A Redis Cluster that loses a primary, and one of each other fault.
    Cluster,
}

const ALL: [Part; 2] = [Part::Faults, Part::Cluster];

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
) -> anyhow::Result<(&'static str, Value, bool)> {
    let all = if redis_cluster {
        vec![
            Fault::LosePrimary,
            Fault::KillWorker,
            Fault::DrainWorker,
            Fault::RestartGateway,
        ]
    } else {
        Fault::ALL.to_vec()
    };
    let mut product = pool(&format!("chaos-{name}"))?;
    product.redis_cluster = redis_cluster;
    let options = ChaosOptions {
        product,
        faults: if args.faults.is_empty() {
            all
        } else {
            args.faults.clone()
        },
        rounds: if redis_cluster {
            args.rounds.div_ceil(3)
        } else {
            args.rounds
        },
        calls: args.calls,
        seed,
        settle: Duration::from_secs(args.settle),
    };
    let report = run(options).await?;
    println!("\n== {name}");
    report.print();
    let good = report.checks.is_good();
    Ok((name, serde_json::to_value(report)?, good))
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
