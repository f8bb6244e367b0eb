//! Claims, epochs, slots.

use chrono::TimeDelta;
use futures_util::future::join_all;
use neurality::{
    domain::{
        call::{CallPhase, NextStep},
        ids::{CallId, Epoch, PodId, TenantId},
    },
    storage::redis::{Claim, Lapse, Session, WriteError},
};

use super::{Rig, now, on_both};

on_both! {
    of_many_claims_one_wins,
    every_agent_of_a_call_counts_from_its_first_claim,
    a_claim_of_an_older_epoch_or_an_unknown_call_is_lost,
    an_older_epoch_is_fenced_out_of_every_write,
    an_ended_call_stays_ended,
    the_session_of_the_newest_epoch_stays,
    a_slot_is_freed_exactly_once,
    an_expired_slot_of_a_live_call_is_taken_again,
    a_call_is_given_up_only_while_it_waits,
    a_live_call_is_written_back_after_redis_lost_it,
}

async fn of_many_claims_one_wins(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    let claim = async |n: u32| {
        let (pod, job) = (PodId::new("pod"), format!("AJ_{n}"));
        let claim = rig
            .store
            .claim(tenant, call, Epoch::FIRST, &pod, &job, now())
            .await;
        (pod, job, claim.expect("claim"))
    };
    let mut winners = Vec::new();
    for (pod, job, claim) in join_all((0..10).map(claim)).await {
        match claim {
            Claim::Won(record) => winners.push((pod, job, record)),
            Claim::Lost => {}
            Claim::Unknown | Claim::Heir(_) => panic!("the call is admitted"),
        }
    }
    let [(pod, job, record)] = winners.as_slice() else {
        panic!("{} winners", winners.len())
    };
    assert_eq!((record.call, record.phase), (call, CallPhase::Claimed));
    let again = rig
        .store
        .claim(tenant, call, Epoch::FIRST, pod, job, now())
        .await
        .expect("claim");
    assert!(matches!(again, Claim::Won(_)), "the winner may ask again");
    let other_job = rig
        .store
        .claim(tenant, call, Epoch::FIRST, pod, "AJ_other", now())
        .await
        .expect("claim");
    assert!(
        matches!(other_job, Claim::Lost),
        "two jobs on one pod are two agents"
    );
}

/// Item 11 a of the field's list: before anything of the conversation is saved, too.
async fn every_agent_of_a_call_counts_from_its_first_claim(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    let (pod, first) = (PodId::new("pod"), now());
    let claims = async |epoch: u32, job: &str, after: i64| {
        let at = first + TimeDelta::milliseconds(after);
        let claim = rig.store.claim(tenant, call, Epoch(epoch), &pod, job, at);
        claim.await.expect("claim")
    };
    let zero = |claim: &Claim| match claim {
        Claim::Won(record) | Claim::Heir(record) => record.clock_at.map(|at| at.timestamp_millis()),
        Claim::Lost | Claim::Unknown => panic!("{claim:?}"),
    };
    let expected = Some(first.timestamp_millis());
    assert_eq!(zero(&claims(1, "AJ_1", 0).await), expected);
    assert_eq!(zero(&claims(1, "AJ_1", 40).await), expected, "asked again");

    // It goes back to the queue, and another takes it.
    let back = rig.store.surrender(tenant, call, Epoch::FIRST, now()).await;
    assert_eq!(back.expect("surrender"), Lapse::Waiting(Epoch(2)));
    assert_eq!(zero(&claims(2, "AJ_2", 900).await), expected);

    let active = rig
        .store
        .set_phase(tenant, call, Epoch(2), CallPhase::Active, now());
    active.await.expect("active");
    let heir = rig.store.hand_over(tenant, call, Epoch(2), now()).await;
    assert_eq!(heir.expect("hand over"), Epoch(3));
    assert_eq!(zero(&claims(3, "AJ_3", 2_400).await), expected, "an heir");

    // Also when Redis loses the record, and the worker writes it back.
    let record = rig.store.load(tenant, call).await.expect("load");
    let record = record.expect("there");
    for key in rig.keys_of(tenant) {
        rig.raw(&format!("DEL {key}"));
    }
    assert!(rig.store.restore(&record, now()).await.expect("restore"));
    let back = rig.store.load(tenant, call).await.expect("load");
    let back = back.expect("there").clock_at;
    assert_eq!(back.map(|at| at.timestamp_millis()), expected);
}

async fn a_claim_of_an_older_epoch_or_an_unknown_call_is_lost(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    rig.bump_epoch(tenant, call);
    let pod = PodId::new("pod");
    let old = rig
        .store
        .claim(tenant, call, Epoch::FIRST, &pod, "AJ_1", now())
        .await
        .expect("claim");
    assert!(matches!(old, Claim::Lost));
    let unknown = rig
        .store
        .claim(
            tenant,
            CallId::generate(),
            Epoch::FIRST,
            &pod,
            "AJ_1",
            now(),
        )
        .await
        .expect("claim");
    assert!(matches!(unknown, Claim::Unknown));
    let foreign = rig
        .store
        .claim(
            TenantId::generate(),
            call,
            Epoch::FIRST,
            &pod,
            "AJ_1",
            now(),
        )
        .await
        .expect("claim");
    assert!(
        matches!(foreign, Claim::Unknown),
        "a call belongs to its tenant"
    );
    let current = rig
        .store
        .claim(tenant, call, Epoch(2), &pod, "AJ_2", now())
        .await
        .expect("claim");
    assert!(matches!(current, Claim::Won(_)));
}

async fn an_older_epoch_is_fenced_out_of_every_write(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    rig.bump_epoch(tenant, call);
    let (store, old) = (&rig.store, Epoch::FIRST);
    let fenced = |result: Result<(), WriteError>| {
        matches!(result, Err(WriteError::Fenced { current: Epoch(2) }))
    };
    assert!(fenced(
        store
            .set_phase(tenant, call, old, CallPhase::Active, now())
            .await
    ));
    assert!(fenced(
        store
            .set_next_step(tenant, call, old, &NextStep::HangUp)
            .await
    ));
    assert!(fenced(store.save_session(tenant, call, old, b"old").await));
    assert!(fenced(store.raise_lease(tenant, call, old).await.map(drop)));
    let record = store
        .load(tenant, call)
        .await
        .expect("load")
        .expect("there");
    assert_eq!((record.phase, record.next), (CallPhase::Claimed, None));
    assert_eq!(store.load_session(tenant, call).await.expect("load"), None);
    let lives = [
        store.raise_lease(tenant, call, Epoch(2)).await,
        store.raise_lease(tenant, call, Epoch(2)).await,
    ];
    assert!(matches!(lives, [Ok(1), Ok(2)]));
    let unknown = store
        .set_phase(tenant, CallId::generate(), old, CallPhase::Active, now())
        .await;
    assert!(matches!(unknown, Err(WriteError::Unknown)));
}

async fn an_ended_call_stays_ended(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let to = "+15550111".parse().expect("number");
    rig.store
        .set_next_step(tenant, call, Epoch::FIRST, &NextStep::Transfer { to })
        .await
        .expect("next");
    for phase in [CallPhase::Active, CallPhase::Ended, CallPhase::Active] {
        rig.store
            .set_phase(tenant, call, Epoch::FIRST, phase, now())
            .await
            .expect("phase");
    }
    let record = rig
        .store
        .load(tenant, call)
        .await
        .expect("load")
        .expect("there");
    assert_eq!(record.phase, CallPhase::Ended);
    assert!(matches!(record.next, Some(NextStep::Transfer { .. })));
    assert_eq!(rig.slots(tenant).await, 0);
}

async fn the_session_of_the_newest_epoch_stays(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    rig.store
        .save_session(tenant, call, Epoch::FIRST, b"\x00one")
        .await
        .expect("save");
    rig.store
        .save_session(tenant, call, Epoch::FIRST, b"two")
        .await
        .expect("save");
    let expected = Session {
        epoch: Epoch::FIRST,
        state: b"two".to_vec(),
    };
    assert_eq!(
        rig.store.load_session(tenant, call).await.expect("load"),
        Some(expected)
    );
    // Redis lost the record, but not the newer session.
    rig.store
        .save_session(tenant, call, Epoch(2), b"three")
        .await
        .expect("save");
    rig.raw(&format!("DEL tenant:{{{tenant}}}:call:{call}"));
    let old = rig
        .store
        .save_session(tenant, call, Epoch::FIRST, b"old")
        .await;
    assert!(matches!(old, Err(WriteError::Fenced { current: Epoch(2) })));
    rig.store
        .save_session(tenant, call, Epoch(2), b"four")
        .await
        .expect("a live call goes on without its record");
}

async fn a_slot_is_freed_exactly_once(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    rig.claimed(tenant).await;
    let release = async |_| {
        rig.store
            .release(tenant, call, now())
            .await
            .expect("release")
    };
    let released = join_all((0..10).map(release)).await;
    let freed = released.into_iter().filter(|freed| *freed).count();
    assert_eq!((freed, rig.slots(tenant).await), (1, 1));
    assert!(
        !rig.store
            .renew_slot(tenant, call, now())
            .await
            .expect("renew"),
        "an ended call takes no slot"
    );
    assert!(
        !rig.store
            .release(tenant, CallId::generate(), now())
            .await
            .expect("an unknown call is harmless")
    );
    assert_eq!(
        rig.store.phase(tenant, call).await.expect("phase"),
        Some(CallPhase::Ended)
    );
}

async fn an_expired_slot_of_a_live_call_is_taken_again(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let later = now() + TimeDelta::seconds(90);
    assert_eq!(
        rig.store.slots_in_use(tenant, later).await.expect("slots"),
        0
    );
    assert!(
        rig.store
            .renew_slot(tenant, call, later)
            .await
            .expect("renew")
    );
    assert_eq!(
        rig.store.slots_in_use(tenant, later).await.expect("slots"),
        1
    );
}

async fn a_call_is_given_up_only_while_it_waits(rig: Rig) {
    let tenant = TenantId::generate();
    let claimed = rig.claimed(tenant).await;
    assert!(
        !rig.store
            .give_up(tenant, claimed, now())
            .await
            .expect("give up")
    );
    let waiting = rig.admitted(tenant).await.call;
    assert!(
        rig.store
            .give_up(tenant, waiting, now())
            .await
            .expect("give up")
    );
    assert!(
        !rig.store
            .give_up(tenant, waiting, now())
            .await
            .expect("once is enough")
    );
    let record = rig
        .store
        .load(tenant, waiting)
        .await
        .expect("load")
        .expect("there");
    assert_eq!(
        (record.phase, record.next),
        (CallPhase::Ended, Some(NextStep::Fallback))
    );
    let late = rig
        .store
        .claim(
            tenant,
            waiting,
            Epoch::FIRST,
            &PodId::new("pod"),
            "AJ_1",
            now(),
        )
        .await
        .expect("claim");
    assert!(matches!(late, Claim::Lost));
    assert_eq!(rig.slots(tenant).await, 1);
}

async fn a_live_call_is_written_back_after_redis_lost_it(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.claimed(tenant).await;
    let mut record = rig
        .store
        .load(tenant, call)
        .await
        .expect("load")
        .expect("there");
    record.next = Some(NextStep::HangUp);
    assert!(
        !rig.store.restore(&record, now()).await.expect("restore"),
        "a record is left alone"
    );
    for key in rig.keys_of(tenant) {
        rig.raw(&format!("DEL {key}"));
    }
    assert!(rig.store.restore(&record, now()).await.expect("restore"));
    let restored = rig
        .store
        .load(tenant, call)
        .await
        .expect("load")
        .expect("there");
    assert_eq!(
        (restored.caller, restored.epoch, restored.phase),
        (record.caller, record.epoch, CallPhase::Claimed)
    );
    assert_eq!(
        (restored.admitted_at, restored.next, rig.slots(tenant).await),
        (record.admitted_at, record.next, 1)
    );
}
