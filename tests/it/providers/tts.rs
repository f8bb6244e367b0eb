//! The synthesiser against a scripted vendor.

use std::time::Duration;

use neurality::{
    domain::phi::Phi,
    providers::{
        Fault,
        tts::{TtsEvent, TtsInput, TtsRequest, TtsStream},
    },
};
use tokio::time::{Instant, timeout};

use super::vendor::{Pod, Socket, Vendor, config, within};

const FLUSHED: &str = r#"{"type":"Flushed","sequence_id":0}"#;
const CLEARED: &str = r#"{"type":"Cleared","sequence_id":0}"#;

async fn open() -> (Pod, TtsStream, Socket) {
    let vendor = Vendor::new().await;
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let request = TtsRequest { voice: None };
    let (stream, socket) = tokio::join!(pod.providers.tts.open(request), vendor.socket());
    let mut socket = socket;
    socket
        .send(r#"{"type":"Metadata","request_id":"x","model_name":"y"}"#)
        .await;
    (pod, stream.expect("opens"), socket)
}

async fn order(stream: &TtsStream, order: TtsInput) {
    within(stream.input.send(order)).await.expect("runs");
}

async fn say(stream: &TtsStream, socket: &mut Socket, text: &str) {
    order(stream, TtsInput::Speak(Phi::new(text.into()))).await;
    assert!(socket.text().await.contains(text));
    order(stream, TtsInput::Flush).await;
    assert_eq!(socket.text().await, r#"{"type":"Flush"}"#);
}

async fn event(stream: &mut TtsStream) -> TtsEvent {
    within(stream.events.recv()).await.expect("an event")
}

async fn closed(stream: &mut TtsStream) -> Result<(), Fault> {
    loop {
        match event(stream).await {
            TtsEvent::Closed(result) => return result.map_err(|e| e.fault),
            TtsEvent::Audio(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn sound(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

#[tokio::test]
async fn an_utterance_comes_whole_however_its_bytes_are_cut() {
    let (pod, mut stream, mut socket) = open().await;
    assert_eq!(socket.url.path(), "/v1/speak");
    for (name, value) in [
        ("mip_opt_out", "true"),
        ("encoding", "linear16"),
        ("sample_rate", "16000"),
    ] {
        assert_eq!(socket.query(name), [value], "{name}");
    }
    say(&stream, &mut socket, "Good morning.").await;
    let samples: Vec<i16> = (0..1000).map(|n| n * 7).collect();
    for part in sound(&samples).chunks(333) {
        socket.send_binary(part).await;
    }
    socket.send(FLUSHED).await;
    let mut heard = Vec::new();
    loop {
        match event(&mut stream).await {
            TtsEvent::Audio(samples) => heard.extend(samples),
            TtsEvent::Flushed => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, samples);
    order(&stream, TtsInput::Close).await;
    assert_eq!(socket.text().await, r#"{"type":"Close"}"#);
    socket.close(1000).await;
    assert_eq!(closed(&mut stream).await, Ok(()));
    pod.all_tasks_end().await;
}

#[tokio::test]
async fn after_clear_nothing_old_is_heard() {
    let (_pod, mut stream, mut socket) = open().await;
    say(&stream, &mut socket, "A long story.").await;
    socket.send_binary(&sound(&[1; 100])).await;
    assert!(matches!(event(&mut stream).await, TtsEvent::Audio(_)));
    order(&stream, TtsInput::Clear).await;
    assert_eq!(socket.text().await, r#"{"type":"Clear"}"#);
    order(&stream, TtsInput::Speak(Phi::new("New.".into()))).await;
    // What was under way: sound with half a sample, and the end of the old utterance.
    socket.send_binary(&[9; 333]).await;
    socket.send(FLUSHED).await;
    socket.send(CLEARED).await;
    socket.send_binary(&sound(&[2; 10])).await;
    assert!(matches!(event(&mut stream).await, TtsEvent::Cleared));
    match event(&mut stream).await {
        TtsEvent::Audio(samples) => assert_eq!(samples, [2; 10]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn clear_gets_through_while_the_call_reads_nothing() {
    let (_pod, mut stream, mut socket) = open().await;
    say(&stream, &mut socket, "A long story.").await;
    for _ in 0..300 {
        socket.send_binary(&sound(&[1; 320])).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    order(&stream, TtsInput::Clear).await;
    assert_eq!(socket.text().await, r#"{"type":"Clear"}"#);
    socket.send(CLEARED).await;
    let mut old = 0;
    while let TtsEvent::Audio(_) = event(&mut stream).await {
        old += 1;
    }
    assert!(old <= 64, "{old} pieces: only what was in the channel");
}

#[tokio::test]
async fn a_slow_reader_is_no_fault_of_the_vendor() {
    let (_pod, mut stream, mut socket) = open().await;
    say(&stream, &mut socket, "A long story.").await;
    for _ in 0..100 {
        socket.send_binary(&sound(&[1; 320])).await;
    }
    socket.send(FLUSHED).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut pieces = 0;
    loop {
        match event(&mut stream).await {
            TtsEvent::Audio(_) => pieces += 1,
            TtsEvent::Flushed => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pieces, 100);
}

#[tokio::test]
async fn a_vendor_that_owes_sound_may_not_be_silent() {
    let (_pod, mut stream, mut socket) = open().await;
    order(&stream, TtsInput::Speak(Phi::new("Wait".into()))).await;
    socket.text().await;
    // Without a flush it owes nothing.
    let nothing = timeout(Duration::from_millis(700), stream.events.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let begun = Instant::now();
    order(&stream, TtsInput::Flush).await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(5));

    let (_pod, mut stream, mut socket) = open().await;
    say(&stream, &mut socket, "Half a").await;
    socket.send_binary(&sound(&[1; 320])).await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Timeout));

    let (_pod, mut stream, mut socket) = open().await;
    order(&stream, TtsInput::Clear).await;
    socket.text().await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Timeout));
}

#[tokio::test]
async fn a_flush_of_nothing_is_answered_here() {
    let (_pod, mut stream, mut socket) = open().await;
    order(&stream, TtsInput::Speak(Phi::new("  ".into()))).await;
    order(&stream, TtsInput::Flush).await;
    assert!(matches!(event(&mut stream).await, TtsEvent::Flushed));
    assert!(
        timeout(Duration::from_millis(50), socket.next())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn over_the_flush_limit_the_stream_says_so() {
    let (_pod, mut stream, mut socket) = open().await;
    for n in 0..20 {
        say(&stream, &mut socket, &format!("Number {n}.")).await;
        socket.send(FLUSHED).await;
        assert!(matches!(event(&mut stream).await, TtsEvent::Flushed));
    }
    socket
        .send(r#"{"type":"Warning","description":"Maria","code":"X"}"#)
        .await;
    say(&stream, &mut socket, "One more.").await;
    socket
        .send(r#"{"type":"Warning","description":"Maria","code":"X"}"#)
        .await;
    let Err(Fault::RateLimited(Some(wait))) = closed(&mut stream).await else {
        panic!("the flush was lost");
    };
    assert!(wait > Duration::from_secs(50), "{wait:?}");
}

#[tokio::test]
async fn each_way_to_break_has_its_fault() {
    let (_pod, mut stream, socket) = open().await;
    socket.close(1011).await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Unavailable));
    let (_pod, mut stream, socket) = open().await;
    drop(socket);
    assert_eq!(closed(&mut stream).await, Err(Fault::Unavailable));
    let (_pod, mut stream, mut socket) = open().await;
    socket.send("Maria").await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Protocol));
    let (_pod, mut stream, mut socket) = open().await;
    socket.send(r#"{"type":"Error","err_msg":"Maria"}"#).await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Unavailable));
}

#[tokio::test]
async fn a_call_that_ends_without_a_word_frees_its_place() {
    let (pod, stream, mut socket) = open().await;
    say(&stream, &mut socket, "A long story.").await;
    drop(stream);
    assert_eq!(socket.text().await, r#"{"type":"Close"}"#);
    let begun = Instant::now();
    pod.all_tasks_end().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}
