//! Transfers: what is held until a person takes the call, and the way back.

use std::time::Duration;

use neurality::{
    domain::{
        call::{CallPhase, NextStep, TransferResult},
        ids::{CallId, Epoch, PodId, Returns, RoomName, TenantId},
    },
    storage::redis::{Claim, Return, WriteError},
};

use super::{Rig, now, on_both};

on_both! {
    a_caller_who_was_not_taken_goes_on_in_a_new_room,
    asked_twice_a_caller_comes_back_once,
    a_call_that_is_in_no_transfer_does_not_come_back,
    a_caller_comes_back_three_times_at_most,
    a_transfer_is_settled_once_and_then_its_artifact_goes_home,
    an_artifact_is_held_for_a_limited_time,
}

const FIRST: Returns = Returns(0);
const HOLD: Duration = Duration::from_secs(60);
const DECLINED: TransferResult = TransferResult::Declined;

impl Rig {
    /// A call whose agent has sent it to a person, and whose leg has ended.
    async fn transferred(&self, tenant: TenantId) -> CallId {
        let call = self.claimed(tenant).await;
        self.send_to_a_person(tenant, call, Epoch::FIRST).await;
        call
    }

    async fn send_to_a_person(&self, tenant: TenantId, call: CallId, epoch: Epoch) {
        let to = "+15550111".parse().expect("number");
        let store = &self.store;
        store
            .set_transfer(tenant, call, epoch, &to, b"sealed words")
            .await
            .expect("transfer");
        store
            .hold_artifact(tenant, call, b"artifact", now(), HOLD)
            .await
            .expect("hold");
        store.release(tenant, call, now()).await.expect("release");
    }

    async fn back(&self, tenant: TenantId, call: CallId, returns: Returns) -> (Return, RoomName) {
        let room = RoomName::generate();
        let returned = self
            .store
            .bring_back(tenant, call, returns, DECLINED, &room, now())
            .await;
        (returned.expect("bring back"), room)
    }
}

async fn a_caller_who_was_not_taken_goes_on_in_a_new_room(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.transferred(tenant).await;
    let record = rig.store.load(tenant, call).await.expect("load");
    let record = record.expect("record");
    assert!(matches!(record.next, Some(NextStep::Transfer { .. })));
    assert_eq!((record.phase, record.transfer), (CallPhase::Ended, None));
    let words = rig.store.briefing(tenant, call).await.expect("briefing");
    assert_eq!(words.as_deref(), Some(b"sealed words".as_slice()));
    assert_eq!(rig.slots(tenant).await, 0);

    let (returned, room) = rig.back(tenant, call, FIRST).await;
    assert_eq!(returned, Return::Back);
    let record = rig.store.load(tenant, call).await.expect("load");
    let record = record.expect("record");
    assert_eq!(
        (record.phase, record.epoch, record.returns, record.next),
        (CallPhase::Orphaned, Epoch(2), Returns(1), None)
    );
    assert_eq!((record.room, record.transfer), (room, Some(DECLINED)));
    assert_eq!(
        rig.slots(tenant).await,
        1,
        "it is a call of the clinic again"
    );
    let parked = rig.store.parked_artifacts(tenant).await.expect("parked");
    assert_eq!(parked, [], "the call will have one artifact, of the whole");
    let words = rig.store.briefing(tenant, call).await.expect("briefing");
    assert_eq!(words, None);
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.orphaned.len(), 1);
    let unwritten = rig.store.unwritten(tenant, now()).await.expect("unwritten");
    assert_eq!(unwritten, [call]);

    // What the first leg's worker and its callbacks still say means nothing.
    let late = rig
        .store
        .set_phase(tenant, call, Epoch::FIRST, CallPhase::Ended, now())
        .await;
    assert!(matches!(late, Err(WriteError::Fenced { .. })));
    let freed = rig.store.release_leg(tenant, call, FIRST, now()).await;
    assert!(!freed.expect("release"));
    assert_eq!(rig.slots(tenant).await, 1);

    let pod = PodId::new("pod");
    let claim = rig
        .store
        .claim(tenant, call, Epoch(2), &pod, "AJ_2", now())
        .await;
    assert!(matches!(claim.expect("claim"), Claim::Won(_)));
    let freed = rig.store.release_leg(tenant, call, Returns(1), now()).await;
    assert!(freed.expect("release"));
}

async fn asked_twice_a_caller_comes_back_once(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.transferred(tenant).await;
    let (_, room) = rig.back(tenant, call, FIRST).await;
    let (again, _) = rig.back(tenant, call, FIRST).await;
    assert_eq!(again, Return::Repeated(room));
    let record = rig.store.load(tenant, call).await.expect("load");
    assert_eq!(record.expect("record").returns, Returns(1));
}

async fn a_call_that_is_in_no_transfer_does_not_come_back(rig: Rig) {
    let tenant = TenantId::generate();
    let talking = rig.claimed(tenant).await;
    assert_eq!(rig.back(tenant, talking, FIRST).await.0, Return::Over);
    let unknown = CallId::generate();
    assert_eq!(rig.back(tenant, unknown, FIRST).await.0, Return::Over);

    let taken = rig.transferred(tenant).await;
    rig.store
        .settle_transfer(tenant, taken, TransferResult::Accepted)
        .await
        .expect("settle");
    assert_eq!(rig.back(tenant, taken, FIRST).await.0, Return::Over);

    let written = rig.transferred(tenant).await;
    rig.store
        .unpark_artifact(tenant, written)
        .await
        .expect("unpark");
    assert_eq!(
        rig.back(tenant, written, FIRST).await.0,
        Return::Over,
        "a second artifact could not be written"
    );
}

async fn a_caller_comes_back_three_times_at_most(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.transferred(tenant).await;
    let pod = PodId::new("pod");
    for nth in 0..3 {
        let (returned, _) = rig.back(tenant, call, Returns(nth)).await;
        assert_eq!(returned, Return::Back, "{nth}");
        let epoch = Epoch(nth + 2);
        let claim = rig
            .store
            .claim(tenant, call, epoch, &pod, "AJ_2", now())
            .await;
        assert!(matches!(claim.expect("claim"), Claim::Won(_)));
        rig.send_to_a_person(tenant, call, epoch).await;
    }
    assert_eq!(rig.back(tenant, call, Returns(3)).await.0, Return::Over);
    assert_eq!(rig.slots(tenant).await, 0);
}

async fn a_transfer_is_settled_once_and_then_its_artifact_goes_home(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.transferred(tenant).await;
    let held = rig.store.held_artifacts(tenant, now()).await;
    assert!(held.expect("held").contains(&call));
    for (result, first) in [
        (TransferResult::Accepted, true),
        (TransferResult::Accepted, false),
        (TransferResult::Abandoned, false),
    ] {
        let settled = rig.store.settle_transfer(tenant, call, result).await;
        assert_eq!(settled.expect("settle"), first);
    }
    let record = rig.store.load(tenant, call).await.expect("load");
    let record = record.expect("record");
    assert_eq!(record.transfer, Some(TransferResult::Accepted));
    let held = rig.store.held_artifacts(tenant, now()).await;
    assert!(held.expect("held").is_empty());
    let parked = rig.store.parked_artifacts(tenant).await.expect("parked");
    assert_eq!(parked, [call]);
}

async fn an_artifact_is_held_for_a_limited_time(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.transferred(tenant).await;
    let later = now() + HOLD + Duration::from_secs(1);
    let held = rig.store.held_artifacts(tenant, later).await;
    assert!(!held.expect("held").contains(&call));
}
