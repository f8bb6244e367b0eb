//! Data packets, touch tones and texts.

use std::time::Duration;

use livekit::SimulateScenario;
use livekit::data_stream::api::SendTextOptions;
use livekit::prelude::*;
use rand::Rng;
use rand::distr::Alphanumeric;

use crate::participant::{Diary, Mode, Participant};
use crate::server::{Paths, shared};

const LIMIT: Duration = Duration::from_secs(40);

async fn quiet_couple(room: &str, mode: Mode) -> (Participant, Participant) {
    let server = shared(Paths::UdpAndTcp);
    let (a, b) = tokio::join!(
        Participant::join(server, room, "alice", mode),
        Participant::join(server, room, "bob", mode)
    );
    // The SDK drops tones of participants that it has not been told of yet.
    for person in [&a, &b] {
        let knows = |_: &Diary| person.room.remote_participants().len() == 1;
        person.until("other participant", LIMIT, knows).await;
    }
    (a, b)
}

fn packet(payload: Vec<u8>, reliable: bool) -> DataPacket {
    DataPacket {
        payload,
        reliable,
        ..DataPacket::default()
    }
}

async fn everything_passes(mode: Mode) {
    let (a, b) = quiet_couple(&format!("data-{mode:?}"), mode).await;
    let from = a.room.local_participant();
    // The subscriber's channels of the other side open a little later than its join returns.
    b.until("first packet", LIMIT, |diary| {
        if diary.data.is_empty() {
            let from = from.clone();
            tokio::spawn(async move { from.publish_data(packet(vec![0], false)).await });
        }
        !diary.data.is_empty()
    })
    .await;
    for n in 1..=50u8 {
        from.publish_data(packet(vec![n; 1000], true))
            .await
            .expect("sent");
    }
    from.publish_data(packet(b"perhaps".to_vec(), false))
        .await
        .expect("sent");
    b.until("lossy packet", LIMIT, |d| {
        d.data.iter().any(|(p, _)| p == b"perhaps")
    })
    .await;
    b.until("50 packets", LIMIT, |d| reliable(&d.data).count() == 50)
        .await;
    assert!(
        reliable(&b.diary.lock().data).map(|p| p[0]).eq(1..=50),
        "in order"
    );

    let tone = SipDTMF {
        code: 5,
        digit: "5".to_owned(),
        destination_identities: vec![],
    };
    from.publish_dtmf(tone).await.expect("sent");
    b.until("tone", LIMIT, |d| {
        d.digits.contains(&(5, Some("5".to_owned())))
    })
    .await;

    // More than the engine's threshold of 2 MiB, and random so that it is not compressed away: it only goes on if every
    // byte is reported as sent.
    let letters = rand::rng().sample_iter(Alphanumeric).map(char::from);
    let text: String = letters.take(4 * 1024 * 1024).collect();
    let options = SendTextOptions::new_with_topic("story");
    from.send_text(&text, options).await.expect("sent");
    b.until("text", LIMIT, |d| !d.texts.is_empty()).await;
    assert!(
        b.diary.lock().texts[0] == text,
        "the text arrives as it was sent"
    );
    tokio::join!(a.leave(), b.leave());
}

fn reliable(data: &[(Vec<u8>, DataPacketKind)]) -> impl Iterator<Item = &Vec<u8>> {
    data.iter()
        .filter(|(_, kind)| *kind == DataPacketKind::Reliable)
        .map(|(payload, _)| payload)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn everything_passes_over_one_connection() {
    everything_passes(Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn everything_passes_over_two_connections() {
    everything_passes(Mode::Dual).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reliable_packets_survive_a_full_reconnect() {
    let (a, b) = quiet_couple("data-reconnect", Mode::Single).await;
    b.room
        .simulate_scenario(SimulateScenario::FullReconnect)
        .await
        .expect("triggered");
    b.until("reconnect", LIMIT, |d| d.reconnected > 0).await;
    let from = a.room.local_participant();
    from.publish_data(packet(b"after".to_vec(), true))
        .await
        .expect("sent");
    b.until("packet", LIMIT, |d| {
        reliable(&d.data).any(|p| p == b"after")
    })
    .await;
    b.room
        .local_participant()
        .publish_data(packet(b"back".to_vec(), true))
        .await
        .expect("sent");
    a.until("packet", LIMIT, |d| reliable(&d.data).any(|p| p == b"back"))
        .await;
    tokio::join!(a.leave(), b.leave());
}
