//! Two participants hear each other.

use std::time::Duration;

use crate::participant::{Mode, converse, couple};
use crate::server::{Paths, shared};

async fn hear_each_other(mode: Mode, paths: Paths) {
    let server = shared(paths);
    let room = format!("conversation-{mode:?}");
    let (a, b) = couple(server, &room, mode).await;
    converse(&a, &b).await;
    let expected = if paths == Paths::TcpOnly {
        "tcp"
    } else {
        "udp"
    };
    assert_eq!(a.transport().await.protocol, Some(expected));
    assert_eq!(b.transport().await.protocol, Some(expected));
    tokio::join!(a.leave(), b.leave());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_one_connection() {
    hear_each_other(Mode::Single, Paths::UdpAndTcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_two_connections() {
    hear_each_other(Mode::Dual, Paths::UdpAndTcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_one_connection_and_tcp() {
    hear_each_other(Mode::Single, Paths::TcpOnly).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_two_connections_and_tcp() {
    hear_each_other(Mode::Dual, Paths::TcpOnly).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_server_notices_who_speaks() {
    let (a, b) = couple(shared(Paths::UdpAndTcp), "speakers", Mode::Single).await;
    let limit = Duration::from_secs(30);
    a.until("word that bob speaks", limit, |d| {
        d.speakers.iter().any(|s| s == "bob")
    })
    .await;
    tokio::join!(a.leave(), b.leave());
}
