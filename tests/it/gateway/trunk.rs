//! Calls by an elastic trunk, admitted from LiveKit's `participant_joined`.

use std::time::Duration;

use livekit_api::services::room::{CreateRoomOptions, RoomClient};
use loadtest::stack::shared;
use neurality::domain::{
    call::{CallPhase, Route},
    ids::{CallId, RoomName},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Answer, CALLER, Rig, now};

const SOON: Duration = Duration::from_secs(10);

/// A room as the rule of elastic trunks makes it, at LiveKit.
struct TrunkRoom {
    name: RoomName,
    client: RoomClient,
}

impl TrunkRoom {
    async fn made() -> Self {
        let livekit = shared::livekit();
        let random = &CallId::generate().as_uuid().simple().to_string()[20..];
        let name = format!("neurality-trunk_+12125550100_{random}");
        let client =
            RoomClient::with_api_key(&livekit.http_url(), livekit.api_key(), livekit.api_secret());
        client
            .create_room(&name, CreateRoomOptions::default())
            .await
            .expect("create");
        let name = name.parse().expect("a trunk's room");
        Self { name, client }
    }

    async fn is_there(&self) -> bool {
        let rooms = self.client.list_rooms(vec![self.name.to_string()]).await;
        !rooms.expect("list").is_empty()
    }

    async fn until_gone(&self) {
        let deadline = Instant::now() + SOON;
        while self.is_there().await {
            assert!(Instant::now() < deadline, "the room was not ended");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn leg() -> String {
    format!("SCL_{}", CallId::generate().as_uuid().simple())
}

fn event(name: &str, room: &RoomName, leg: &str, dialled: &str) -> Value {
    let attributes = json!({
        "sip.callID": leg,
        "sip.callStatus": "ringing",
        "neurality.sipTo": format!("<sip:{dialled}@sip.example>"),
        "neurality.sipFrom": format!("\"A B\" <sip:{CALLER}@carrier.example>;tag=1"),
    });
    let participant = json!({ "identity": "sip_1", "kind": "SIP", "attributes": attributes });
    json!({ "event": name, "room": { "name": room.as_str() }, "participant": participant })
}

impl Rig {
    async fn joined(&self, room: &RoomName, leg: &str) -> Answer {
        let event = event("participant_joined", room, leg, &self.dialled);
        self.livekit(event.to_string()).await
    }

    async fn call_of(&self, room: &RoomName) -> Option<CallId> {
        let owner = self.store.room_owner(room).await.expect("owner");
        owner.map(|(tenant, call)| {
            assert_eq!(tenant, self.tenant());
            call
        })
    }
}

// C09: the number of before a diversion was taken, and the caller turned away.
#[tokio::test]
async fn a_diverted_caller_is_let_in_at_the_number_that_the_trunk_took() {
    let rig = Rig::new().await;
    let in_an_address = format!("sip:{}@sip.example", rig.dialled);
    for (to, taken_at) in [
        ("<sip:+12125550999@sip.example>", rig.dialled.as_str()),
        ("<SIP:reception@sip.example>", rig.dialled.as_str()),
        (
            "<sip:+12125550999@sip.example;user=phone>",
            in_an_address.as_str(),
        ),
    ] {
        let (room, leg) = (TrunkRoom::made().await, leg());
        let mut event = event("participant_joined", &room.name, &leg, &rig.dialled);
        let attributes = &mut event["participant"]["attributes"];
        attributes["neurality.sipTo"] = json!(to);
        attributes["sip.trunkPhoneNumber"] = json!(taken_at);
        assert_eq!(rig.livekit(event.to_string()).await.status, 200);
        let call = rig.call_of(&room.name).await.expect(to);
        assert_eq!(rig.record(call).await.dialled.as_str(), rig.dialled);
        let released = rig.store.release(rig.tenant(), call, now()).await;
        released.expect("release");
    }
}

#[tokio::test]
async fn a_caller_by_the_trunk_is_let_in_once_however_often_livekit_tells_of_it() {
    let rig = Rig::new().await;
    let (room, leg) = (TrunkRoom::made().await, leg());
    for _ in 0..3 {
        assert_eq!(rig.joined(&room.name, &leg).await.status, 200);
    }
    assert_eq!(rig.slots().await, 1);
    let call = rig.call_of(&room.name).await.expect("a call");
    let record = rig.record(call).await;
    assert_eq!(
        (record.route, record.phase, record.dialled.as_str()),
        (Route::Trunk, CallPhase::Waiting, rig.dialled.as_str())
    );
    assert_eq!(record.room, room.name);
    let opened = record.open(&rig.clinic.sealer).expect("own keys");
    assert_eq!(opened.caller.expect("told").expose().as_str(), CALLER);
    assert!(room.is_there().await);

    let left = event("participant_left", &room.name, &leg, &rig.dialled);
    assert_eq!(rig.livekit(left.to_string()).await.status, 200);
    let record = rig.record(call).await;
    assert_eq!(
        (record.phase, record.next, rig.slots().await),
        (CallPhase::Ended, None, 0)
    );
    room.until_gone().await;
    // The same leg cannot come back to life.
    let again = TrunkRoom::made().await;
    assert_eq!(rig.joined(&again.name, &leg).await.status, 200);
    again.until_gone().await;
    assert_eq!(rig.slots().await, 0);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_busy() {
    let rig = Rig::on(super::Servers::shared().await, 1).await;
    let (first, second, nobodys) = (
        TrunkRoom::made().await,
        TrunkRoom::made().await,
        TrunkRoom::made().await,
    );
    assert_eq!(rig.joined(&first.name, &leg()).await.status, 200);
    assert_eq!(rig.joined(&second.name, &leg()).await.status, 200);
    second.until_gone().await;
    let wrong = event("participant_joined", &nobodys.name, &leg(), "+19995550100");
    assert_eq!(rig.livekit(wrong.to_string()).await.status, 200);
    nobodys.until_gone().await;
    assert!(first.is_there().await);
    assert_eq!(rig.slots().await, 1);
}

#[tokio::test]
async fn a_caller_who_dialled_a_trunks_room_by_the_other_rule_is_put_out() {
    let rig = Rig::new().await;
    let room = TrunkRoom::made().await;
    let mut dialled = event("participant_joined", &room.name, &leg(), &rig.dialled);
    let attributes = &mut dialled["participant"]["attributes"];
    attributes
        .as_object_mut()
        .expect("attributes")
        .remove("neurality.sipTo");
    assert_eq!(rig.livekit(dialled.to_string()).await.status, 200);
    room.until_gone().await;
    assert_eq!(
        (rig.slots().await, rig.call_of(&room.name).await),
        (0, None)
    );
}

#[tokio::test]
async fn an_agent_or_a_room_of_others_is_let_alone() {
    let rig = Rig::new().await;
    let room = TrunkRoom::made().await;
    let mut agent = event("participant_joined", &room.name, &leg(), &rig.dialled);
    agent["participant"]["kind"] = json!("AGENT");
    let mut others = event("participant_joined", &room.name, &leg(), &rig.dialled);
    others["room"]["name"] = json!("their-trunk_0137_4fRz8KqLmN2p");
    for event in [agent, others] {
        assert_eq!(rig.livekit(event.to_string()).await.status, 200);
    }
    assert_eq!(
        (rig.slots().await, rig.call_of(&room.name).await),
        (0, None)
    );
    assert!(room.is_there().await);
}
