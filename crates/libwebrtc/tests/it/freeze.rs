//! A server that stops for 20 s and goes on.

use std::time::{Duration, Instant};

use crate::participant::{Mode, converse, couple};
use crate::server::{Paths, Server};

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
    let limit = Duration::from_secs(30);
    for person in [&one.0, &one.1, &two.0, &two.1] {
        let settled = |d: &crate::participant::Diary| d.reconnected >= d.reconnecting;
        person.until("end of reconnecting", limit, settled).await;
    }
    println!("settled {} ms after the thaw", thawed.elapsed().as_millis());
    tokio::time::sleep(Duration::from_secs(2)).await;
    tokio::join!(converse(&one.0, &one.1), converse(&two.0, &two.1));
    tokio::join!(one.0.leave(), one.1.leave(), two.0.leave(), two.1.leave());
}
