//! `make bench-media`: what media costs, step by step and per call, against the budgets of the design.

mod alloc;
mod codec;
mod pod;
mod process;
mod wire;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use serde_json::{Value, json};

pub use self::alloc::Counting;
use self::{
    codec::Cost,
    pod::{Idle, Pod, Round},
};
use crate::{
    cli::BenchArgs,
    product::{Product, ProductOptions, speech_cache},
    speech::{Flite, Pcm, Voice},
    stack::{Lifetime, workspace_root},
};

/// Cores of a worker per call.
const BUDGET_CORES: f64 = 0.010;
/// Memory of a worker per call, MB.
const BUDGET_MB: f64 = 4.0;

/// What is encoded and decoded: about half a minute of it.
const SENTENCES: [&str; 4] = [
    "Thank you for calling Maple Street Dental. This is the automated assistant. How can I help you today?",
    "Delta Dental P P O covers a dental exam. Your copay would be zero dollars. Would you like me to find an appointment?",
    "On Tuesday I have nine o'clock, nine thirty, and ten o'clock with Doctor Amara Osei. Which of those times works best for you?",
    "You are booked with Doctor Osei on Tuesday at nine o'clock. Your confirmation code is K 7 M 2.",
];

/// Costs of one frame of 20 ms, step by step.
struct Stages {
    receive: Cost,
    decode: Cost,
    vad_us: Option<f64>,
    encode: Cost,
    send: Cost,
}

/// The measurement.
///
/// # Errors
/// Something could not be brought up or measured.
pub async fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    println!("encoding and decoding ...");
    let speech = speech().await?;
    let (encode, decode) = codec::measure(&speech)?;
    println!("sending and receiving ...");
    let (send, receive) = tokio::task::spawn_blocking(wire::measure)
        .await
        .context("the wire's measurement")??;
    let options = ProductOptions::of_this_build("bench", Lifetime::Parent, "realistic.yaml")?;
    let stack = tokio::task::block_in_place(|| Product::start(options))?;
    let pod = Pod::new(&stack)?;
    println!("warming up ...");
    let idle = pod.warm_up().await?;
    let mut rounds = Vec::new();
    for calls in args.calls {
        println!("{calls} calls ...");
        rounds.push(
            pod.round(calls, Duration::from_secs(args.seconds), idle)
                .await?,
        );
    }
    let vad_us = rounds.last().and_then(|round| round.vad_us);
    let stages = Stages {
        receive,
        decode,
        vad_us,
        encode,
        send,
    };
    print(&stages, idle, &rounds);
    let folder = workspace_root().join("target/report");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(
        folder.join("media.json"),
        serde_json::to_vec_pretty(&document(&stages, idle, &rounds))?,
    )?;
    println!("\nreport      target/report/media.json");
    // A budget that is missed is a finding, not a failure of the measurement.
    Ok(ExitCode::SUCCESS)
}

async fn speech() -> anyhow::Result<Pcm> {
    let flite = Arc::new(Flite::new(speech_cache())?);
    let mut samples = Vec::new();
    for sentence in SENTENCES {
        samples.extend_from_slice(&flite.say(Voice::Slt, sentence).await?.samples);
    }
    Ok(Pcm {
        samples,
        rate: 16_000,
    })
}

fn document(stages: &Stages, idle: Idle, rounds: &[Round]) -> Value {
    let cost = |cost: Cost| json!({ "cpu_us": cost.cpu_us, "allocations": cost.allocations });
    let meets = |round: &Round| {
        json!({
            "calls": round.calls,
            "cores": round.cores_per_call <= BUDGET_CORES,
            "memory": round.pss_mb_per_call <= BUDGET_MB,
        })
    };
    json!({
        "profile": profile(),
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "stages_per_20ms_frame": {
            "receive": cost(stages.receive),
            "decode": cost(stages.decode),
            "resample": { "cpu_us": 0.0, "allocations": 0.0, "why": "the decoder gives 16 kHz" },
            "vad": { "cpu_us": stages.vad_us, "why": "the worker's own metrics, batched over its calls" },
            "encode": cost(stages.encode),
            "send": cost(stages.send),
        },
        "worker": { "idle": idle, "rounds": rounds },
        "budget": { "cores_per_call": BUDGET_CORES, "mb_per_call": BUDGET_MB, "met": rounds.iter().map(meets).collect::<Vec<_>>() },
    })
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "debug: our own crates are not optimised, their dependencies are"
    } else {
        "release"
    }
}

fn print(stages: &Stages, idle: Idle, rounds: &[Round]) {
    println!("\nCPU per frame of 20 ms ({})", profile());
    let line = |name: &str, cost: Cost| {
        println!(
            "  {name:<9} {:>7.1} µs  {:>5.2} allocations",
            cost.cpu_us, cost.allocations
        )
    };
    line("receive", stages.receive);
    line("decode", stages.decode);
    println!("  resample      0.0 µs  (the decoder gives 16 kHz)");
    println!(
        "  vad       {:>7} µs  (the worker's metrics)",
        stages
            .vad_us
            .map_or("-".to_owned(), |us| format!("{us:.1}"))
    );
    line("encode", stages.encode);
    line("send", stages.send);
    println!(
        "\nWorker, idle: {:.3} cores, {:.0} MB",
        idle.cores, idle.memory.pss_mb
    );
    for round in rounds {
        let mark = |ok: bool| if ok { "within" } else { "over" };
        println!(
            "  {:>3} calls: {:.3} cores, {:.4} per call ({} {BUDGET_CORES}); {:.0} MB, {:.2} MB per call ({} {BUDGET_MB}); \
             response p50 {:.0} ms, p95 {:.0} ms; {} failed",
            round.calls,
            round.cores,
            round.cores_per_call,
            mark(round.cores_per_call <= BUDGET_CORES),
            round.memory.pss_mb,
            round.pss_mb_per_call,
            mark(round.pss_mb_per_call <= BUDGET_MB),
            round.response_p50_ms.unwrap_or_default(),
            round.response_p95_ms.unwrap_or_default(),
            round.failed,
        );
    }
}
