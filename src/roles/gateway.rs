//! `neurality gateway`: takes webhooks, admits calls, rings for them.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    config::Config,
    dispatch::{Dispatcher, Projects, queue::RingPolicy},
    gateway::{self, Gateway, Parts},
    lifecycle::Lifecycle,
    security::Keyring,
    storage::{postgres::Db, redis::Store},
    telemetry::metrics::Metrics,
};

/// Builds the gateway and starts it; returns once it listens. Its tasks belong to `lifecycle`. Redis, Postgres and LiveKit may come up later.
///
/// # Errors
/// The key file, a URL or the listen address cannot be used.
pub async fn run(
    config: Config,
    metrics: Arc<Metrics>,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let keyring = Keyring::load(&config.security.key_file).context("load key file")?;
    let db = Db::connect(&config.postgres, keyring).context("configure postgres")?;
    let store = Store::open(&config.redis).context("configure redis")?;
    let dispatcher = Dispatcher::new(
        store.clone(),
        Projects::new(&config.livekit, config.pool.region.clone()),
        RingPolicy::until(
            Duration::from_secs(config.gateway.ring_deadline_secs),
            config.pool.orphan_deadline(),
        ),
        config.pool.clone(),
        Arc::clone(&metrics),
        lifecycle.clone(),
    );
    let parts = Parts {
        store,
        db,
        dispatcher: dispatcher.clone(),
        metrics,
        drain: lifecycle.drain(),
    };
    let gateway = Arc::new(Gateway::new(&config, parts));
    let listen = config.gateway.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("listen on {listen}"))?;
    tracing::info!(%listen, "gateway listens");
    lifecycle.spawn(dispatcher.keep());
    lifecycle.spawn(gateway::sweep::watch(Arc::clone(&gateway)));
    lifecycle.spawn(serve(listener, gateway, lifecycle.clone()));
    Ok(())
}

async fn serve(listener: TcpListener, gateway: Arc<Gateway>, lifecycle: Lifecycle) {
    let hard = lifecycle.hard();
    if let Some(Err(error)) = hard
        .run_until_cancelled(gateway::serve(listener, gateway))
        .await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the listener broke"
        );
        lifecycle.fail();
    }
}
