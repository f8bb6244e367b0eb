//! A real LiveKit that posts its own webhooks to the gateway.

use std::time::Duration;

use livekit_api::services::room::RoomClient;
use loadtest::stack::{LiveKit, LiveKitOptions, StackDir};
use neurality::domain::call::CallPhase;
use tokio::{net::TcpListener, time::Instant};

use super::{Rig, Secret, Servers};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_room_that_livekit_closes_frees_the_calls_slot() {
    let dir = StackDir::for_this_process("gateway-livekit").expect("dir");
    // The gateway's address must be known to LiveKit before the gateway listens on it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let url = format!(
        "http://{}/livekit/webhook",
        listener.local_addr().expect("address")
    );
    let options = LiveKitOptions {
        webhook_urls: vec![url],
        ..LiveKitOptions::default()
    };
    let livekit = LiveKit::start(&dir, options).expect("livekit");
    let mut servers = Servers::shared().await;
    servers.config.livekit.url = livekit.ws_url().parse().expect("url");
    servers.config.livekit.api_secret = Secret::new(livekit.api_secret());
    let rig = Rig::listening(listener, servers, 2).await;

    let (call, _) = rig.admitted().await;
    let room = rig.record(call).await.room;
    let rooms =
        RoomClient::with_api_key(&livekit.http_url(), livekit.api_key(), livekit.api_secret());
    let deadline = Instant::now() + SOON;
    while rooms
        .list_rooms(vec![room.to_string()])
        .await
        .expect("rooms")
        .is_empty()
    {
        assert!(Instant::now() < deadline, "the room was not made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rooms.delete_room(room.as_str()).await.expect("delete");
    while rig.slots().await > 0 {
        assert!(
            Instant::now() < deadline,
            "the webhook did not free the slot"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(rig.record(call).await.phase, CallPhase::Ended);
}
