//! Where a call goes is decided once, when it is let in.

use std::time::Duration;

use neurality::{
    domain::{ids::TenantId, placement::Placement},
    storage::redis::{Applicant, Offer},
};

use super::{Rig, applicant, now, on_both};

on_both! {
    a_call_keeps_its_placement_and_the_tenant_its_last_calls,
    a_call_of_a_version_without_placements_has_none,
}

async fn a_call_keeps_its_placement_and_the_tenant_its_last_calls(rig: Rig) {
    let tenant = TenantId::generate();
    let first = rig.admitted(tenant).await;
    let later = Applicant {
        placement: Placement {
            agent_name: "neurality".into(),
            ..Placement::default()
        },
        ..applicant(tenant)
    };
    rig.store.admit(&later, now()).await.expect("admit");
    for applicant in [&first, &later] {
        let record = rig.store.load(tenant, applicant.call).await.expect("load");
        let placed = record.expect("there").placement;
        assert_eq!(placed.as_ref(), Some(&applicant.placement));
        let offer = rig
            .store
            .offer(tenant, applicant.call, now(), Duration::ZERO)
            .await;
        match offer.expect("offer") {
            Offer::Make { placement, .. } => assert_eq!(placement, placed),
            other => panic!("{other:?}"),
        }
    }
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!(survey.placement, Some(later.placement));
}

async fn a_call_of_a_version_without_placements_has_none(rig: Rig) {
    let tenant = TenantId::generate();
    let call = rig.admitted(tenant).await.call;
    rig.raw(&format!("HDEL tenant:{{{tenant}}}:call:{call} placement"));
    rig.raw(&format!("DEL tenant:{{{tenant}}}:placement"));
    let record = rig.store.load(tenant, call).await.expect("load");
    assert_eq!(record.expect("there").placement, None);
    let survey = rig.store.survey(tenant).await.expect("survey");
    assert_eq!((survey.placement, survey.waiting.len()), (None, 1));
    let offer = rig.store.offer(tenant, call, now(), Duration::ZERO).await;
    assert!(
        matches!(
            offer,
            Ok(Offer::Make {
                placement: None,
                ..
            })
        ),
        "{offer:?}"
    );
}
