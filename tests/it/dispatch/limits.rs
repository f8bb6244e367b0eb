//! A tenant's concurrent calls, when the pod that serves them dies.

use std::time::Duration;

use loadtest::stack::shared;
use neurality::{
    dispatch::Decision,
    domain::{
        call::CallPhase,
        ids::{CallId, Epoch},
    },
    storage::redis::{Claim, Refusal},
};
use tokio::time::{Instant, sleep};

use super::{Rig, leg, now, quick};

const BUSY: Decision = Decision::Refused(Refusal::Busy);

impl Rig {
    async fn in_conversation(&self) -> CallId {
        let (call, _) = self.admitted().await;
        let claim = self.claim(call, Epoch::FIRST).await;
        assert!(matches!(claim, Claim::Won(_)), "{claim:?}");
        let (tenant, phase) = (self.profile.id, CallPhase::Active);
        let active = self
            .store
            .set_phase(tenant, call, Epoch::FIRST, phase, now());
        active.await.expect("active");
        call
    }
}

/// The clinic may have two calls at a time; its pod raises the lease of one, then of none.
#[tokio::test]
async fn the_calls_of_a_dead_pod_hold_their_slots_until_nobody_takes_them_over() {
    let rig = Rig::new(shared::livekit(), quick(4_000));
    let (lives, dies) = (rig.in_conversation().await, rig.in_conversation().await);
    let begin = Instant::now();
    let admitted = loop {
        let raised = rig.store.raise_lease(rig.profile.id, lives, Epoch::FIRST);
        raised.await.expect("the live call keeps its worker");
        let (_, decision) = rig.admit(&leg()).await;
        if decision != BUSY {
            break decision;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "never freed");
        sleep(Duration::from_millis(200)).await;
    };
    assert!(
        matches!(admitted, Decision::Admitted { .. }),
        "{admitted:?}"
    );
    let waited = begin.elapsed();
    assert!(
        waited > Duration::from_secs(5),
        "freed while it could be taken over: {waited:?}"
    );
    rig.until_phase(dies, CallPhase::Ended).await;
    rig.until_phase(lives, CallPhase::Active).await;
    let (_, third) = rig.admit(&leg()).await;
    assert_eq!(third, BUSY);
}
