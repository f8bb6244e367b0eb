//! The command line.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    bench,
    caller::{CallEvent, CallReport, Caller, Scenario},
    chaos::{self, Part, fault::Fault},
    demo,
    product::{self, TargetFile},
    sim::{self, SimConfig, SimListeners},
    speech::Flite,
};

/// Callers that play Twilio and the phone, simulators of the paid services, the demo and its measurements.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the simulators of Deepgram and OpenAI until stopped
    Sim(SimArgs),
    /// Place a call
    Call(CallArgs),
    /// Bring everything up, place a call that books an appointment, show and check what came of it
    Demo(DemoArgs),
    /// Bring up servers, simulators, gateway and worker, and leave them running; `make clean-stack` ends them
    Stack(StackArgs),
    /// Measure what media costs; writes target/report/media.json
    BenchMedia(BenchArgs),
    /// Kill, freeze and restart the pool's parts while calls are in conversation; writes target/report/chaos.json
    Chaos(ChaosArgs),
}

/// Arguments of `sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// YAML file; realistic delays if left out.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Where Deepgram is served.
    #[arg(long, default_value = "127.0.0.1:8101")]
    pub deepgram: SocketAddr,
    /// Where OpenAI and Azure OpenAI are served.
    #[arg(long, default_value = "127.0.0.1:8102")]
    pub openai: SocketAddr,
}

/// Arguments of `call`.
#[derive(Debug, Args)]
pub struct CallArgs {
    /// YAML file in loadtest/scenarios or elsewhere.
    #[arg(long)]
    pub scenario: PathBuf,
    /// Where to call: a JSON file with the fields of `TargetFile`; a kept demo wrote one.
    #[arg(long)]
    pub target: Option<PathBuf>,
    /// Calls at once.
    #[arg(long, default_value_t = 1)]
    pub calls: usize,
    /// Write both sides' sound to this folder.
    #[arg(long)]
    pub record: Option<PathBuf>,
}

/// Arguments of `demo`.
#[derive(Clone, Copy, Debug, Args)]
pub struct DemoArgs {
    /// Leave everything running.
    #[arg(long)]
    pub keep: bool,
}

/// Arguments of `stack`.
#[derive(Clone, Debug, Args)]
pub struct StackArgs {
    /// Names its folder, `target/stack/<name>`: there are its configuration, logs, process ids and `target.json` for callers.
    #[arg(long, default_value = "stack")]
    pub name: String,
    /// What the simulators are like: a file of `loadtest/config`.
    #[arg(long, default_value = "realistic.yaml")]
    pub simulators: String,
}

/// Arguments of `bench-media`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Concurrent calls of each round.
    #[arg(long, value_delimiter = ',', default_value = "10,20")]
    pub calls: Vec<usize>,
    /// Seconds that each round is measured.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
}

/// Arguments of `chaos`.
#[derive(Clone, Debug, Args)]
pub struct ChaosArgs {
    /// How often each fault is done.
    #[arg(long, default_value_t = 10)]
    pub rounds: usize,
    /// Calls at once.
    #[arg(long, default_value_t = 5)]
    pub calls: usize,
    /// All choices follow from it; drawn if left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Seconds between the end of a fault and the next.
    #[arg(long, default_value_t = 8)]
    pub settle: u64,
    /// Calls at once during the rolling restart.
    #[arg(long, default_value_t = 10)]
    pub rolling_calls: usize,
    /// Calls of the crowd.
    #[arg(long, default_value_t = 100)]
    pub crowd_calls: usize,
    /// Slots that they share, a multiple of four.
    #[arg(long, default_value_t = 20)]
    pub crowd_slots: usize,
    /// Write every call's recording and artifact, too.
    #[arg(long)]
    pub record: bool,
    /// These parts alone.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Part>,
    /// These faults alone.
    #[arg(long, value_delimiter = ',')]
    pub faults: Vec<Fault>,
}

/// Runs the command; the exit code says whether what it shows is as it should be.
///
/// # Errors
/// What could not even be tried.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Sim(args) => serve_sim(args).await,
        Command::Call(args) => call(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Stack(args) => demo::leave_up(&args),
        Command::BenchMedia(args) => bench::run(args).await,
        Command::Chaos(args) => chaos::command(args).await,
    }
}

async fn serve_sim(args: SimArgs) -> anyhow::Result<ExitCode> {
    let config = match &args.config {
        Some(path) => serde_yaml_ng::from_str(&read(path)?)
            .with_context(|| format!("parse {}", path.display()))?,
        None => SimConfig::realistic(),
    };
    let bind = async |address: SocketAddr| {
        TcpListener::bind(address)
            .await
            .with_context(|| format!("listen on {address}"))
    };
    let listeners = SimListeners {
        deepgram: bind(args.deepgram).await?,
        openai: bind(args.openai).await?,
    };
    let simulators = sim::serve(config, listeners)
        .await
        .context("start the simulators")?;
    eprintln!(
        "deepgram on {}, openai on {}",
        simulators.deepgram_addr(),
        simulators.openai_addr()
    );
    demo::told_to_stop().await?;
    simulators.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn call(args: CallArgs) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::load(&args.scenario)?;
    let path = args.target.unwrap_or_else(product::kept_target);
    let target: TargetFile =
        serde_json::from_str(&read(&path).context("no target: is a demo kept up?")?)?;
    let target = target.into_target();
    let caller = Caller::new(Arc::new(Flite::new(product::speech_cache())?))?;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..args.calls {
        let (caller, scenario, target) = (caller.clone(), scenario.clone(), target.clone());
        calls.spawn(async move {
            let (tell, events) = mpsc::channel(64);
            let shown = tokio::spawn(show(number, events));
            let report = caller.place_watched(&scenario, &target, Some(tell)).await;
            shown.await?;
            anyhow::Ok((number, report?))
        });
    }
    let mut good = true;
    while let Some(done) = calls.join_next().await {
        let (number, report) = done??;
        good &= report.failures.is_empty();
        println!("{}", serde_json::to_string(&report)?);
        if let Some(folder) = &args.record {
            record(folder, number, &report)?;
        }
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn show(number: usize, mut events: mpsc::Receiver<CallEvent>) {
    while let Some(event) = events.recv().await {
        eprintln!("call {number}: {event:?}");
    }
}

fn record(folder: &Path, number: usize, report: &CallReport) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}-{number}.wav", report.scenario));
    std::fs::write(&path, report.recording.to_wav())
        .with_context(|| format!("write {}", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
