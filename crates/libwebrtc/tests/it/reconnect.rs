//! Lost signalling, full reconnects, a switch to TCP.

use std::time::{Duration, Instant};

use livekit::SimulateScenario;

use crate::participant::{Mode, Participant, converse, couple};
use crate::server::{Paths, shared};
use crate::sound::RATE;

const LIMIT: Duration = Duration::from_secs(40);

/// The longest run of zeros in what was heard since then, in milliseconds.
fn longest_gap(heard: &[i16]) -> usize {
    let (mut longest, mut run) = (0, 0);
    for sample in heard {
        run = if sample.unsigned_abs() < 2 {
            run + 1
        } else {
            0
        };
        longest = longest.max(run);
    }
    longest * 1000 / RATE as usize
}

async fn survive(
    scenario: SimulateScenario,
    room: &str,
    mode: Mode,
    paths: Paths,
) -> (Participant, Participant) {
    let (a, b) = couple(shared(paths), &format!("{room}-{mode:?}"), mode).await;
    converse(&a, &b).await;
    let started = Instant::now();
    a.room.simulate_scenario(scenario).await.expect("triggered");
    a.until("reconnect", LIMIT, |d| d.reconnected > 0).await;
    println!(
        "{room} {mode:?}: reconnected after {} ms",
        started.elapsed().as_millis()
    );
    (a, b)
}

async fn resume(mode: Mode, paths: Paths) {
    let (a, b) = survive(SimulateScenario::SignalReconnect, "resume", mode, paths).await;
    let during = b.diary.lock().heard.clone();
    converse(&a, &b).await;
    // A resume restarts ICE, and media goes on meanwhile. The longest pause of the voice itself is 250 ms per syllable.
    let gap = longest_gap(&during[during.len().saturating_sub(4 * RATE as usize)..]);
    println!("resume {mode:?}: longest silence {gap} ms");
    assert_eq!(a.diary.lock().republished, 0, "the session was kept");
    assert_eq!(b.diary.lock().subscribed, 1, "the track was kept");
    assert!(gap < 1500, "{gap} ms of silence");
    tokio::join!(a.leave(), b.leave());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lost_signalling_over_one_connection() {
    resume(Mode::Single, Paths::UdpAndTcp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lost_signalling_over_two_connections() {
    resume(Mode::Dual, Paths::UdpAndTcp).await;
}

/// The server closes the TCP connections of the old ICE session: they are dialled again.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lost_signalling_over_tcp() {
    tokio::join!(
        resume(Mode::Single, Paths::TcpOnly),
        resume(Mode::Dual, Paths::TcpOnly)
    );
}

async fn start_over(mode: Mode) {
    let (a, b) = survive(
        SimulateScenario::FullReconnect,
        "restart",
        mode,
        Paths::UdpAndTcp,
    )
    .await;
    a.until("republished track", LIMIT, |d| d.republished > 0)
        .await;
    b.until("new track", LIMIT, |d| {
        d.subscribed > 1 && d.ended_streams > 0
    })
    .await;
    converse(&a, &b).await;
    tokio::join!(a.leave(), b.leave());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_new_session_over_one_connection() {
    start_over(Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_new_session_over_two_connections() {
    start_over(Mode::Dual).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_switch_to_tcp_in_mid_call() {
    let (a, b) = survive(
        SimulateScenario::ForceTcp,
        "force-tcp",
        Mode::Single,
        Paths::UdpAndTcp,
    )
    .await;
    b.until("new track", LIMIT, |d| d.subscribed > 1).await;
    converse(&a, &b).await;
    assert_eq!(a.transport().await.protocol, Some("tcp"));
    tokio::join!(a.leave(), b.leave());
}
