//! Ended calls whose artifact nobody wrote: their pod died, or no pod ever had them. Every pod looks for them; one at a time writes what Redis still holds.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    artifact::{self, Account},
    call::Call,
    failure::SessionError,
    pod::PodDeps,
    wall_clock,
};
use crate::{
    domain::{
        call::{CallPhase, NextStep, Outcome},
        ids::{CallId, TenantId},
    },
    pipeline::snapshot::Restored,
    storage::{
        postgres::{EndedCall, NewCall},
        redis::{Adoption, StoredCall},
    },
};

/// Between sweeps.
const PERIOD: Duration = Duration::from_secs(5);
/// Time that a call's own pod has for it after the end; longer than any tool runs and any REFER rings.
const OWN_TIME: TimeDelta = TimeDelta::seconds(35);
/// Time that a pod which has taken it on has.
const PATIENCE: Duration = Duration::from_secs(30);

/// A conversation that a newer pod saved is left to such a pod for so long; then its call's artifact is written without it, before Redis forgets the call.
const LAST_RESORT: TimeDelta = TimeDelta::minutes(60);

type SweepError = Box<dyn std::error::Error + Send + Sync>;

/// Sweeps until `stop`.
pub async fn catch_up(deps: PodDeps, stop: CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(PERIOD))
        .await
        .is_some()
    {
        if let Err(error) = sweep(&deps).await {
            tracing::debug!(error = &*error, "sweep calls without artifacts");
        }
    }
}

async fn sweep(deps: &PodDeps) -> Result<(), SweepError> {
    for tenant in deps.store.busy_tenants().await? {
        let now = wall_clock();
        for call in deps.store.unwritten(tenant, now - OWN_TIME).await? {
            adopt(deps, tenant, call, now).await?;
        }
    }
    Ok(())
}

async fn adopt(
    deps: &PodDeps,
    tenant: TenantId,
    call: CallId,
    now: DateTime<Utc>,
) -> Result<(), SweepError> {
    let adopted = deps
        .store
        .adopt(tenant, call, &deps.pod, now - OWN_TIME, now, PATIENCE)
        .await?;
    if let Adoption::Yours(stored) = adopted {
        write_up(deps, *stored, now).await?;
        tracing::info!(tenant.id = %tenant, call.id = %call, "the artifact of an orphaned call is written");
    }
    Ok(())
}

async fn write_up(
    deps: &PodDeps,
    stored: StoredCall,
    now: DateTime<Utc>,
) -> Result<(), SweepError> {
    let epoch = stored.epoch;
    let call = Call::load(deps.clone(), stored, epoch).await?;
    let restored = match call.saved().await {
        Err(SessionError::Decode(error)) if now - call.record.admitted_at > LAST_RESORT => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no pod can read the conversation: its artifact goes without"
            );
            None
        }
        restored => restored?,
    };
    let outcome = outcome(call.record.next.as_ref(), restored.as_ref());
    let record = &call.record;
    debug_assert_eq!(record.phase, CallPhase::Ended);
    let (started_at, ended_at) = times(&call.stored, restored.as_ref());
    let ended = EndedCall {
        begun: NewCall::from(record),
        ended_at,
        outcome,
    };
    deps.db.end_call(&call.clinic.sealer, &ended).await?;
    let remains = restored.unwrap_or_default().into_remains();
    let account = Account {
        record,
        started_at,
        ended_at,
        outcome,
        transcript: remains.transcript,
        tools: remains.tools,
        latencies: remains.latencies,
    };
    let sealed = artifact::seal(&deps.config, &call.clinic, account);
    artifact::write(deps, &call.clinic, &sealed).await;
    Ok(())
}

/// What is known of how it ended.
fn outcome(next: Option<&NextStep>, restored: Option<&Restored>) -> Outcome {
    match next {
        Some(NextStep::HangUp) => Outcome::Completed,
        Some(NextStep::Transfer { .. }) => Outcome::Transferred,
        Some(NextStep::Fallback) => Outcome::Failed,
        None if restored.is_some() => Outcome::CallerHungUp,
        None => Outcome::Abandoned,
    }
}

/// Begin and end of a call. Its clock starts with the admission if no agent came; it ended when its record says, or else with what was saved last.
fn times(stored: &StoredCall, restored: Option<&Restored>) -> (DateTime<Utc>, DateTime<Utc>) {
    let saved = restored.map(|saved| {
        let until = TimeDelta::from_std(saved.saved_at.since_start()).unwrap_or_default();
        (saved.started_at, saved.started_at + until)
    });
    let started_at = saved.map_or(stored.clock_at.unwrap_or(stored.admitted_at), |(at, _)| at);
    let last_sign = saved.map_or(started_at, |(_, until)| until);
    let ended_at = stored.ended_at.unwrap_or(last_sign);
    (started_at, ended_at.max(last_sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        call::Route,
        call_time::CallTime,
        ids::{Epoch, Returns, RoomName},
    };
    use crate::storage::redis::StoredOrigin;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + ms).expect("a time")
    }

    fn stored(clock_at: Option<i64>, ended_at: Option<i64>) -> StoredCall {
        StoredCall {
            tenant: TenantId::generate(),
            call: CallId::generate(),
            route: Route::Webhook,
            placement: None,
            room: RoomName::generate(),
            caller: None,
            origin: StoredOrigin::default(),
            dialled: "+12125550100".parse().expect("number"),
            admitted_at: at(0),
            clock_at: clock_at.map(at),
            ended_at: ended_at.map(at),
            epoch: Epoch::FIRST,
            phase: CallPhase::Ended,
            next: None,
            returns: Returns::default(),
            transfer: None,
        }
    }

    #[test]
    fn a_call_that_nobody_answered_ended_when_its_caller_hung_up() {
        assert_eq!(times(&stored(None, Some(7_000)), None), (at(0), at(7_000)));
        let claimed = stored(Some(300), Some(2_000));
        assert_eq!(times(&claimed, None), (at(300), at(2_000)));
        assert_eq!(times(&stored(None, None), None), (at(0), at(0)));
    }

    #[test]
    fn a_conversation_ended_no_earlier_than_what_was_saved_of_it() {
        let mut saved = Restored::default();
        saved.started_at = at(300);
        saved.saved_at = CallTime::from_millis(9_000);
        let until = |ended_at| times(&stored(Some(300), ended_at), Some(&saved));
        assert_eq!(until(Some(15_000)), (at(300), at(15_000)));
        assert_eq!(until(Some(9_000)), (at(300), at(9_300)));
        assert_eq!(until(None), (at(300), at(9_300)));
    }
}
