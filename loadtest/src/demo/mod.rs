//! `make demo`: brings everything up, places a call that books an appointment, shows what came of it, and checks it.
//!
//! Nothing is taken on trust: the agent's own figures are held against the caller's recording, the artifact against its
//! schema, the booking against Postgres.

mod check;
mod database;
mod live;
mod table;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use url::Url;

use self::check::AgreedTurn;
use crate::{
    caller::{CallReport, Caller, Scenario, Target, probe, probe::MediaPath},
    cli::{DemoArgs, StackArgs},
    product::{Product, ProductOptions, speech_cache},
    speech::Flite,
    stack::{Lifetime, workspace_root},
    verdict::Verdict,
};

/// Events that may wait to be printed.
const EVENTS: usize = 256;
/// Until the worker has written the artifact.
const ARTIFACT_DEADLINE: Duration = Duration::from_secs(20);

/// Ends when the process is asked to: Ctrl-C or SIGTERM.
///
/// # Errors
/// The handlers cannot be installed.
pub async fn told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// The demo.
///
/// # Errors
/// Something could not be brought up, or the call could not be placed.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    tokio::select! {
        done = show(args) => done,
        stopped = told_to_stop() => {
            stopped?;
            bail!("stopped");
        }
    }
}

/// The stack without a call.
///
/// # Errors
/// Something could not be brought up.
pub fn leave_up(args: &StackArgs) -> anyhow::Result<ExitCode> {
    let options = ProductOptions::of_this_build(&args.name, Lifetime::Detached, &args.simulators)?;
    let stack = tokio::task::block_in_place(|| Product::start(options))?;
    println!("voice webhook: {}", stack.target.voice_url);
    Ok(ExitCode::SUCCESS)
}

async fn show(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let lifetime = if args.keep {
        Lifetime::Detached
    } else {
        Lifetime::Parent
    };
    let options = ProductOptions::of_this_build("demo", lifetime, "realistic.yaml")?;
    let stack = tokio::task::block_in_place(|| Product::start(options))?;
    let target = stack.target.clone().into_target();
    println!("measuring the media path between a caller and an agent ...");
    let path = probe::measure_path(&target.livekit)
        .await
        .context("measure the media path")?;
    let report = place(&stack, &target).await?;
    let found = collect(&stack, &report).await?;
    let turns = check::agreement(&report, &found.artifact, &path);
    table::print(&report, &found, &turns, &path);
    let verdict = check::verdict(&report, &found, &turns);
    write_report(&report, &found, &turns, &path, &verdict)?;
    println!("\nrecording   target/report/demo.wav\nreport      target/report/demo.json");
    if args.keep {
        println!("\n{}", stack.how_to_call());
    }
    verdict.print();
    Ok(if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn place(stack: &Product, target: &Target) -> anyhow::Result<CallReport> {
    let scenario = Scenario::load(&workspace_root().join("loadtest/scenarios/book.yaml"))?;
    let caller = Caller::new(Arc::new(Flite::new(speech_cache())?))?;
    println!("\n{} calls {}\n", scenario.from, scenario.to);
    let (tell, events) = mpsc::channel(EVENTS);
    let watching = live::Watching::start(stack.sim_state_url(), events)?;
    let report = caller
        .place_watched(&scenario, target, Some(tell))
        .await
        .context("place the call")?;
    watching.stop().await;
    Ok(report)
}

/// What a call left behind in the product.
struct Found {
    call: String,
    booking: Vec<Value>,
    artifact: Value,
    chain: Value,
}

async fn collect(stack: &Product, report: &CallReport) -> anyhow::Result<Found> {
    let (tenant, call) = call_and_tenant(report)?;
    let until = tokio::time::Instant::now() + ARTIFACT_DEADLINE;
    let artifact = loop {
        match stack.neurality(&["audit", "export", "--call", &call, "--actor", "demo"]) {
            Ok(text) => break serde_json::from_str(&text).context("read the artifact")?,
            Err(error) if tokio::time::Instant::now() >= until => {
                return Err(error.context("export the artifact"));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    };
    let chain = stack.neurality(&["audit", "verify", "--tenant", &tenant])?;
    let booking = database::bookings(&stack.database, &tenant, &call)?;
    Ok(Found {
        call,
        booking,
        artifact,
        chain: serde_json::from_str(chain.trim())?,
    })
}

/// Twilio knows both from the `action` URL.
fn call_and_tenant(report: &CallReport) -> anyhow::Result<(String, String)> {
    let action = report
        .action
        .as_deref()
        .context("the call had no leg to the agent")?;
    let url = Url::parse("http://gateway.invalid")?.join(action)?;
    let find = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    match (find("tenant"), find("call")) {
        (Some(tenant), Some(call)) => Ok((tenant, call)),
        _ => bail!("the action URL names no call: {action}"),
    }
}

fn write_report(
    report: &CallReport,
    found: &Found,
    turns: &[AgreedTurn],
    path: &MediaPath,
    verdict: &Verdict,
) -> anyhow::Result<()> {
    let folder = workspace_root().join("target/report");
    std::fs::create_dir_all(&folder)?;
    let document = json!({
        "turns": turns,
        "tool_trace": found.artifact["tools"],
        "booking": found.booking,
        "artifact_id": found.call,
        "artifact": found.artifact,
        "audit_chain": found.chain,
        "media_path": path,
        "call": report,
        "checks": verdict.checks,
        "good": verdict.is_good(),
    });
    std::fs::write(
        folder.join("demo.json"),
        serde_json::to_vec_pretty(&document)?,
    )?;
    std::fs::write(folder.join("demo.wav"), report.recording.to_wav())?;
    Ok(())
}
