//! Tracks that come and go in one session.

use std::time::Duration;

use crate::participant::{Diary, Mode, Participant, converse, couple};
use crate::server::{Paths, shared};
use crate::sound::RATE;

const LIMIT: Duration = Duration::from_secs(30);

async fn come_and_go(mode: Mode) {
    let server = shared(Paths::UdpAndTcp);
    let seed = crate::sound::seed();
    let room = format!("republish-{mode:?}");
    let (mut a, mut b) = tokio::join!(
        Participant::join(server, &room, "alice", mode),
        Participant::join(server, &room, "bob", mode)
    );
    a.talk(seed ^ 1).await;
    for round in 1..=3usize {
        let publication = b.talk(seed ^ (round as u64) << 8).await;
        a.until("track", LIMIT, |d| d.subscribed == round).await;
        converse(&a, &b).await;
        b.unpublish(&publication).await;
        a.until("end of the stream", LIMIT, |d| d.ended_streams == round)
            .await;
    }
    assert_eq!(
        b.diary.lock().subscribed,
        1,
        "the other direction was left alone"
    );
    tokio::join!(a.leave(), b.leave());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_one_connection() {
    come_and_go(Mode::Single).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn over_two_connections() {
    come_and_go(Mode::Dual).await;
}

/// More remote tracks than the first offer has sections for, so the server asks for another offer; then they
/// leave, and others take their sections over.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_speakers_in_turn() {
    let server = shared(Paths::UdpAndTcp);
    let seed = crate::sound::seed();
    let listener = Participant::join(server, "crowd", "listener", Mode::Single).await;
    for round in 1..=2u64 {
        let mut speakers = Vec::new();
        for n in 0..5u64 {
            let name = format!("speaker-{round}-{n}");
            let mut speaker = Participant::join(server, "crowd", &name, Mode::Single).await;
            let publication = speaker.talk(seed ^ (round << 16) ^ n).await;
            speakers.push((speaker, publication));
        }
        let expected = 5 * round as usize;
        listener
            .until("5 tracks", LIMIT, |d| d.subscribed == expected)
            .await;
        for (speaker, publication) in &mut speakers {
            speaker.unpublish(publication).await;
        }
        listener
            .until("5 ends", LIMIT, |d| d.ended_streams == expected)
            .await;
        for (speaker, _) in speakers {
            speaker.leave().await;
        }
    }
    listener.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_muted_track_is_silent_and_comes_back() {
    let (a, b) = couple(shared(Paths::UdpAndTcp), "mute", Mode::Single).await;
    let publications = b.room.local_participant().track_publications();
    let publication = publications.values().next().expect("bob publishes");
    publication.mute();
    // Longer than any pause of the voice.
    let silent = |d: &Diary| {
        let latest = d.heard.iter().rev().take(RATE as usize);
        d.heard.len() > RATE as usize && latest.copied().all(|s| s.unsigned_abs() < 50)
    };
    a.until("second of silence", LIMIT, silent).await;
    publication.unmute();
    converse(&a, &b).await;
    tokio::join!(a.leave(), b.leave());
}
