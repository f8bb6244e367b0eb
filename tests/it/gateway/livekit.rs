//! `POST /livekit/webhook`, with events that the tests sign.

use base64::{Engine, engine::general_purpose::STANDARD};
use livekit_api::access_token::AccessToken;
use neurality::{
    domain::{
        call::CallPhase,
        ids::{CallId, Epoch, PodId, RoomName},
    },
    storage::redis::WriteError,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Rig, now};

pub(super) fn event(name: &str, room: &RoomName, kind: Option<&str>) -> String {
    let mut event = json!({ "event": name, "room": { "name": room.as_str() }, "id": "EV_1", "createdAt": "1763955264" });
    if let Some(kind) = kind {
        event["participant"] = json!({ "identity": "p", "kind": kind });
    }
    event.to_string()
}

pub(super) fn token(key: &str, secret: &str, body: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(body));
    AccessToken::with_api_key(key, secret)
        .with_sha256(&hash)
        .to_jwt()
        .expect("token")
}

impl Rig {
    pub(super) async fn livekit(&self, body: String) -> Answer {
        let token = token(
            &self.config.livekit.api_key,
            self.config.livekit.api_secret.expose(),
            &body,
        );
        self.webhook(body, Some(token)).await
    }

    pub(super) async fn webhook(&self, body: String, token: Option<String>) -> Answer {
        let mut request = self
            .http
            .post(format!("{}/livekit/webhook", self.base))
            .header("content-type", "application/webhook+json");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        Answer::of(request.body(body)).await
    }

    /// A call whose room is known.
    pub(super) async fn with_room(&self) -> (CallId, RoomName) {
        let (call, _) = self.admitted().await;
        let room = self.record(call).await.room;
        self.store
            .bind_room(&room, self.tenant(), call)
            .await
            .expect("bind");
        (call, room)
    }
}

#[tokio::test]
async fn a_forged_webhook_is_401_and_changes_nothing() {
    let rig = Rig::new().await;
    let (call, room) = rig.with_room().await;
    let body = event("room_finished", &room, None);
    let (key, secret) = (
        rig.config.livekit.api_key.clone(),
        rig.config.livekit.api_secret.expose().to_owned(),
    );
    let wrong_secret = token(&key, &"x".repeat(32), &body);
    let wrong_key = token("APIother", &secret, &body);
    let other_body = token(&key, &secret, "{}");
    let no_hash = AccessToken::with_api_key(&key, &secret)
        .to_jwt()
        .expect("token");
    for token in [
        None,
        Some(String::new()),
        Some("nonsense".into()),
        Some(wrong_secret),
        Some(wrong_key),
        Some(other_body),
        Some(no_hash),
    ] {
        let answer = rig.webhook(body.clone(), token.clone()).await;
        assert_eq!(answer.status, 401, "{token:?}");
        assert_eq!(
            answer.text,
            r#"{"code":"bad_token","message":"The token is wrong."}"#
        );
    }
    assert_eq!(
        (rig.record(call).await.phase, rig.slots().await),
        (CallPhase::Waiting, 1)
    );
    assert_eq!(rig.livekit("not json".into()).await.status, 400);
    let large = json!({ "event": "x".repeat(70_000) }).to_string();
    assert_eq!(rig.livekit(large).await.status, 413);
}

#[tokio::test]
async fn a_closed_room_frees_the_slot_once_however_often_it_is_told() {
    let rig = Rig::new().await;
    let (call, room) = rig.with_room().await;
    for _ in 0..3 {
        assert_eq!(
            rig.livekit(event("room_finished", &room, None))
                .await
                .status,
            200
        );
        assert_eq!(
            (rig.record(call).await.phase, rig.slots().await),
            (CallPhase::Ended, 0)
        );
    }
    let late = rig
        .livekit(event("participant_joined", &room, Some("SIP")))
        .await;
    assert_eq!(
        (late.status, rig.slots().await),
        (200, 0),
        "an ended call takes no slot"
    );
}

#[tokio::test]
async fn a_caller_of_whom_livekit_says_only_that_they_left_ends_the_wait_but_not_a_claimed_call() {
    let rig = Rig::new().await;
    let (waiting, room) = rig.with_room().await;
    rig.livekit(event("participant_left", &room, Some("AGENT")))
        .await;
    assert_eq!(
        rig.record(waiting).await.phase,
        CallPhase::Waiting,
        "that was not the caller"
    );
    rig.livekit(event("participant_left", &room, Some("SIP")))
        .await;
    let record = rig.record(waiting).await;
    assert_eq!(
        (record.phase, record.next, record.ended_at.is_some()),
        (CallPhase::Ended, None, true),
        "nothing failed: it is not the fallback's"
    );

    let (claimed, room) = rig.with_room().await;
    rig.store
        .claim(
            rig.tenant(),
            claimed,
            Epoch::FIRST,
            &PodId::new("pod"),
            "AJ_1",
            now(),
        )
        .await
        .expect("claim");
    rig.livekit(event("participant_left", &room, Some("SIP")))
        .await;
    assert_eq!(
        rig.record(claimed).await.phase,
        CallPhase::Claimed,
        "its worker sees that itself"
    );
    rig.livekit(event("room_finished", &room, None)).await;
    assert_eq!(
        (rig.record(claimed).await.phase, rig.slots().await),
        (CallPhase::Claimed, 1),
        "livekit may only be restarting"
    );
}

fn left(room: &RoomName, reason: &str) -> String {
    let participant = json!({ "identity": "p", "kind": "SIP", "disconnectReason": reason });
    let event = json!({ "event": "participant_left", "room": { "name": room.as_str() }, "participant": participant });
    event.to_string()
}

/// Item 11 b of the field's list: the agent may be on its way to a room that the caller has left.
#[tokio::test]
async fn a_caller_who_hangs_up_ends_a_claimed_call_and_one_who_vanished_does_not() {
    let rig = Rig::new().await;
    let claimed = async || {
        let (call, room) = rig.with_room().await;
        let (tenant, pod) = (rig.tenant(), PodId::new("pod"));
        let claim = rig
            .store
            .claim(tenant, call, Epoch::FIRST, &pod, "AJ_1", now());
        claim.await.expect("claim");
        (call, room)
    };
    let (call, room) = claimed().await;
    for reason in ["SIGNAL_CLOSE", "SERVER_SHUTDOWN", "MIGRATION"] {
        rig.livekit(left(&room, reason)).await;
        let phase = rig.record(call).await.phase;
        assert_eq!(
            (phase, rig.slots().await),
            (CallPhase::Claimed, 1),
            "{reason}"
        );
    }
    for _ in 0..2 {
        rig.livekit(left(&room, "CLIENT_INITIATED")).await;
        let record = rig.record(call).await;
        assert_eq!((record.phase, record.next), (CallPhase::Ended, None));
        assert!(record.ended_at.is_some(), "and it is known since when");
        assert_eq!(rig.slots().await, 0);
    }
    let raised = rig.store.raise_lease(rig.tenant(), call, Epoch::FIRST);
    assert!(
        matches!(raised.await, Err(WriteError::Over)),
        "so its worker learns of it"
    );

    // In conversation it is Twilio, or the worker in the room, who tells.
    let (call, room) = claimed().await;
    let active = CallPhase::Active;
    rig.store
        .set_phase(rig.tenant(), call, Epoch::FIRST, active, now())
        .await
        .expect("active");
    rig.livekit(left(&room, "CLIENT_INITIATED")).await;
    assert_eq!(rig.record(call).await.phase, active);
}

#[tokio::test]
async fn events_of_other_rooms_and_of_unknown_kinds_are_harmless() {
    let rig = Rig::new().await;
    let (call, room) = rig.with_room().await;
    let bodies = [
        event("room_finished", &RoomName::generate(), None),
        json!({ "event": "room_finished", "room": { "name": "somebody's own room" } }).to_string(),
        json!({ "event": "egress_ended" }).to_string(),
        event("track_published", &room, Some("SIP")),
        with_unknown_field(&event("participant_joined", &room, Some("SIP"))),
    ];
    for body in bodies {
        assert_eq!(rig.livekit(body.clone()).await.status, 200, "{body}");
    }
    assert_eq!(
        (rig.record(call).await.phase, rig.slots().await),
        (CallPhase::Waiting, 1)
    );
}

/// A newer server.
fn with_unknown_field(event: &str) -> String {
    let mut event: Value = serde_json::from_str(event).expect("json");
    event["somethingNew"] = json!({ "a": 1 });
    event.to_string()
}
