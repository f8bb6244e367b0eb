//! Keeps the pool whole: offers waiting calls to pods, gives up those that waited too long, takes calls from pods that are gone.
//!
//! Every gateway runs one, on what Redis holds alone. A gateway that dies takes nothing with it, and two that decide the same do it once: each decision is a
//! compare-and-set.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    Dispatcher,
    leases::{Asked, LeaseWatch},
    queue::{Action, plan},
    supply::Supply,
    wall_clock,
};
use crate::{
    domain::{
        ids::{CallId, PodId, TenantId},
        placement::Placement,
    },
    storage::redis::{Lapse, Lease, PodReport, StoreError, Survey},
    telemetry::labels::TakenFrom,
};

/// The last report of a pod that died is kept for so long, for people who look for it.
const POD_MEMORY: Duration = Duration::from_secs(600);
/// A tenant without calls stays in the index for so long.
const TENANT_SILENCE: Duration = Duration::from_secs(30);
/// Between two comparisons of what is recorded with what is served.
const RECONCILE_EVERY: Duration = Duration::from_secs(5);
/// Requests to LiveKit at a time.
const REQUESTS: usize = 64;

/// What one gateway remembers between two looks; nothing of it is needed to be right.
struct Memory {
    birth: Instant,
    watch: LeaseWatch,
    supply: Supply,
    requests: Arc<Semaphore>,
    reconciled: Option<Instant>,
}

impl Dispatcher {
    /// Looks every `pool.tick_ms`, and at once when a call is admitted, until the process drains.
    pub async fn keep(self) {
        let drain = self.lifecycle.drain();
        drain.run_until_cancelled(self.keep_forever()).await;
    }

    async fn keep_forever(&self) {
        let mut memory = Memory {
            birth: Instant::now(),
            watch: LeaseWatch::new(self.pool.lease_lapse()),
            supply: Supply::default(),
            requests: Arc::new(Semaphore::new(REQUESTS)),
            reconciled: None,
        };
        let mut ticks = interval(self.pool.tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.wake.notified() => {}
            }
            if let Err(error) = self.look(&mut memory).await {
                memory.watch.all_unanswered();
                unknown(&error, "queue");
            }
        }
    }

    async fn look(&self, memory: &mut Memory) -> Result<(), StoreError> {
        let now = wall_clock();
        let mut surveys = Vec::new();
        for tenant in self.store.busy_tenants().await? {
            let at = memory.birth.elapsed();
            match self.store.survey(tenant).await {
                Ok(survey) => {
                    let answered = memory.birth.elapsed();
                    let asked = Asked { at, answered };
                    for (call, lease) in memory.watch.observe(asked, tenant, &survey.leases) {
                        self.take(tenant, call, lease, now).await;
                    }
                    if survey.is_idle() {
                        self.store
                            .forget_if_idle(tenant, now, TENANT_SILENCE)
                            .await?;
                    }
                    surveys.push((tenant, survey));
                }
                Err(error) => {
                    memory.watch.unanswered(tenant);
                    unknown(&error, "survey");
                }
            }
        }
        if memory
            .reconciled
            .is_none_or(|at| at.elapsed() >= RECONCILE_EVERY)
        {
            memory.reconciled = Some(Instant::now());
            self.reconcile(&surveys, now).await;
        }
        memory.supply.update(self.reports(now).await, now);
        for (placement, surveys) in self.by_placement(surveys) {
            let room = memory.supply.room(&placement);
            let actions = plan(&self.policy, now, &surveys, room);
            let offers = actions
                .iter()
                .filter(|action| matches!(action, Action::Offer { .. }));
            let offers = u32::try_from(offers.count()).unwrap_or(u32::MAX);
            memory.supply.take(&placement, offers);
            for action in actions {
                self.act(memory, action);
            }
        }
        Ok(())
    }

    /// Who has waited longest has the first choice of the pods that serve several placements.
    fn by_placement(
        &self,
        surveys: Vec<(TenantId, Survey)>,
    ) -> Vec<(Placement, Vec<(TenantId, Survey)>)> {
        let mut placements: HashMap<Placement, Vec<(TenantId, Survey)>> = HashMap::new();
        for (tenant, survey) in surveys {
            let usual = || self.projects.usual();
            let placement = survey.placement.clone().unwrap_or_else(usual);
            placements
                .entry(placement)
                .or_default()
                .push((tenant, survey));
        }
        let mut groups: Vec<_> = placements.into_iter().collect();
        groups.sort_by_key(|(_, surveys)| {
            let oldest = surveys.iter().filter_map(|(_, survey)| survey.oldest());
            oldest.min().unwrap_or(DateTime::<Utc>::MAX_UTC)
        });
        groups
    }

    /// The worker showed no sign of life for a whole period.
    async fn take(&self, tenant: TenantId, call: CallId, seen: Lease, now: DateTime<Utc>) {
        let taken = match self.store.lapse(tenant, call, seen, now).await {
            Ok(Lapse::Waiting(_)) => TakenFrom::Ringing,
            Ok(Lapse::Orphaned(_)) => TakenFrom::Conversation,
            Ok(Lapse::Ended) => {
                self.end_room_of(tenant, call);
                TakenFrom::Closing
            }
            Ok(Lapse::Kept | Lapse::Unknown) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "take over");
                return;
            }
        };
        self.metrics.pool().taken(taken);
        tracing::warn!(
            tenant.id = %tenant,
            call.id = %call,
            call.epoch = seen.epoch.0,
            "a call was taken from a worker without signs of life"
        );
        self.wake.notify_one();
    }

    /// The pods' last reports; those of pods that are long gone are dropped.
    async fn reports(&self, now: DateTime<Utc>) -> HashMap<PodId, PodReport> {
        let reports = match self.store.pods().await {
            Ok(reports) => reports,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "pods unknown");
                return HashMap::new();
            }
        };
        let long_gone = reports
            .iter()
            .filter(|(_, report)| (now - report.at).to_std().unwrap_or_default() > POD_MEMORY);
        for (pod, _) in long_gone {
            if let Err(error) = self.store.forget_pod(pod).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "forget a pod");
            }
        }
        reports
    }

    /// LiveKit may take its time: not in the way of the next look.
    fn act(&self, memory: &Memory, action: Action) {
        let dispatcher = self.clone();
        match action {
            Action::Offer {
                tenant,
                call,
                pause,
            } => {
                let Ok(permit) = Arc::clone(&memory.requests).try_acquire_owned() else {
                    tracing::warn!("livekit is slow: offers wait");
                    return;
                };
                // By then it is offered again; a LiveKit that takes everything and answers nothing must not hold up the others' calls.
                let limit = self.policy.longest_pause;
                self.beside(async move {
                    let offer = dispatcher.offer(tenant, call, pause);
                    if timeout(limit, offer).await.is_err() {
                        tracing::warn!(tenant.id = %tenant, call.id = %call, "an offer was not sent in time");
                    }
                    drop(permit);
                });
            }
            Action::GiveUp { tenant, call } => {
                self.beside(async move { dispatcher.give_up(tenant, call).await });
            }
        }
    }

    /// A served call without a lease cannot lapse: Redis lost it, and its worker may be gone. It gets one, which its worker raises or which lapses.
    async fn reconcile(&self, surveys: &[(TenantId, Survey)], now: DateTime<Utc>) {
        for (tenant, survey) in surveys {
            if let Err(error) = self.reconcile_tenant(*tenant, survey, now).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "reconcile");
            }
        }
    }

    async fn reconcile_tenant(
        &self,
        tenant: TenantId,
        survey: &Survey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for call in self.store.unwritten(tenant, now - RECONCILE_EVERY).await? {
            let is_known = survey.leases.contains_key(&call)
                || survey.waiting.iter().any(|(id, _)| *id == call)
                || survey.orphaned.iter().any(|(id, _)| *id == call);
            if !is_known && self.store.lend_lease(tenant, call).await? {
                tracing::warn!(tenant.id = %tenant, call.id = %call, "a served call had no lease");
            }
        }
        Ok(())
    }
}

/// A Redis that is away is looked at again in a moment; what cannot be read will not be better then, and calls wait for it.
fn unknown(error: &StoreError, what: &'static str) {
    match error {
        StoreError::Malformed(_) => tracing::error!(
            error = error as &dyn std::error::Error,
            what,
            "cannot be read"
        ),
        _ => tracing::debug!(error = error as &dyn std::error::Error, what, "unknown"),
    }
}
