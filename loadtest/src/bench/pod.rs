//! What calls cost a worker: its own CPU and memory at a number of calls, as the kernel counts them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::process::{Memory, cpu_time, memory};
use crate::{
    caller::{CallEvent, CallReport, Caller, Scenario, Target},
    product::{Process, Product, get, speech_cache},
    speech::Flite,
    stack::workspace_root,
};

/// Between two calls that begin.
const STAGGER: Duration = Duration::from_millis(150);
/// Until all calls are answered.
const ANSWER_DEADLINE: Duration = Duration::from_secs(40);
/// After the last answer, before measuring: greetings are over.
const SETTLE: Duration = Duration::from_secs(4);
/// After a round, before the next.
const REST: Duration = Duration::from_secs(3);

/// The worker under so many calls.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Round {
    /// Calls at once.
    pub(super) calls: usize,
    /// Calls that failed.
    pub(super) failed: usize,
    /// Cores that the worker used.
    pub(super) cores: f64,
    /// The same per call, without what it uses when idle.
    pub(super) cores_per_call: f64,
    /// Memory at the end of the round.
    pub(super) memory: Memory,
    /// PSS per call, without what it has when idle, MB.
    pub(super) pss_mb_per_call: f64,
    /// Voice-activity inference per frame of 20 ms, CPU µs, by the worker's own metrics.
    pub(super) vad_us: Option<f64>,
    /// Median silence between a caller's last sound and the agent's first, ms.
    pub(super) response_p50_ms: Option<f64>,
    /// 95th percentile.
    pub(super) response_p95_ms: Option<f64>,
}

/// The worker at rest.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Idle {
    pub(super) cores: f64,
    pub(super) memory: Memory,
}

pub(super) struct Pod<'a> {
    worker: &'a Process,
    caller: Caller,
    target: Target,
    scenario: Scenario,
    pid: u32,
}

impl<'a> Pod<'a> {
    pub(super) fn new(stack: &'a Product) -> anyhow::Result<Self> {
        let worker = stack.workers.first().context("a stack without a worker")?;
        Ok(Self {
            worker,
            caller: Caller::new(Arc::new(Flite::new(speech_cache())?))?,
            target: stack.target.clone().into_target(),
            scenario: Scenario::load(&workspace_root().join("loadtest/scenarios/bench.yaml"))?,
            pid: worker_pid(worker.service.pid()?)?,
        })
    }

    /// One call to load what is loaded once; then the worker at rest.
    pub(super) async fn warm_up(&self) -> anyhow::Result<Idle> {
        let calls = self.place(1, Duration::from_secs(12)).await?;
        calls.all_over().await?;
        sleep(REST).await;
        let (before, begun) = (cpu_time(self.pid)?, Instant::now());
        sleep(Duration::from_secs(5)).await;
        let cores = (cpu_time(self.pid)? - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        Ok(Idle {
            cores,
            memory: memory(self.pid)?,
        })
    }

    pub(super) async fn round(
        &self,
        calls: usize,
        length: Duration,
        idle: Idle,
    ) -> anyhow::Result<Round> {
        let placed = self
            .place(
                calls,
                STAGGER * calls as u32 + ANSWER_DEADLINE / 4 + SETTLE + length,
            )
            .await?;
        sleep(SETTLE).await;
        let (cpu, vad, begun) = (cpu_time(self.pid)?, self.vad()?, Instant::now());
        sleep(length).await;
        let cores = (cpu_time(self.pid)? - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
        let (memory, vad) = (memory(self.pid)?, self.vad()?.since(vad));
        let reports = placed.all_over().await?;
        sleep(REST).await;
        let mut responses: Vec<f64> = reports
            .iter()
            .flat_map(|r| &r.turns)
            .filter_map(|turn| turn.response_ms)
            .collect();
        responses.sort_by(f64::total_cmp);
        Ok(Round {
            calls,
            failed: calls - reports.len(),
            cores,
            cores_per_call: (cores - idle.cores) / calls as f64,
            memory,
            pss_mb_per_call: (memory.pss_mb - idle.memory.pss_mb) / calls as f64,
            vad_us: vad.us_per_frame(),
            response_p50_ms: quantile(&responses, 0.5),
            response_p95_ms: quantile(&responses, 0.95),
        })
    }

    /// Places calls that last so long; returns when all are answered.
    async fn place(&self, calls: usize, length: Duration) -> anyhow::Result<Placed> {
        let (tell, mut events) = mpsc::channel(64 * calls);
        let mut running = JoinSet::new();
        for number in 0..calls {
            let (caller, target, tell, mut scenario) = (
                self.caller.clone(),
                self.target.clone(),
                tell.clone(),
                self.scenario.clone(),
            );
            scenario.longest_secs = length.as_secs().max(1);
            scenario.from = format!("+1415556{number:04}");
            // Not all at the same sentence: half of the calls begin in the middle.
            let steps = scenario.steps.len();
            scenario.steps.rotate_left(number % steps.max(1));
            scenario
                .steps
                .retain(|step| *step != crate::caller::Step::HangUp);
            running
                .spawn(async move { caller.place_watched(&scenario, &target, Some(tell)).await });
            sleep(STAGGER).await;
        }
        drop(tell);
        let mut answered = 0;
        let all = async {
            while answered < calls {
                match events.recv().await {
                    Some(CallEvent::Answered) => answered += 1,
                    Some(_) => {}
                    None => break,
                }
            }
        };
        let in_time = timeout(ANSWER_DEADLINE, all).await.is_ok();
        if !in_time || answered < calls {
            bail!(
                "only {answered} of {calls} calls were answered; see {}",
                self.worker.service.log_file().display()
            );
        }
        Ok(Placed {
            running,
            _events: events,
        })
    }

    fn vad(&self) -> anyhow::Result<Vad> {
        let text = get(self.worker.port, "/metrics").context("read the worker's metrics")?;
        let metrics = parse(&text);
        let read = |name: &str| metrics.get(name).copied().unwrap_or_default();
        Ok(Vad {
            seconds: read("neurality_vad_inference_seconds_sum"),
            windows: read("neurality_vad_frames_total"),
        })
    }
}

/// Calls that are up.
struct Placed {
    running: JoinSet<Result<CallReport, crate::caller::CallError>>,
    /// Callers must not find their observer gone.
    _events: mpsc::Receiver<CallEvent>,
}

impl Placed {
    /// Waits for their ends; calls that broke are left out.
    async fn all_over(mut self) -> anyhow::Result<Vec<CallReport>> {
        let mut reports = Vec::new();
        while let Some(done) = self.running.join_next().await {
            match done.context("a caller panicked")? {
                Ok(report) => reports.push(report),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a call failed")
                }
            }
        }
        Ok(reports)
    }
}

#[derive(Clone, Copy)]
struct Vad {
    seconds: f64,
    windows: f64,
}

impl Vad {
    fn since(self, before: Self) -> Self {
        Self {
            seconds: self.seconds - before.seconds,
            windows: self.windows - before.windows,
        }
    }

    /// A window is 32 ms.
    fn us_per_frame(self) -> Option<f64> {
        (self.windows > 0.0).then(|| self.seconds * 1e6 / self.windows * 20.0 / 32.0)
    }
}

/// Series without labels.
fn parse(text: &str) -> HashMap<&str, f64> {
    let series = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '));
    series
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect()
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let index = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied()
}

/// The stack starts programs by way of `setpriv`, which becomes the program: the number is the worker's own.
fn worker_pid(pid: u32) -> anyhow::Result<u32> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"))?;
    if name.trim() != "neurality" {
        bail!("process {pid} is {}, not the worker", name.trim());
    }
    Ok(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_by_name() {
        let text = "# HELP x\nneurality_vad_frames_total 1000\nneurality_vad_inference_seconds_sum 0.05\nother{a=\"b c\"} 3\n";
        let metrics = parse(text);
        let vad = Vad {
            seconds: metrics["neurality_vad_inference_seconds_sum"],
            windows: metrics["neurality_vad_frames_total"],
        };
        assert!((vad.us_per_frame().expect("windows") - 31.25).abs() < 0.01);
        assert_eq!(metrics["other{a=\"b c\"}"], 3.0);
    }

    #[test]
    fn quantiles_are_of_the_samples() {
        let samples: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(
            (
                quantile(&samples, 0.5),
                quantile(&samples, 0.95),
                quantile(&[], 0.5)
            ),
            (Some(10.0), Some(19.0), None)
        );
    }
}
