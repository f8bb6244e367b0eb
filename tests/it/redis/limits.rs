//! A tenant's concurrent calls, over pods that die.

use neurality::{
    domain::{
        call::{CallPhase, NextStep},
        ids::{CallId, Epoch, PodId, TenantId},
    },
    storage::redis::{Admission, Claim, Lapse, Lease, Refusal},
};

use super::{Rig, applicant, now, on_both};

on_both! {
    a_conversation_keeps_its_slot_from_pod_to_pod_and_frees_it_when_it_is_given_up,
    a_call_that_rings_again_keeps_its_slot_until_it_is_given_up,
    a_call_that_had_said_goodbye_frees_its_slot_with_its_pod,
}

const BUSY: Admission = Admission::Refused(Refusal::Busy);

impl Rig {
    /// Another call of the tenant, which may have three at a time.
    async fn another(&self, tenant: TenantId) -> Admission {
        let decision = self.store.admit(&applicant(tenant), now()).await;
        decision.expect("admit")
    }

    /// Three calls in conversation, each on a pod of its own.
    async fn conversations(&self, tenant: TenantId) -> [CallId; 3] {
        let mut calls = Vec::new();
        for _ in 0..3 {
            let call = self.claimed(tenant).await;
            let phase = CallPhase::Active;
            let active = self
                .store
                .set_phase(tenant, call, Epoch::FIRST, phase, now());
            active.await.expect("active");
            calls.push(call);
        }
        calls.try_into().expect("three")
    }

    /// The pod that serves the call shows no sign of life any more.
    async fn dies(&self, tenant: TenantId, call: CallId, epoch: Epoch) -> Lapse {
        let seen = Lease { epoch, counter: 0 };
        let lapse = self.store.lapse(tenant, call, seen, now()).await;
        lapse.expect("lapse")
    }

    async fn is_given_up(&self, tenant: TenantId, call: CallId) -> bool {
        let given_up = self.store.give_up(tenant, call, now()).await;
        given_up.expect("give up")
    }
}

async fn a_conversation_keeps_its_slot_from_pod_to_pod_and_frees_it_when_it_is_given_up(rig: Rig) {
    let tenant = TenantId::generate();
    let [call, ..] = rig.conversations(tenant).await;
    assert_eq!(rig.another(tenant).await, BUSY);
    assert_eq!(
        rig.dies(tenant, call, Epoch::FIRST).await,
        Lapse::Orphaned(Epoch(2))
    );
    assert_eq!(rig.another(tenant).await, BUSY, "its caller is on the line");
    let (pod, epoch) = (PodId::new("second"), Epoch(2));
    let claim = rig
        .store
        .claim(tenant, call, epoch, &pod, "AJ_2", now())
        .await;
    assert!(matches!(claim.expect("claim"), Claim::Won(_)));
    assert_eq!(
        (rig.another(tenant).await, rig.slots(tenant).await),
        (BUSY, 3)
    );
    assert_eq!(
        rig.dies(tenant, call, epoch).await,
        Lapse::Orphaned(Epoch(3))
    );
    assert!(rig.is_given_up(tenant, call).await);
    assert_eq!(rig.slots(tenant).await, 2);
    assert_eq!(rig.another(tenant).await, Admission::Admitted);
    assert_eq!(rig.another(tenant).await, BUSY);
}

async fn a_call_that_rings_again_keeps_its_slot_until_it_is_given_up(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    for _ in 0..2 {
        rig.admitted(tenant).await;
    }
    let lapse = rig.dies(tenant, call, Epoch::FIRST).await;
    assert_eq!(lapse, Lapse::Waiting(Epoch(2)));
    assert_eq!(rig.another(tenant).await, BUSY);
    assert!(rig.is_given_up(tenant, call).await);
    assert!(!rig.is_given_up(tenant, call).await);
    assert_eq!(rig.another(tenant).await, Admission::Admitted);
    assert_eq!(rig.another(tenant).await, BUSY);
}

async fn a_call_that_had_said_goodbye_frees_its_slot_with_its_pod(rig: Rig) {
    let tenant = TenantId::generate();
    let [call, ..] = rig.conversations(tenant).await;
    let next = NextStep::HangUp;
    let noted = rig.store.set_next_step(tenant, call, Epoch::FIRST, &next);
    noted.await.expect("next step");
    assert_eq!(rig.dies(tenant, call, Epoch::FIRST).await, Lapse::Ended);
    assert_eq!(rig.another(tenant).await, Admission::Admitted);
    assert_eq!(rig.another(tenant).await, BUSY);
}
