//! Artifacts that wait, in Redis for Postgres, or in Postgres for the end of a transfer: every pod tries to bring them home. Storing twice is harmless, the first one
//! stays.
//!
//! The artifact of a call that is with a person waits in both (docs/adr/0021-pending-artifacts.md). Redis decides what becomes of the call; if it has lost the call, the copy in Postgres goes into the chain.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{pod::PodDeps, wall_clock};
use crate::{
    domain::{
        call::CallPhase,
        ids::{CallId, TenantId},
    },
    storage::{
        postgres::{PendingArtifact, SealedArtifact, StorageError},
        redis::StoreError,
    },
    telemetry::labels::ArtifactWrite,
};

/// Between sweeps.
const PERIOD: Duration = Duration::from_secs(10);

/// After the time for which Redis holds an artifact, the copy in Postgres waits so long for the one in Redis to come home.
const AFTER_REDIS: TimeDelta = TimeDelta::seconds(60);
/// The caller waits to be put through meanwhile.
const KEEPING: Duration = Duration::from_secs(1);
/// Until a call is looked at again of which Redis says that it goes on.
const GOES_ON: TimeDelta = TimeDelta::seconds(60);

/// Sweeps until `stop`.
pub async fn bring_home(deps: PodDeps, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(PERIOD))
        .await
        .is_some()
    {
        match sweep(&deps).await {
            Ok(left) => deps.metrics.artifacts_parked(left),
            Err(error) => tracing::debug!(error = &*error, "sweep parked artifacts"),
        }
        if let Err(error) = sweep_pending(&deps).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "sweep pending artifacts"
            );
        }
    }
}

type SweepError = Box<dyn std::error::Error + Send + Sync>;

/// One pass; returns how many still wait.
async fn sweep(deps: &PodDeps) -> Result<usize, SweepError> {
    let mut left = 0;
    for tenant in deps.store.tenants_with_artifacts().await? {
        let held = deps.store.held_artifacts(tenant, wall_clock()).await?;
        for call in deps.store.parked_artifacts(tenant).await? {
            if held.contains(&call) {
                continue;
            }
            if !store(deps, tenant, call).await? {
                left += 1;
            }
        }
    }
    Ok(left)
}

/// Whether the artifact is home.
async fn store(deps: &PodDeps, tenant: TenantId, call: CallId) -> Result<bool, SweepError> {
    let Some(bytes) = deps.store.parked_artifact(tenant, call).await? else {
        return Ok(true);
    };
    let Some(sealed) = SealedArtifact::from_bytes(&bytes) else {
        tracing::error!(tenant.id = %tenant, call.id = %call, "a parked artifact is malformed");
        return Ok(false);
    };
    let stored = async {
        let sealer = deps.db.sealer(tenant).await?;
        // Whoever can write to Redis, and has no keys, must not write the record.
        if sealed.call != call || !sealed.is_genuine(&sealer) {
            tracing::error!(tenant.id = %tenant, call.id = %call, "a parked artifact is not ours");
            return Ok(false);
        }
        deps.db
            .insert_artifact(&sealer, &sealed)
            .await
            .map(|_| true)
    };
    match stored.await {
        Ok(true) => {}
        Ok(false) => return Ok(false),
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "postgres is still away"
            );
            return Ok(false);
        }
    }
    deps.store.unpark_artifact(tenant, call).await?;
    deps.metrics.artifact(ArtifactWrite::Stored);
    Ok(true)
}

/// Keeps a copy of an artifact that Redis holds, for the case that Redis loses it.
pub(super) async fn keep(deps: &PodDeps, artifact: &SealedArtifact, held_until: DateTime<Utc>) {
    let kept = deps.db.keep_artifact(artifact, held_until + AFTER_REDIS);
    match timeout(KEEPING, kept).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the held artifact is in redis alone"
        ),
        Err(_) => tracing::warn!("the held artifact is in redis alone: postgres is slow"),
    }
}

async fn sweep_pending(deps: &PodDeps) -> Result<(), StorageError> {
    let now = wall_clock();
    for tenant in deps.db.tenants_with_due_artifacts(now).await? {
        for pending in deps.db.due_artifacts(tenant, now).await? {
            let call = pending.artifact.call;
            match fate(deps, &pending, now).await {
                Fate::Due => bring_in(deps, &pending.artifact).await?,
                Fate::GoesOn => {
                    let later = now + GOES_ON;
                    deps.db.reschedule_artifact(tenant, call, later).await?;
                }
                Fate::Unknown => {}
            }
        }
    }
    Ok(())
}

/// What becomes of a pending artifact now.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is the call's artifact.
    Due,
    /// Another may be: the caller came back, or Redis still has it.
    GoesOn,
    /// Redis does not say.
    Unknown,
}

/// Redis knows a call until long after its end. One that does not answer is not waited for longer than it would know the call.
async fn fate(deps: &PodDeps, pending: &PendingArtifact, now: DateTime<Utc>) -> Fate {
    let memory = Duration::from_secs(deps.config.redis.session_ttl_secs);
    match goes_on(deps, &pending.artifact, now).await {
        Ok(true) => Fate::GoesOn,
        Ok(false) => Fate::Due,
        Err(_)
            if (now - pending.due_at)
                .to_std()
                .is_ok_and(|late| late > memory) =>
        {
            Fate::Due
        }
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "redis does not say what became of a transferred call"
            );
            Fate::Unknown
        }
    }
}

async fn goes_on(
    deps: &PodDeps,
    artifact: &SealedArtifact,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (store, tenant, call) = (&deps.store, artifact.tenant, artifact.call);
    let Some(record) = store.load(tenant, call).await? else {
        return Ok(false);
    };
    Ok(record.phase != CallPhase::Ended
        // Its agent, or a pod that adopts it, has the whole conversation still to write.
        || store.is_unwritten(tenant, call).await?
        || store.held_artifacts(tenant, now).await?.contains(&call)
        || store.parked_artifact(tenant, call).await?.is_some())
}

async fn bring_in(deps: &PodDeps, artifact: &SealedArtifact) -> Result<(), StorageError> {
    let sealer = deps.db.sealer(artifact.tenant).await?;
    deps.db.insert_artifact(&sealer, artifact).await?;
    deps.metrics.artifact(ArtifactWrite::Stored);
    tracing::info!(tenant.id = %artifact.tenant, call.id = %artifact.call, "the artifact of a transferred call is written");
    Ok(())
}
