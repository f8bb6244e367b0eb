//! The recogniser against a scripted vendor.

use std::time::Duration;

use neurality::{
    config::ProvidersConfig,
    domain::call_time::CallTime,
    media::frame::{AudioFrame, PTIME},
    providers::{
        Fault, ProviderError,
        stt::{SttEvent, SttInput, SttRequest, SttStream, Transcript},
    },
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::vendor::{Pod, Socket, Vendor, config, within};

fn request() -> SttRequest {
    SttRequest {
        keyterms: vec!["Dr. Okafor".into(), "Blue Shield".into()],
        endpointing: Duration::from_millis(300),
    }
}

async fn open() -> (Pod, SttStream, Socket) {
    let vendor = Vendor::new().await;
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let (stream, socket) = tokio::join!(pod.providers.stt.open(request()), vendor.socket());
    (pod, stream.expect("opens"), socket)
}

async fn refused(vendor: &Vendor, answers: impl Future<Output = ()>) -> ProviderError {
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let (result, ()) = tokio::join!(pod.providers.stt.open(request()), answers);
    result.expect_err("is refused")
}

async fn speak(stream: &SttStream, from_ms: u64, frames: u64) {
    for n in 0..frames {
        let at = CallTime::from_millis(from_ms + n * 20);
        let frame = SttInput::Audio(AudioFrame::silence(at));
        within(stream.input.send(frame)).await.expect("runs");
    }
}

async fn event(stream: &mut SttStream) -> SttEvent {
    within(stream.events.recv()).await.expect("an event")
}

async fn transcript(stream: &mut SttStream) -> Transcript {
    match event(stream).await {
        SttEvent::Transcript(transcript) => transcript,
        other => panic!("{other:?}"),
    }
}

async fn closed(stream: &mut SttStream) -> Result<(), Fault> {
    match event(stream).await {
        SttEvent::Closed(result) => {
            let text = format!("{result:?}");
            assert!(!text.contains("Maria"), "{text}");
            result.map_err(|e| e.fault)
        }
        other => panic!("{other:?}"),
    }
}

fn results(text: &str, start: f64, is_final: bool, from_finalize: bool) -> String {
    serde_json::json!({"type": "Results", "start": start, "duration": 1.0, "is_final": is_final,
        "speech_final": is_final, "from_finalize": from_finalize, "channel": {"alternatives": [
            {"transcript": text, "confidence": 0.9, "words": [
                {"word": text, "start": start, "end": start + 0.5, "confidence": 0.8}]}]}})
    .to_string()
}

#[tokio::test]
async fn a_conversation_from_handshake_to_close() {
    let (pod, mut stream, mut socket) = open().await;
    assert_eq!(socket.authorization, "Token key-d");
    assert_eq!(socket.url.path(), "/v1/listen");
    let expected = [
        ("mip_opt_out", "true"),
        ("encoding", "linear16"),
        ("sample_rate", "16000"),
        ("interim_results", "true"),
        ("endpointing", "300"),
        ("vad_events", "true"),
    ];
    for (name, value) in expected {
        assert_eq!(socket.query(name), [value], "{name}");
    }
    assert_eq!(socket.query("keyterm"), ["Dr. Okafor", "Blue Shield"]);

    speak(&stream, 5000, 4).await;
    assert_eq!(socket.binary().await.len(), 3 * 640);
    stream.input.send(SttInput::Finalize).await.expect("runs");
    assert_eq!(
        socket.binary().await.len(),
        640,
        "the rest goes before Finalize"
    );
    assert_eq!(socket.text().await, r#"{"type":"Finalize"}"#);

    socket
        .send(r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":0.1}"#)
        .await;
    socket.send(r#"{"type":"Metadata","request_id":"x"}"#).await;
    socket.send(&results("hel", 0.02, false, false)).await;
    socket.send(&results("hello", 0.02, true, true)).await;
    socket
        .send(r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":0.5}"#)
        .await;
    assert!(matches!(event(&mut stream).await, SttEvent::SpeechStarted));
    assert!(!transcript(&mut stream).await.is_final);
    let hello = transcript(&mut stream).await;
    assert!(hello.is_final && hello.from_finalize && hello.text.expose() == "hello");
    assert_eq!(hello.words[0].start, CallTime::from_millis(5020));
    let gap = event(&mut stream).await;
    let SttEvent::UtteranceEnd { last_word_end } = gap else {
        panic!("{gap:?}");
    };
    assert_eq!(last_word_end, Some(CallTime::from_millis(5500)), "C06");

    stream.input.send(SttInput::Close).await.expect("runs");
    assert_eq!(socket.text().await, r#"{"type":"CloseStream"}"#);
    socket.send(&results("bye", 1.0, true, false)).await;
    socket.close(1000).await;
    assert_eq!(transcript(&mut stream).await.text.expose(), "bye");
    assert_eq!(closed(&mut stream).await, Ok(()));
    pod.all_tasks_end().await;
    let ok = r#"neurality_provider_calls_total{kind="stt",result="ok",vendor="deepgram"}"#;
    assert_eq!(pod.metric(ok), 1.0);
}

#[tokio::test]
async fn silence_on_our_side_is_bridged_by_keep_alives() {
    let (_pod, stream, mut socket) = open().await;
    let begun = Instant::now();
    speak(&stream, 0, 1).await;
    assert_eq!(socket.binary().await.len(), 640, "a lone frame is not kept");
    assert_eq!(socket.text().await, r#"{"type":"KeepAlive"}"#);
    let waited = begun.elapsed().as_secs_f64();
    // The vendor hangs up after ten.
    assert!((3.9..9.0).contains(&waited), "{waited} s");
}

#[tokio::test]
async fn a_vendor_that_does_not_close_is_not_waited_for() {
    let (pod, mut stream, _socket) = open().await;
    let begun = Instant::now();
    stream.input.send(SttInput::Close).await.expect("runs");
    assert_eq!(closed(&mut stream).await, Ok(()));
    assert!(begun.elapsed() < Duration::from_secs(5));
    pod.all_tasks_end().await;
}

#[tokio::test]
async fn a_call_that_ends_without_a_word_ends_its_stream() {
    let (pod, stream, mut socket) = open().await;
    drop(stream);
    assert_eq!(socket.text().await, r#"{"type":"CloseStream"}"#);
    socket.close(1000).await;
    pod.all_tasks_end().await;
}

#[tokio::test]
async fn each_way_to_break_has_its_fault() {
    for (code, fault) in [
        (1011, Fault::Unavailable),
        (1008, Fault::BadRequest),
        (1002, Fault::Protocol),
        (1000, Fault::Unavailable),
    ] {
        let (_pod, mut stream, socket) = open().await;
        socket.close(code).await;
        assert_eq!(closed(&mut stream).await, Err(fault), "{code}");
    }
    let (_pod, mut stream, socket) = open().await;
    drop(socket);
    assert_eq!(closed(&mut stream).await, Err(Fault::Unavailable));
    for nonsense in ["{\"type\":\"Results\",\"start\":0}", "Maria", "[1]"] {
        let (_pod, mut stream, mut socket) = open().await;
        socket.send(nonsense).await;
        assert_eq!(
            closed(&mut stream).await,
            Err(Fault::Protocol),
            "{nonsense}"
        );
    }
    let (_pod, mut stream, mut socket) = open().await;
    socket
        .send(r#"{"type":"Error","description":"Maria","variant":"X"}"#)
        .await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Unavailable));
}

#[tokio::test]
async fn a_vendor_that_hears_nothing_is_found_out() {
    let (_pod, mut stream, mut socket) = open().await;
    speak(&stream, 0, 25).await;
    socket.send(&results("", 0.0, false, false)).await;
    assert_eq!(transcript(&mut stream).await.text.expose(), "");
    speak(&stream, 500, 30).await;
    tokio::time::sleep(PTIME).await;
    speak(&stream, 1100, 1).await;
    assert_eq!(closed(&mut stream).await, Err(Fault::Timeout));
}

#[tokio::test]
async fn a_call_that_does_not_listen_still_sends() {
    let (_pod, mut stream, mut socket) = open().await;
    for n in 0..200 {
        socket
            .send(&results(&format!("w{n}"), 0.0, true, false))
            .await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    speak(&stream, 0, 3).await;
    assert_eq!(socket.binary().await.len(), 1920);
    for n in 0..200 {
        assert_eq!(
            *transcript(&mut stream).await.text.expose(),
            format!("w{n}")
        );
    }
    assert!(matches!(
        tokio::time::timeout(Duration::from_millis(50), socket.next()).await,
        Err(_) | Ok(Message::Ping(_))
    ));
}

#[tokio::test]
async fn what_cannot_be_helped_is_not_tried_again() {
    for (status, fault) in [(401, Fault::Refused), (400, Fault::BadRequest)] {
        let vendor = Vendor::new().await;
        let error = refused(&vendor, async {
            vendor.refuse(status, "", "{\"err_msg\":\"Maria\"}").await;
            if status == 400 {
                // It might have been the key terms.
                vendor.refuse(status, "", "{\"err_msg\":\"Maria\"}").await;
            }
        })
        .await;
        assert_eq!(error.fault, fault);
        assert!(!format!("{error:?}").contains("Maria"));
        assert!(vendor.is_left_alone().await);
    }
    let vendor = Vendor::new().await;
    let error = refused(&vendor, vendor.refuse(429, "retry-after: 30\r\n", "")).await;
    let long = Some(Duration::from_secs(30));
    assert_eq!(error.fault, Fault::RateLimited(long));
    assert!(vendor.is_left_alone().await);
}

#[tokio::test]
async fn a_busy_vendor_is_tried_again_when_it_says() {
    let vendor = Vendor::new().await;
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let script = async {
        vendor.refuse(503, "", "").await;
        vendor.refuse(429, "retry-after-ms: 300\r\n", "").await;
        let refused = Instant::now();
        let socket = vendor.socket().await;
        (socket, refused.elapsed())
    };
    let (stream, (_socket, waited)) = tokio::join!(pod.providers.stt.open(request()), script);
    stream.expect("opens");
    assert!(waited >= Duration::from_millis(290), "{waited:?}");
    let busy =
        r#"neurality_provider_calls_total{kind="stt",result="rate_limited",vendor="deepgram"}"#;
    assert_eq!(pod.metric(busy), 1.0);
}

#[tokio::test]
async fn a_handshake_that_hangs_has_a_deadline() {
    let vendor = Vendor::new().await;
    let begun = Instant::now();
    let error = refused(&vendor, async {
        let _first = vendor.request().await;
        let _second = vendor.request().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    assert_eq!(error.await.fault, Fault::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

async fn opened_with(
    config: &ProvidersConfig,
    pod: &Pod,
    keyterms: &[&str],
) -> Result<SttStream, ProviderError> {
    assert_eq!(config.deepgram.stt_model, "nova-3-medical");
    let keyterms = keyterms.iter().map(|term| (*term).to_owned()).collect();
    let request = SttRequest {
        keyterms,
        ..request()
    };
    pod.providers.stt.open(request).await
}

// Case C40.
#[tokio::test]
async fn terms_that_are_refused_cost_one_try_more_once_and_not_on_each_call() {
    let vendor = Vendor::new().await;
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let terms = ["Dr. Okafor", "Blue Shield"];
    let (stream, ()) = tokio::join!(opened_with(&config, &pod, &terms), async {
        vendor.refuse(400, "", "{\"err_msg\":\"keyterm\"}").await;
        assert!(vendor.socket().await.query("keyterm").is_empty());
    });
    stream.expect("is served without the terms");
    for _ in 0..3 {
        let (stream, socket) = tokio::join!(opened_with(&config, &pod, &terms), vendor.socket());
        stream.expect("is served at once");
        assert!(socket.query("keyterm").is_empty());
    }
    let (stream, socket) = tokio::join!(
        opened_with(&config, &pod, &["Delta Dental"]),
        vendor.socket()
    );
    stream.expect("is served");
    assert_eq!(
        socket.query("keyterm"),
        ["Delta Dental"],
        "another clinic's"
    );
}

#[tokio::test]
async fn a_refusal_that_is_not_for_the_terms_stays_one_and_is_not_remembered() {
    let vendor = Vendor::new().await;
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let (refused, ()) = tokio::join!(opened_with(&config, &pod, &["Okafor"]), async {
        vendor.refuse(400, "", "").await;
        vendor.refuse(400, "", "").await;
    });
    assert_eq!(refused.expect_err("no stream").fault, Fault::BadRequest);
    let (stream, socket) = tokio::join!(opened_with(&config, &pod, &["Okafor"]), vendor.socket());
    stream.expect("is served");
    assert_eq!(socket.query("keyterm"), ["Okafor"]);
    let (refused, ()) = tokio::join!(opened_with(&config, &pod, &["Okafor"]), async {
        vendor.refuse(401, "", "").await;
    });
    assert_eq!(refused.expect_err("a wrong key").fault, Fault::Refused);
    assert!(vendor.is_left_alone().await);
}

// Case C40.
#[tokio::test]
async fn terms_go_out_clean_and_as_many_as_the_vendor_takes() {
    let vendor = Vendor::new().await;
    let mut config = config();
    config.deepgram.base_url = vendor.url("ws");
    let pod = Pod::new(&config);
    let names: Vec<String> = (0..120).map(|n| format!("Dr. Number {n}")).collect();
    let mut terms: Vec<&str> = names.iter().map(String::as_str).collect();
    terms.extend(["", " \r\n", "Blue\nShield ", "blue shield", "dr. number 7"]);
    let (stream, socket) = tokio::join!(opened_with(&config, &pod, &terms), vendor.socket());
    stream.expect("opens");
    let mut expected = names.clone();
    expected.push("Blue Shield".to_owned());
    assert_eq!(socket.query("keyterm"), expected);
}
