//! Who is let in, and what waits.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use futures_util::future::join_all;
use neurality::{
    domain::{
        call::CallPhase,
        ids::{Epoch, TenantId},
    },
    storage::redis::{Admission, Applicant, Limits, Refusal},
};

use super::{Rig, applicant, leg, now, on_both};

on_both! {
    a_repeated_webhook_is_the_same_call,
    a_burst_of_one_webhook_admits_one_call,
    the_rate_limit_allows_a_minutes_calls_at_once_and_then_one_per_interval,
    the_concurrent_limit_counts_live_slots_only,
    a_record_comes_back_as_it_was_admitted,
    the_busy_index_is_derived_and_forgets_who_is_idle,
}

async fn a_repeated_webhook_is_the_same_call(rig: Rig) {
    let tenant = TenantId::generate();
    let first = rig.admitted(tenant).await;
    let again = Applicant {
        leg: first.leg.clone(),
        ..applicant(tenant)
    };
    let decision = rig.store.admit(&again, now()).await.expect("admit");
    assert_eq!(
        decision,
        Admission::Repeated {
            call: first.call,
            room: first.room
        }
    );
    assert_eq!(rig.slots(tenant).await, 1);
    assert!(
        rig.store
            .load(tenant, again.call)
            .await
            .expect("load")
            .is_none()
    );
}

async fn a_burst_of_one_webhook_admits_one_call(rig: Rig) {
    let (tenant, leg) = (TenantId::generate(), leg());
    let admit = async |_| {
        let applicant = Applicant {
            leg: leg.clone(),
            ..applicant(tenant)
        };
        rig.store.admit(&applicant, now()).await.expect("admit")
    };
    let decisions = join_all((0..10).map(admit)).await;
    let admitted = decisions
        .iter()
        .filter(|decision| **decision == Admission::Admitted)
        .count();
    assert_eq!((admitted, rig.slots(tenant).await), (1, 1));
}

async fn the_rate_limit_allows_a_minutes_calls_at_once_and_then_one_per_interval(rig: Rig) {
    let (tenant, start) = (TenantId::generate(), now());
    let limits = Limits {
        concurrent: 100,
        per_minute: 7,
    };
    let at = |seconds| start + TimeDelta::milliseconds(seconds);
    for _ in 0..7 {
        let decision = rig
            .store
            .admit(
                &Applicant {
                    limits,
                    ..applicant(tenant)
                },
                start,
            )
            .await
            .expect("admit");
        assert_eq!(decision, Admission::Admitted);
    }
    let decide = async |when| {
        rig.store
            .admit(
                &Applicant {
                    limits,
                    ..applicant(tenant)
                },
                when,
            )
            .await
            .expect("admit")
    };
    assert_eq!(
        decide(at(1000)).await,
        Admission::Refused(Refusal::RateLimited)
    );
    assert_eq!(decide(at(8600)).await, Admission::Admitted);
    assert_eq!(
        decide(at(8600)).await,
        Admission::Refused(Refusal::RateLimited)
    );
    assert_eq!(rig.slots(tenant).await, 8, "a refusal takes no slot");
}

async fn the_concurrent_limit_counts_live_slots_only(rig: Rig) {
    let (tenant, start) = (TenantId::generate(), now());
    for _ in 0..3 {
        rig.admitted(tenant).await;
    }
    let refused = rig
        .store
        .admit(&applicant(tenant), start)
        .await
        .expect("admit");
    assert_eq!(refused, Admission::Refused(Refusal::Busy));
    let later = start + TimeDelta::seconds(61);
    assert_eq!(
        rig.store
            .admit(&applicant(tenant), later)
            .await
            .expect("admit"),
        Admission::Admitted
    );
}

async fn a_record_comes_back_as_it_was_admitted(rig: Rig) {
    let tenant = TenantId::generate();
    let applicant = Applicant {
        caller: None,
        ..applicant(tenant)
    };
    let at = DateTime::from_timestamp_millis(1_763_955_264_123).expect("time");
    rig.store.admit(&applicant, at).await.expect("admit");
    let record = rig
        .store
        .load(tenant, applicant.call)
        .await
        .expect("load")
        .expect("there");
    assert_eq!(
        (record.tenant, record.call, &record.room),
        (tenant, applicant.call, &applicant.room)
    );
    assert_eq!(
        (record.caller, record.dialled, record.admitted_at),
        (None, applicant.dialled, at)
    );
    assert_eq!(
        (record.epoch, record.phase, record.next),
        (Epoch::FIRST, CallPhase::Waiting, None)
    );
    let known = rig.admitted(tenant).await;
    let record = rig
        .store
        .load(tenant, known.call)
        .await
        .expect("load")
        .expect("there");
    assert_eq!(record.caller, known.caller, "sealed bytes are binary");
}

async fn the_busy_index_is_derived_and_forgets_who_is_idle(rig: Rig) {
    let (tenant, later) = (
        TenantId::generate(),
        now() + chrono::TimeDelta::seconds(120),
    );
    let minute = Duration::from_secs(60);
    let call = rig.admitted(tenant).await.call;
    rig.store.mark_busy(tenant, now()).await.expect("mark");
    let is_named = async || {
        let busy = rig.store.busy_tenants().await.expect("tenants");
        busy.contains(&tenant)
    };
    let forget = async |at| {
        let forgot = rig.store.forget_if_idle(tenant, at, minute).await;
        forgot.expect("forget");
    };
    forget(later).await;
    assert!(is_named().await, "a call waits");
    rig.store
        .release(tenant, call, now())
        .await
        .expect("release");
    forget(later).await;
    assert!(is_named().await, "its artifact is not written");
    rig.store.written(tenant, call).await.expect("written");
    forget(now()).await;
    assert!(is_named().await, "it was named a moment ago");
    forget(later).await;
    assert!(!is_named().await);
}
