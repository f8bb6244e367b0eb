//! What a scrape says of the pool is what Redis holds at that second.

use chrono::TimeDelta;
use neurality::{
    domain::{
        call::CallPhase,
        ids::{Epoch, PodId},
        placement::ProjectName,
    },
    storage::redis::{Lapse, Lease, PodReport},
};

use super::{Rig, Servers, now};

fn report(free: u32, used: u32, draining: bool) -> PodReport {
    PodReport {
        at: now(),
        agent_name: "neurality".into(),
        projects: vec![ProjectName::default()],
        free,
        used,
        draining,
    }
}

/// Value of a metric, by name and labels as they are printed.
fn value(scrape: &str, metric: &str) -> f64 {
    let line = |line: &&str| {
        line.strip_prefix(metric)
            .is_some_and(|l| l.starts_with(' '))
    };
    let line = scrape.lines().find(line);
    let line = line.unwrap_or_else(|| panic!("no {metric} in {scrape}"));
    let (_, value) = line.rsplit_once(' ').expect("a value");
    value.parse().expect("a number")
}

#[tokio::test]
async fn a_scrape_counts_calls_and_slots_as_redis_has_them() {
    let rig = Rig::on(Servers::shared().await, 10).await;
    let (tenant, pod) = (rig.tenant(), PodId::named("a".into()));
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(rig.admitted().await.0);
    }
    for call in &calls[..2] {
        let claim = rig
            .store
            .claim(tenant, *call, Epoch::FIRST, &pod, "AJ_1", now());
        claim.await.expect("claim");
        let phase = CallPhase::Active;
        let active = rig
            .store
            .set_phase(tenant, *call, Epoch::FIRST, phase, now());
        active.await.expect("active");
    }
    let seen = Lease {
        epoch: Epoch::FIRST,
        counter: 0,
    };
    let lapse = rig.store.lapse(tenant, calls[0], seen, now()).await;
    assert!(matches!(lapse, Ok(Lapse::Orphaned(_))), "{lapse:?}");
    let heir = rig.store.hand_over(tenant, calls[1], Epoch::FIRST, now());
    heir.await.expect("an heir is asked for");
    let silent = PodReport {
        at: now() - TimeDelta::seconds(9),
        ..report(50, 50, false)
    };
    for (name, report) in [
        ("a", report(3, 1, false)),
        ("b", report(0, 2, true)),
        ("dead", silent),
    ] {
        let pod = PodId::named(name.into());
        rig.store.report_pod(&pod, &report).await.expect("report");
    }
    let scrape = rig.get("/metrics").await.text;
    for (metric, expected) in [
        ("neurality_queue_waiting_calls", 2.0),
        ("neurality_pool_demand_calls", 4.0),
        ("neurality_pool_calls{state=\"ringing\"}", 2.0),
        ("neurality_pool_calls{state=\"orphaned\"}", 1.0),
        ("neurality_pool_calls{state=\"served\"}", 1.0),
        ("neurality_pool_calls{state=\"heirless\"}", 1.0),
        ("neurality_pool_slots{state=\"free\"}", 3.0),
        ("neurality_pool_slots{state=\"used\"}", 3.0),
        ("neurality_pool_pods{state=\"ready\"}", 1.0),
        ("neurality_pool_pods{state=\"draining\"}", 1.0),
    ] {
        let found = value(&scrape, metric);
        assert!((found - expected).abs() < 1e-9, "{metric} is {found}");
    }
    let oldest = rig.record(calls[2]).await.admitted_at;
    let waited = (now() - oldest).as_seconds_f64();
    let said = value(&scrape, "neurality_queue_oldest_wait_seconds");
    assert!(said > 0.0 && said <= waited, "{said} of {waited}");
}
