//! A clinic with a LiveKit project of its own, and one whose project is not ours.

use loadtest::stack::shared;
use neurality::{
    config::{LiveKitProject, Secret, SipTransport},
    domain::{call::CallPhase, ids::RoomName},
};
use serde_json::json;

use super::{
    Rig, Servers,
    livekit::{event, token},
    sid,
};

const SECRET: &str = "a-secret-of-maple-of-32-characters";

/// The pool's own project and `maple`.
async fn rig() -> (Rig, String) {
    let mut servers = Servers::shared().await;
    let project = LiveKitProject {
        url: servers.config.livekit.url.clone(),
        api_key: "APImaple".into(),
        api_secret: Secret::new(SECRET),
        sip_host: "sip.maple.test".into(),
        sip_transport: Some(SipTransport::Tcp),
        sip_username: Some("maple".into()),
        sip_password: None,
        elastic_numbers: Vec::new(),
        elastic_addresses: Vec::new(),
    };
    let name = "maple".parse().expect("project");
    servers.config.livekit.projects.insert(name, project);
    let database = servers.database.name().to_owned();
    (Rig::on(servers, 5).await, database)
}

impl Rig {
    fn moves_to(&self, database: &str, project: &str) {
        let sql = format!(
            "UPDATE tenants SET livekit_project = '{project}' WHERE tenant_id = '{}'",
            self.tenant()
        );
        shared::postgres().psql(database, &sql).expect("psql");
    }

    /// A caller is in a room that an elastic trunk made, says the project with this key.
    async fn arrives(&self, key: &str, secret: &str) -> u16 {
        let room = format!("neurality-trunk_+12125550100_{}", &sid()[22..]);
        let room: RoomName = room.parse().expect("room");
        let attributes = json!({
            "sip.callID": format!("SCL_{}", &sid()[22..]),
            "neurality.sipTo": format!("<sip:{}@sip.maple.test>", self.dialled),
        });
        let body = json!({
            "event": "participant_joined", "id": "EV_1", "createdAt": "1763955264",
            "room": { "name": room.as_str() },
            "participant": { "identity": "p", "kind": "SIP", "attributes": attributes },
        });
        let body = body.to_string();
        let token = token(key, secret, &body);
        self.webhook(body, Some(token)).await.status
    }
}

#[tokio::test]
async fn a_clinics_calls_go_through_its_own_project() {
    let (rig, database) = rig().await;
    rig.moves_to(&database, "maple");
    let sid = sid();
    let twiml = rig.voice(&sid).await.text;
    for part in [
        "@sip.maple.test;transport=tcp",
        r#"username="maple""#,
        // What the project leaves out is the pool's.
        r#"password="p&amp;ss""#,
    ] {
        assert!(twiml.contains(part), "{part} in {twiml}");
    }
    assert_eq!(rig.voice(&sid).await.text, twiml, "a repeated webhook");
    let (call, _) = rig.admitted().await;
    let placement = rig.record(call).await.placement.expect("placed");
    assert_eq!(placement.project.as_str(), "maple");
    assert_eq!(placement.agent_name, rig.config.livekit.agent_name);
}

#[tokio::test]
async fn a_clinic_of_an_unknown_project_gets_its_fallback() {
    let (rig, database) = rig().await;
    rig.moves_to(&database, "cedar");
    rig.voice(&sid()).await.assert_falls_back(&rig);
    assert_eq!(rig.slots().await, 0);
}

#[tokio::test]
async fn a_project_brings_calls_to_its_own_clinics_only() {
    let (rig, _) = rig().await;
    assert_eq!(rig.arrives("APImaple", SECRET).await, 200);
    assert_eq!(rig.slots().await, 0, "the clinic is not maple's");
    let livekit = &rig.config.livekit;
    let own = rig.arrives(&livekit.api_key, livekit.api_secret.expose());
    assert_eq!(own.await, 200);
    assert_eq!(rig.slots().await, 1);
    assert_eq!(rig.arrives("APIcedar", SECRET).await, 401);
}

#[tokio::test]
async fn a_project_has_no_say_in_rooms_of_another() {
    let (rig, _) = rig().await;
    let (call, room) = rig.with_room().await;
    for told in ["room_finished", "participant_left"] {
        let body = event(told, &room, Some("SIP"));
        let token = token("APImaple", SECRET, &body);
        assert_eq!(rig.webhook(body, Some(token)).await.status, 200);
        assert_eq!(rig.record(call).await.phase, CallPhase::Waiting, "{told}");
    }
    let own = rig.livekit(event("room_finished", &room, None)).await;
    assert_eq!(own.status, 200);
    assert_eq!(rig.record(call).await.phase, CallPhase::Ended);
}
