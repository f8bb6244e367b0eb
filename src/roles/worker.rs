//! The worker role.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::{
    config::Config,
    dispatch::Rooms,
    domain::ids::PodId,
    lifecycle::Lifecycle,
    providers::Providers,
    security::Keyring,
    storage::{postgres::Db, redis::Store},
    telemetry::metrics::Metrics,
    worker::{
        agent::{Agent, OUTBOX_CAPACITY},
        calls::RunningCalls,
        health::{self, Health},
        parked,
        pod::{Pod, PodDeps},
        slots::Slots,
    },
};

/// Assignments between the socket and the pod: one per slot is plenty.
const ASSIGNED_CAPACITY: usize = 64;

/// Serves calls until the process is asked to stop.
///
/// # Errors
/// The configuration cannot work, or a port is taken.
pub async fn run(
    config: Config,
    metrics: Arc<Metrics>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let calls_tasks = TaskTracker::new();
    let deps = deps(&config, &metrics, &calls_tasks, lifecycle)?;
    let slots = Slots::new(config.worker.max_calls);
    let running = RunningCalls::default();
    let (started, assigned) = mpsc::channel(ASSIGNED_CAPACITY);
    let (outbox, reports) = mpsc::channel(OUTBOX_CAPACITY);

    let probes = Health {
        slots: slots.clone(),
        metrics: Arc::clone(&metrics),
    };
    // The probes answer as long as calls run, and not longer: the process ends with its last task.
    let done = drained(lifecycle, slots.clone(), calls_tasks);
    let (listen, stop, fail) = (config.worker.listen, done.clone(), lifecycle.clone());
    lifecycle.spawn(async move {
        if let Err(error) = health::serve(listen, probes, stop).await {
            tracing::error!(error = &error as &dyn std::error::Error, "serve the probes");
            fail.fail();
        }
    });
    lifecycle.spawn(parked::bring_home(deps.clone(), lifecycle.drain()));
    let pod = Pod::new(deps, running.clone(), outbox);
    lifecycle.spawn(pod.run(assigned));
    let agent = Agent::new(
        config.livekit.clone(),
        &config.worker,
        slots,
        running,
        started,
        reports,
        metrics,
    );
    lifecycle.spawn(agent.run(lifecycle.drain(), done));
    Ok(())
}

fn deps(
    config: &Arc<Config>,
    metrics: &Arc<Metrics>,
    tasks: &TaskTracker,
    lifecycle: &Lifecycle,
) -> anyhow::Result<PodDeps> {
    let keyring = Keyring::load(&config.security.key_file).context("load the key file")?;
    let providers = Providers::build(&config.providers, config.worker.vad_threads, tasks, metrics)
        .context("set up the providers")?;
    Ok(PodDeps {
        pod: PodId::new(&host_name()),
        store: Store::open(&config.redis).context("set up redis")?,
        db: Db::connect(&config.postgres, keyring).context("set up postgres")?,
        rooms: Rooms::new(&config.livekit),
        providers,
        metrics: Arc::clone(metrics),
        tasks: tasks.clone(),
        hard: lifecycle.hard(),
        config: Arc::clone(config),
    })
}

/// Cancelled when the pod drains and its last call has ended; that closes the agent socket, and with it the process.
fn drained(
    lifecycle: &Lifecycle,
    slots: Slots,
    calls: TaskTracker,
) -> tokio_util::sync::CancellationToken {
    let done = tokio_util::sync::CancellationToken::new();
    let (drain, hard, ended) = (lifecycle.drain(), lifecycle.hard(), done.clone());
    lifecycle.spawn(async move {
        drain.cancelled().await;
        slots.drain();
        while slots.used() > 0 && !hard.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = hard.cancelled() => {}
            }
        }
        ended.cancel();
        calls.close();
        calls.wait().await;
        tracing::info!("drained");
    });
    done
}

/// How often a draining pod looks whether its calls have ended.
const POLL: Duration = Duration::from_millis(50);

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "pod".to_owned(), |name| name.trim().to_owned())
}
