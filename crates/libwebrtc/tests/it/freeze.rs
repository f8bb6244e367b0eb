//! A server that stops for 20 s and goes on.

use std::time::{Duration, Instant};

use crate::participant::{Diary, Mode, Participant, converse, couple};
use crate::server::{Paths, Server};

/// Waits until no reconnect is under way.
async fn settle(person: &Participant) {
    let settled = |d: &Diary| d.reconnected >= d.reconnecting;
    let limit = Duration::from_secs(60);
    person.until("end of reconnecting", limit, settled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn both_modes_live_through_a_frozen_server() {
    let server = Server::start(Paths::UdpAndTcp);
    let (one, two) = tokio::join!(
        couple(&server, "freeze-one", Mode::Single),
        couple(&server, "freeze-two", Mode::Dual)
    );
    tokio::join!(converse(&one.0, &one.1), converse(&two.0, &two.1));
    server.freeze();
    tokio::time::sleep(Duration::from_secs(20)).await;
    server.thaw();
    let thawed = Instant::now();
    // The first sound may come before a reconnect begins that the freeze caused: the second time it has had its chance.
    for _ in 0..2 {
        for person in [&one.0, &one.1, &two.0, &two.1] {
            settle(person).await;
        }
        tokio::join!(converse(&one.0, &one.1), converse(&two.0, &two.1));
        println!("talking {} ms after the thaw", thawed.elapsed().as_millis());
    }
    tokio::join!(one.0.leave(), one.1.leave(), two.0.leave(), two.1.leave());
}
