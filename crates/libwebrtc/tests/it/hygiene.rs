//! What is left behind, and what it costs.

use std::time::Duration;

use libwebrtc::peer_connection_factory::{PeerConnectionFactory, RtcConfiguration};
use tokio::runtime::Handle;

use crate::participant::{Mode, couple};
use crate::server::{Paths, shared};

/// Waits for tasks to end. The SDK waits up to 10 s for the answer to an offer, also after it has left.
async fn settle(tasks: usize) -> usize {
    let metrics = Handle::current().metrics();
    for _ in 0..3000 {
        if metrics.num_alive_tasks() <= tasks {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    metrics.num_alive_tasks()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn leaving_ends_every_task() {
    let before = Handle::current().metrics().num_alive_tasks();
    for mode in [Mode::Single, Mode::Dual] {
        let (a, b) = couple(shared(Paths::UdpAndTcp), &format!("leak-{mode:?}"), mode).await;
        assert!(Handle::current().metrics().num_alive_tasks() > before);
        tokio::join!(a.leave(), b.leave());
        assert_eq!(settle(before).await, before, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_ends_when_closed_or_forgotten() {
    let before = Handle::current().metrics().num_alive_tasks();
    let factory = PeerConnectionFactory::default();
    let make = || {
        factory
            .create_peer_connection(RtcConfiguration::default())
            .expect("a runtime")
    };
    let (closed, forgotten) = (make(), make());
    assert_eq!(Handle::current().metrics().num_alive_tasks(), before + 2);
    closed.close();
    drop(forgotten);
    assert_eq!(settle(before).await, before);
    drop(closed);
}
