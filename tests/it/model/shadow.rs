//! Runs the model's operations on a real Redis and compares what they do.

use std::time::Duration;

use neurality::{
    domain::{
        call::{CallPhase, NextStep},
        ids::{Epoch, PodId, TenantId},
    },
    storage::redis::{Admission, Applicant, Claim, Lapse, Offer, StoreError, Survey, WriteError},
};
use pool_model::record::{Answer, Lease, Op, Phase, Record};

use crate::redis::{Rig, applicant, now};

/// A tenant of its own whose calls go the model's way.
pub(super) struct Shadow<'a> {
    rig: &'a Rig,
    pub(super) tenant: TenantId,
    pub(super) calls: Vec<Applicant>,
}

impl<'a> Shadow<'a> {
    /// No call is admitted yet.
    pub(super) fn new(rig: &'a Rig, calls: usize) -> Self {
        let tenant = TenantId::generate();
        Self {
            rig,
            tenant,
            calls: (0..calls).map(|_| applicant(tenant)).collect(),
        }
    }

    pub(super) async fn survey(&self) -> Survey {
        self.rig.store.survey(self.tenant).await.expect("survey")
    }

    /// Runs an operation through the store. `job` tells one claimant from another.
    pub(super) async fn run(&self, call: usize, op: Op, job: &str) -> Answer {
        let answer = self.try_run(call, op, job).await;
        match answer {
            Ok(answer) => answer,
            Err(WriteError::Fenced { current }) => Answer::Fenced(small(current)),
            Err(WriteError::Over) => Answer::Over,
            Err(WriteError::Unknown) => Answer::Unknown,
            Err(WriteError::Store(error)) => panic!("{op:?}: {error}"),
        }
    }

    async fn try_run(&self, call: usize, op: Op, job: &str) -> Result<Answer, WriteError> {
        let (store, tenant) = (&self.rig.store, self.tenant);
        let applicant = &self.calls[call];
        let (call, at) = (applicant.call, now());
        let phase =
            async |epoch: u8, phase| store.set_phase(tenant, call, of(epoch), phase, at).await;
        Ok(match op {
            Op::Admit => Answer::Was(store.admit(applicant, at).await? == Admission::Admitted),
            Op::Offer => offer(store.offer(tenant, call, at, Duration::ZERO).await?),
            Op::Claim { epoch, .. } => {
                let pod = PodId::named("pod".into());
                claim(
                    &store
                        .claim(tenant, call, of(epoch), &pod, job, now())
                        .await?,
                )
            }
            Op::Raise { epoch } => {
                Answer::Raised(store.raise_lease(tenant, call, of(epoch)).await? as u8)
            }
            Op::Lapse { seen } => lapse(store.lapse(tenant, call, lease(seen), at).await?),
            Op::Surrender { epoch } => lapse(store.surrender(tenant, call, of(epoch), at).await?),
            Op::Lend => Answer::Was(store.lend_lease(tenant, call).await?),
            Op::HandOver { epoch } => {
                Answer::Named(small(store.hand_over(tenant, call, of(epoch), at).await?))
            }
            Op::Yield { epoch, heir } => {
                store.yield_to(tenant, call, of(epoch), of(heir)).await?;
                Answer::Ok
            }
            Op::Activate { epoch } => {
                phase(epoch, CallPhase::Active).await?;
                Answer::Ok
            }
            Op::End { epoch } => {
                phase(epoch, CallPhase::Ended).await?;
                Answer::Ok
            }
            Op::SetNext { epoch } => {
                let next = NextStep::HangUp;
                store.set_next_step(tenant, call, of(epoch), &next).await?;
                Answer::Ok
            }
            Op::GiveUp => Answer::Was(store.give_up(tenant, call, at).await?),
            Op::Release => Answer::Was(store.release(tenant, call, at).await?),
        })
    }

    /// Redis holds what the model says.
    pub(super) async fn compare(&self, records: &[Record], way: &str) {
        let survey = self.survey().await;
        for (applicant, record) in self.calls.iter().zip(records) {
            let held = self.read(applicant, &survey).await.expect("read");
            // Who claimed what shows in the answers only.
            let expected = Record {
                claimant: 0,
                heir: 0,
                heir_claimant: 0,
                slot: false,
                ..*record
            };
            assert_eq!(held, expected, "{way}");
        }
        let slots = self.rig.store.slots_in_use(self.tenant, now()).await;
        let expected = records.iter().filter(|record| record.slot).count();
        assert_eq!(slots.expect("slots"), expected, "{way}");
    }

    async fn read(&self, applicant: &Applicant, survey: &Survey) -> Result<Record, StoreError> {
        let call = applicant.call;
        let has = |calls: &[(_, _)]| calls.iter().any(|(id, _)| *id == call);
        let stored = self.rig.store.load(self.tenant, call).await?;
        let phase = stored.as_ref().map(|stored| stored.phase);
        Ok(Record {
            phase: match phase {
                None => Phase::Unknown,
                Some(CallPhase::Waiting) => Phase::Waiting,
                Some(CallPhase::Claimed) => Phase::Claimed,
                Some(CallPhase::Active) => Phase::Active,
                Some(CallPhase::Orphaned) => Phase::Orphaned,
                Some(CallPhase::Ended) => Phase::Ended,
            },
            epoch: stored.as_ref().map_or(0, |stored| small(stored.epoch)),
            next: stored.is_some_and(|stored| stored.next.is_some()),
            queued: has(&survey.waiting),
            orphaned: has(&survey.orphaned),
            heirless: has(&survey.heirless),
            lease: survey.leases.get(&call).map(|lease| Lease {
                epoch: small(lease.epoch),
                counter: lease.counter as u8,
            }),
            offers: survey.offers.get(&call).map_or(0, |(_, nth)| *nth as u8),
            ..Record::default()
        })
    }
}

const fn of(epoch: u8) -> Epoch {
    Epoch(epoch as u32)
}

fn small(epoch: Epoch) -> u8 {
    u8::try_from(epoch.0).expect("walks are short")
}

pub(super) fn lease(lease: Lease) -> neurality::storage::redis::Lease {
    neurality::storage::redis::Lease {
        epoch: of(lease.epoch),
        counter: lease.counter.into(),
    }
}

fn offer(offer: Offer) -> Answer {
    match offer {
        Offer::Make { nth, epoch, .. } => Answer::Offered(nth as u8, small(epoch)),
        Offer::Taken => Answer::Taken,
        Offer::Early => panic!("no pause was asked for"),
    }
}

fn claim(claim: &Claim) -> Answer {
    match claim {
        Claim::Won(_) => Answer::Won,
        Claim::Heir(_) => Answer::Heir,
        Claim::Lost => Answer::Lost,
        Claim::Unknown => Answer::Unknown,
    }
}

fn lapse(lapse: Lapse) -> Answer {
    match lapse {
        Lapse::Waiting(epoch) => Answer::Waiting(small(epoch)),
        Lapse::Orphaned(epoch) => Answer::Orphaned(small(epoch)),
        Lapse::Ended => Answer::Ended,
        Lapse::Kept => Answer::Kept,
        Lapse::Unknown => Answer::Unknown,
    }
}
