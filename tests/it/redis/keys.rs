//! Caches, artifacts, time to live.

use neurality::domain::ids::{CallId, Epoch, RoomName, TenantId};

use super::{Rig, on_both};

on_both! {
    a_parked_artifact_waits_until_it_is_dropped,
    a_room_leads_to_its_call,
    every_key_expires_but_parked_artifacts,
}

async fn a_parked_artifact_waits_until_it_is_dropped(rig: Rig) {
    let (tenant, call) = (TenantId::generate(), CallId::generate());
    rig.store
        .park_artifact(tenant, call, b"\x00first")
        .await
        .expect("park");
    rig.store
        .park_artifact(tenant, call, b"second")
        .await
        .expect("park");
    assert!(
        rig.store
            .tenants_with_artifacts()
            .await
            .expect("tenants")
            .contains(&tenant)
    );
    assert_eq!(
        rig.store.parked_artifacts(tenant).await.expect("calls"),
        [call]
    );
    let parked = rig
        .store
        .parked_artifact(tenant, call)
        .await
        .expect("artifact");
    assert_eq!(parked.as_deref(), Some(b"\x00first".as_slice()));
    rig.store
        .unpark_artifact(tenant, call)
        .await
        .expect("unpark");
    rig.store
        .unpark_artifact(tenant, call)
        .await
        .expect("twice is harmless");
    assert!(
        !rig.store
            .tenants_with_artifacts()
            .await
            .expect("tenants")
            .contains(&tenant)
    );
    assert_eq!(
        rig.store
            .parked_artifact(tenant, call)
            .await
            .expect("artifact"),
        None
    );
}

async fn a_room_leads_to_its_call(rig: Rig) {
    let (tenant, call, room) = (
        TenantId::generate(),
        CallId::generate(),
        RoomName::generate(),
    );
    assert_eq!(rig.store.room_owner(&room).await.expect("owner"), None);
    rig.store
        .bind_room(&room, tenant, call)
        .await
        .expect("bind");
    assert_eq!(
        rig.store.room_owner(&room).await.expect("owner"),
        Some((tenant, call))
    );
}

async fn every_key_expires_but_parked_artifacts(rig: Rig) {
    let tenant = TenantId::generate();
    rig.admitted(tenant).await;
    let call = rig.claimed(tenant).await;
    rig.store
        .save_session(tenant, call, Epoch::FIRST, b"state")
        .await
        .expect("save");
    rig.store
        .raise_lease(tenant, call, Epoch::FIRST)
        .await
        .expect("lease");
    rig.store
        .park_artifact(tenant, call, b"artifact")
        .await
        .expect("park");
    let keys = rig.keys_of(tenant);
    assert_eq!(keys.len(), 12, "{keys:?}");
    for key in keys {
        let ttl: i64 = rig.raw(&format!("PTTL {key}")).parse().expect("a number");
        assert_eq!(
            ttl == -1,
            key.ends_with(":artifacts"),
            "{key} has ttl {ttl}"
        );
    }
}
