//! Artifacts that wait in Redis for Postgres: every pod tries to bring them home. Storing twice is harmless, the first one stays.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{pod::PodDeps, wall_clock};
use crate::{
    domain::ids::{CallId, TenantId},
    storage::postgres::SealedArtifact,
    telemetry::labels::ArtifactWrite,
};

/// Between sweeps.
const PERIOD: Duration = Duration::from_secs(10);

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
