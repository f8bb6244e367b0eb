//! Take-over and hand-over: who owns a call, and who cannot write any more.

use std::time::Duration;

use neurality::{
    domain::{
        call::{CallPhase, NextStep},
        ids::{CallId, Epoch, PodId, TenantId},
    },
    storage::redis::{Adoption, Claim, Lapse, Lease, Offer, WriteError},
};

use super::{Rig, now, on_both};

on_both! {
    a_lease_that_was_raised_in_between_does_not_lapse,
    an_owner_whose_yield_a_failover_lost_is_believed_and_can_lapse,
    an_owner_whose_claim_a_failover_lost_is_believed,
    a_winner_that_asks_again_raises_its_lease,
    an_unanswered_call_rings_again_with_its_old_age,
    a_conversation_that_lost_its_worker_goes_to_the_next_claimant,
    a_call_that_said_its_last_words_ends_with_its_worker,
    a_worker_gives_its_call_back,
    a_call_is_offered_by_one_dispatcher_at_a_time,
    a_call_passes_to_its_heir,
    an_earlier_heir_does_not_inherit,
    a_worker_that_dies_takes_its_heir_with_it,
    a_served_call_without_a_lease_gets_one,
    an_ended_call_is_written_up_by_one_pod_at_a_time,
}

const fn seen(epoch: u32, counter: u64) -> Lease {
    Lease {
        epoch: Epoch(epoch),
        counter,
    }
}

impl Rig {
    async fn active(&self, tenant: TenantId) -> CallId {
        let call = self.claimed(tenant).await;
        let phase = CallPhase::Active;
        self.store
            .set_phase(tenant, call, Epoch::FIRST, phase, now())
            .await
            .expect("active");
        call
    }

    async fn lapse(&self, tenant: TenantId, call: CallId, seen: Lease) -> Lapse {
        let lapse = self.store.lapse(tenant, call, seen, now()).await;
        lapse.expect("lapse")
    }

    async fn claims(&self, tenant: TenantId, call: CallId, epoch: u32, job: &str) -> Claim {
        let pod = PodId::named("pod".into());
        let claim = self
            .store
            .claim(tenant, call, Epoch(epoch), &pod, job, now())
            .await;
        claim.expect("claim")
    }

    async fn raise(&self, tenant: TenantId, call: CallId, epoch: u32) -> Result<u64, WriteError> {
        self.store.raise_lease(tenant, call, Epoch(epoch)).await
    }

    async fn heir(&self, tenant: TenantId, call: CallId) -> Epoch {
        let heir = self
            .store
            .hand_over(tenant, call, Epoch::FIRST, now())
            .await;
        heir.expect("hand over")
    }
}

async fn a_lease_that_was_raised_in_between_does_not_lapse(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    assert_eq!(rig.raise(tenant, call, 1).await.expect("raise"), 1);
    assert_eq!(rig.raise(tenant, call, 1).await.expect("raise"), 2);
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.leases[&call], seen(1, 2));
    assert_eq!(rig.lapse(tenant, call, seen(1, 1)).await, Lapse::Kept);
    assert_eq!(
        rig.lapse(tenant, call, seen(1, 2)).await,
        Lapse::Orphaned(Epoch(2))
    );
    let late = rig.raise(tenant, call, 1).await;
    assert!(matches!(
        late,
        Err(WriteError::Fenced { current: Epoch(2) })
    ));
}

async fn an_owner_whose_yield_a_failover_lost_is_believed_and_can_lapse(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    let heir = rig.heir(tenant, call).await;
    assert_eq!(rig.raise(tenant, call, heir.0).await.expect("raise"), 1);
    let old = rig.raise(tenant, call, 1).await;
    assert!(matches!(old, Err(WriteError::Fenced { current }) if current == heir));
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert!(survey.heirless.is_empty());
    assert_eq!(
        rig.lapse(tenant, call, seen(heir.0, 1)).await,
        Lapse::Orphaned(Epoch(heir.0 + 1))
    );
}

async fn an_owner_whose_claim_a_failover_lost_is_believed(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    assert_eq!(rig.raise(tenant, call, 1).await.expect("raise"), 1);
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert!(survey.waiting.is_empty(), "it is offered to nobody else");
    assert!(matches!(
        rig.claims(tenant, call, 1, "AJ_2").await,
        Claim::Lost
    ));
    let record = rig.store.load(tenant, call).await.expect("load");
    assert_eq!(record.expect("there").phase, CallPhase::Claimed);
}

async fn a_winner_that_asks_again_raises_its_lease(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    let again = async || rig.claims(tenant, call, 1, "AJ_1").await;
    assert!(matches!(again().await, Claim::Won(_)));
    assert!(
        matches!(again().await, Claim::Won(_)),
        "the answer was lost"
    );
    let late = rig.lapse(tenant, call, seen(1, 0)).await;
    assert_eq!(late, Lapse::Kept, "a gateway saw the first claim's lease");
    assert!(matches!(again().await, Claim::Won(_)));
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.leases[&call], seen(1, 2));
}

async fn an_unanswered_call_rings_again_with_its_old_age(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    assert_eq!(
        rig.lapse(tenant, call, seen(1, 0)).await,
        Lapse::Waiting(Epoch(2))
    );
    let record = rig.store.load(tenant, call).await.expect("load");
    let record = record.expect("there");
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.waiting, [(call, record.admitted_at)]);
    assert!(survey.leases.is_empty());
    assert!(matches!(
        rig.claims(tenant, call, 1, "AJ_1").await,
        Claim::Lost
    ));
    assert!(matches!(
        rig.claims(tenant, call, 2, "AJ_2").await,
        Claim::Won(stored) if stored.phase == CallPhase::Claimed
    ));
}

async fn a_conversation_that_lost_its_worker_goes_to_the_next_claimant(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    rig.lapse(tenant, call, seen(1, 0)).await;
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.orphaned.first().map(|(call, _)| *call), Some(call));
    assert!(survey.waiting.is_empty());
    let claim = rig.claims(tenant, call, 2, "AJ_2").await;
    assert!(matches!(claim, Claim::Won(stored) if stored.phase == CallPhase::Active));
    assert!(matches!(
        rig.claims(tenant, call, 2, "AJ_3").await,
        Claim::Lost
    ));
    assert_eq!(rig.slots(tenant).await, 1, "it keeps its slot all the time");
}

async fn a_call_that_said_its_last_words_ends_with_its_worker(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    rig.store
        .set_next_step(tenant, call, Epoch::FIRST, &NextStep::HangUp)
        .await
        .expect("next");
    assert_eq!(rig.lapse(tenant, call, seen(1, 0)).await, Lapse::Ended);
    assert_eq!(rig.slots(tenant).await, 0);
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert!(survey.is_idle());
    assert!(matches!(
        rig.raise(tenant, call, 2).await,
        Err(WriteError::Over)
    ));
}

async fn a_worker_gives_its_call_back(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let back = async |epoch| {
        let back = rig.store.surrender(tenant, call, Epoch(epoch), now()).await;
        back.expect("surrender")
    };
    assert_eq!(back(1).await, Lapse::Waiting(Epoch(2)));
    assert_eq!(back(1).await, Lapse::Kept, "it is not its any more");
    assert_eq!(back(2).await, Lapse::Kept, "nobody has it");
}

async fn a_call_is_offered_by_one_dispatcher_at_a_time(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    let (at, pause) = (now(), Duration::from_secs(2));
    let offer = async |later: i64| {
        let at = at + chrono::TimeDelta::milliseconds(later);
        let offer = rig.store.offer(tenant, call, at, pause).await;
        offer.expect("offer")
    };
    assert!(matches!(
        offer(0).await,
        Offer::Make {
            nth: 1,
            epoch: Epoch(1),
            ..
        }
    ));
    assert_eq!(offer(1999).await, Offer::Early);
    assert!(matches!(offer(2000).await, Offer::Make { nth: 2, .. }));
    rig.claims(tenant, call, 1, "AJ_1").await;
    assert_eq!(offer(9000).await, Offer::Taken);
}

async fn a_call_passes_to_its_heir(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    let heir = rig.heir(tenant, call).await;
    assert_eq!(heir, Epoch(2));
    let early = rig.store.yield_to(tenant, call, Epoch::FIRST, heir).await;
    assert!(
        matches!(early, Err(WriteError::Over)),
        "nobody inherits yet"
    );
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.heirless.first().map(|(call, _)| *call), Some(call));
    let offer = rig.store.offer(tenant, call, now(), Duration::ZERO).await;
    assert!(matches!(
        offer.expect("offer"),
        Offer::Make {
            epoch: Epoch(2),
            ..
        }
    ));
    assert!(matches!(
        rig.claims(tenant, call, 2, "AJ_2").await,
        Claim::Heir(_)
    ));
    assert!(matches!(
        rig.claims(tenant, call, 2, "AJ_3").await,
        Claim::Lost
    ));
    assert!(matches!(
        rig.claims(tenant, call, 2, "AJ_2").await,
        Claim::Heir(_)
    ));
    rig.raise(tenant, call, 1).await.expect("still its own");
    rig.store
        .yield_to(tenant, call, Epoch::FIRST, heir)
        .await
        .expect("yield");
    assert!(matches!(
        rig.raise(tenant, call, 1).await,
        Err(WriteError::Fenced { current: Epoch(2) })
    ));
    assert_eq!(rig.raise(tenant, call, 2).await.expect("raise"), 1);
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert!(survey.heirless.is_empty());
}

async fn an_earlier_heir_does_not_inherit(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    let first = rig.heir(tenant, call).await;
    rig.claims(tenant, call, first.0, "AJ_2").await;
    let second = rig.heir(tenant, call).await;
    assert_eq!(second, Epoch(3));
    assert!(matches!(
        rig.claims(tenant, call, first.0, "AJ_2").await,
        Claim::Lost
    ));
    let late = rig.store.yield_to(tenant, call, Epoch::FIRST, first).await;
    assert!(matches!(late, Err(WriteError::Over)));
}

async fn a_worker_that_dies_takes_its_heir_with_it(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    let heir = rig.heir(tenant, call).await;
    rig.claims(tenant, call, heir.0, "AJ_2").await;
    assert_eq!(
        rig.lapse(tenant, call, seen(1, 0)).await,
        Lapse::Orphaned(Epoch(3))
    );
    assert!(matches!(
        rig.raise(tenant, call, heir.0).await,
        Err(WriteError::Fenced { current: Epoch(3) })
    ));
}

async fn a_served_call_without_a_lease_gets_one(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.active(tenant).await;
    let lend = async || rig.store.lend_lease(tenant, call).await.expect("lend");
    assert!(!lend().await, "it has one");
    rig.raw(&format!("HDEL tenant:{{{tenant}}}:leases {call}"));
    assert!(lend().await);
    assert_eq!(
        rig.lapse(tenant, call, seen(1, 0)).await,
        Lapse::Orphaned(Epoch(2))
    );
    assert!(!lend().await, "nobody serves it");
}

async fn an_ended_call_is_written_up_by_one_pod_at_a_time(rig: Rig) {
    let (tenant, patience) = (TenantId::generate(), Duration::from_secs(30));
    let call = rig.active(tenant).await;
    let (one, two) = (PodId::named("one".into()), PodId::named("two".into()));
    let adopt = async |pod: &PodId, later: i64| {
        let at = now() + chrono::TimeDelta::seconds(later);
        let ended_before = at - chrono::TimeDelta::seconds(10);
        let store = &rig.store;
        let adopted = store
            .adopt(tenant, call, pod, ended_before, at, patience)
            .await;
        adopted.expect("adopt")
    };
    assert!(
        matches!(adopt(&one, 60).await, Adoption::NotYet),
        "it lives"
    );
    rig.store
        .release(tenant, call, now())
        .await
        .expect("release");
    assert!(matches!(adopt(&one, 5).await, Adoption::NotYet));
    assert!(matches!(adopt(&one, 15).await, Adoption::Yours(_)));
    assert!(matches!(adopt(&two, 20).await, Adoption::NotYet));
    assert!(matches!(adopt(&two, 50).await, Adoption::Yours(_)));
    let listed = async || {
        let unwritten = rig.store.unwritten(tenant, now()).await;
        unwritten.expect("unwritten").contains(&call)
    };
    assert!(listed().await);
    rig.store.written(tenant, call).await.expect("written");
    assert!(!listed().await);
}
