//! The worker role.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    dispatch::{Projects, Rooms},
    domain::{ids::PodId, placement::agent_name},
    lifecycle::{HARD_STOP, Lifecycle},
    providers::Providers,
    security::Keyring,
    storage::{postgres::Db, redis::Store},
    telemetry::metrics::Metrics,
    worker::{
        agent::{Agent, Shared},
        health::{self, Health},
        paperwork, parked,
        pod::{Pod, PodDeps},
        presence::Presence,
        registered::Registered,
        slots::Slots,
        vitals,
    },
};

/// Assignments between the socket and the pod: one per slot is plenty.
const ASSIGNED_CAPACITY: usize = 64;

/// Serves calls until the process is asked to stop. Redis, Postgres and LiveKit may come up later: the pod is not ready until then.
///
/// # Errors
/// The configuration cannot work.
pub async fn run(
    config: Config,
    metrics: Arc<Metrics>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let calls_tasks = TaskTracker::new();
    let deps = deps(&config, &metrics, &calls_tasks, lifecycle)?;
    let agent_name = agent_name(&config.livekit.agent_name, config.pool.region.as_ref());
    let projects = config.livekit.all_projects();
    let slots = Slots::new(config.worker.max_calls)
        .with_most_promised(config.worker.most_promised(projects.len()));
    let registered = Registered::new(Arc::clone(&metrics));
    let (started, assigned) = mpsc::channel(ASSIGNED_CAPACITY);

    // The probes answer as long as calls run, and not longer: the process ends with its last task.
    let done = drained(lifecycle, slots.clone(), calls_tasks);
    let health = Health {
        slots: slots.clone(),
        registered: registered.clone(),
        store: deps.store.clone(),
        db: deps.db.clone(),
        metrics: Arc::clone(&metrics),
    };
    serve_probes(lifecycle, config.worker.listen, health, done.clone());
    lifecycle.spawn(vitals::watch(
        slots.clone(),
        config.worker.clone(),
        Arc::clone(&metrics),
        done.clone(),
    ));
    let presence = Presence {
        store: deps.store.clone(),
        pod: deps.pod.clone(),
        agent_name: agent_name.clone(),
        slots: slots.clone(),
        registered: registered.clone(),
        metrics,
    };
    lifecycle.spawn(presence.keep(done.clone()));
    lifecycle.spawn(parked::bring_home(deps.clone(), lifecycle.drain()));
    lifecycle.spawn(paperwork::catch_up(deps.clone(), lifecycle.drain()));
    lifecycle.spawn(Pod::new(deps).run(assigned));
    let shared = Shared {
        agent_name,
        status_every: Duration::from_millis(config.worker.status_interval_ms),
        slots,
        started,
        registered,
    };
    for (project, livekit) in projects {
        let agent = Agent::new(project, livekit, shared.clone());
        lifecycle.spawn(agent.run(done.clone()));
    }
    Ok(())
}

fn serve_probes(
    lifecycle: &Lifecycle,
    listen: SocketAddr,
    health: Health,
    stop: CancellationToken,
) {
    let fail = lifecycle.clone();
    lifecycle.spawn(async move {
        if let Err(error) = health::serve(listen, health, stop).await {
            tracing::error!(error = &error as &dyn std::error::Error, "serve the probes");
            fail.fail();
        }
    });
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
        projects: Projects::new(&config.livekit, config.pool.region.clone()),
        providers,
        metrics: Arc::clone(metrics),
        tasks: tasks.clone(),
        drain: lifecycle.drain(),
        hard: lifecycle.hard(),
        config: Arc::clone(config),
    })
}

/// Cancelled when the pod drains and its last call has ended; that closes the agent socket, and with it the process.
fn drained(lifecycle: &Lifecycle, slots: Slots, calls: TaskTracker) -> CancellationToken {
    let done = CancellationToken::new();
    let (drain, hard, ended) = (lifecycle.drain(), lifecycle.hard(), done.clone());
    lifecycle.spawn(async move {
        drain.cancelled().await;
        slots.drain();
        let mut changes = slots.changes();
        let last_call = async {
            // The slots live as long as this: they cannot be gone.
            drop(changes.wait_for(|counts| counts.used == 0).await);
        };
        let patience = async {
            hard.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = last_call => {}
            () = patience => tracing::error!(
                calls = slots.used(),
                tasks = calls.len(),
                "calls did not end in time"
            ),
        }
        ended.cancel();
        calls.close();
        calls.wait().await;
        tracing::info!("drained");
    });
    done
}

/// Time in which calls say that the line is handed on, when the pod must stop now; the hard stop ends what is left.
const LAST_WORDS: Duration = HARD_STOP.saturating_sub(Duration::from_secs(2));

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "pod".to_owned(), |name| name.trim().to_owned())
}
