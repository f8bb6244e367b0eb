//! Every vendor's client against its simulator: the contract that each of them keeps, in good times and bad.

use std::{sync::OnceLock, time::Duration};

use loadtest::{
    sim::{
        Fault as Order, FaultKind, Service, SimConfig, SimHandle, SimListeners, delay::Delay, serve,
    },
    speech::{Flite, Voice},
};
use neurality::{
    config::{LlmVendor, ProvidersConfig, Secret},
    domain::{
        call_time::CallTime,
        conversation::{ToolCallId, ToolRequest},
        phi::Phi,
    },
    media::frame::{AudioFrame, FRAME_SAMPLES, PTIME},
    providers::{
        Fault, ProviderError,
        llm::{Finish, LlmEvent, LlmRequest, Message, ToolSpec},
        stt::{SttEvent, SttInput, SttRequest, SttStream, Transcript},
        tts::{TtsEvent, TtsInput, TtsRequest, TtsStream},
    },
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::vendor::{Pod, config, within};

/// The recogniser's corpus is learnt in seconds of CPU: not by three tests at once.
static ONE_AT_A_TIME: OnceLock<Mutex<()>> = OnceLock::new();

struct World {
    sim: SimHandle,
    config: ProvidersConfig,
    flite: Flite,
}

impl World {
    async fn new() -> Self {
        let _turn = ONE_AT_A_TIME.get_or_init(Mutex::default).lock().await;
        let mut sim_config = SimConfig::fast();
        // Slow enough for trouble in the middle of an answer.
        sim_config.llm.token_gap = Delay::constant(5.0);
        let flite = Flite::new(&sim_config.flite_cache).expect("a cache");
        let listeners = SimListeners::loopback().await.expect("ports");
        let sim = serve(sim_config, listeners).await.expect("make setup");
        let url = |scheme, address| Url::parse(&format!("{scheme}://{address}")).expect("url");
        let mut config = config();
        config.deepgram.base_url = url("ws", sim.deepgram_addr());
        config.deepgram.api_key = Secret::new("sim-deepgram-key");
        config.openai.base_url = url("http", sim.openai_addr()).join("v1/").expect("url");
        config.openai.api_key = Secret::new("sim-openai-key");
        config.azure.base_url = url("http", sim.openai_addr());
        config.azure.api_key = Secret::new("sim-azure-key");
        config.connect_timeout_ms = 3000;
        config.stt_stall_timeout_ms = 4000;
        config.llm_first_token_timeout_ms = 1000;
        Self { sim, config, flite }
    }

    fn pod(&self) -> Pod {
        Pod::new(&self.config)
    }

    fn order(&self, service: Service, kind: FaultKind) {
        self.sim.add_fault(Order::next(service, kind));
    }
}

fn refuse(status: u16, retry_after_ms: Option<u64>) -> FaultKind {
    FaultKind::Refuse {
        status,
        code: None,
        retry_after_ms,
    }
}

fn refused<T>(result: Result<T, ProviderError>) -> Fault {
    result.err().expect("is refused").fault
}

// --- speech to text ---------------------------------------------------------------------------------------------------------

const SENTENCE: &str = "Yes please, something on Tuesday morning.";

fn stt_request() -> SttRequest {
    SttRequest {
        keyterms: vec!["Okafor".into()],
        endpointing: Duration::from_millis(300),
    }
}

impl World {
    async fn listening(&self, pod: &Pod) -> SttStream {
        let stream = pod.providers.stt.open(stt_request()).await;
        stream.expect("opens")
    }

    /// Says the sentence and some silence at twice the speed of a call; its time on the call's clock.
    async fn say(&self, stream: &SttStream, from: CallTime) -> Duration {
        let speech = self
            .flite
            .say(Voice::Rms, SENTENCE)
            .await
            .expect("make setup");
        let mut sound = speech.samples.clone();
        sound.resize(sound.len() + 16_000, 0);
        let mut at = from;
        for chunk in sound.chunks_exact(FRAME_SAMPLES) {
            let mut frame = AudioFrame::silence(at);
            frame.samples.copy_from_slice(chunk);
            if stream.input.send(SttInput::Audio(frame)).await.is_err() {
                break;
            }
            at = at + PTIME;
            tokio::time::sleep(PTIME / 2).await;
        }
        speech.duration()
    }
}

async fn stt_event(stream: &mut SttStream) -> SttEvent {
    within(stream.events.recv()).await.expect("an event")
}

/// All that is heard until the stream is closed.
async fn heard(stream: &mut SttStream) -> (Vec<Transcript>, Result<(), Fault>) {
    let mut transcripts = Vec::new();
    loop {
        match stt_event(stream).await {
            SttEvent::Transcript(transcript) => transcripts.push(transcript),
            SttEvent::Closed(result) => return (transcripts, result.map_err(|e| e.fault)),
            SttEvent::SpeechStarted | SttEvent::UtteranceEnd { .. } => {}
        }
    }
}

fn said(transcripts: &[Transcript]) -> String {
    let finals = transcripts.iter().filter(|t| t.is_final);
    let texts: Vec<_> = finals.map(|t| t.text.expose().as_str()).collect();
    texts.join(" ").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recogniser() {
    let world = World::new().await;
    let pod = world.pod();

    let mut stream = world.listening(&pod).await;
    let from = CallTime::from_millis(7000);
    let long = world.say(&stream, from).await;
    stream.input.send(SttInput::Finalize).await.expect("runs");
    stream.input.send(SttInput::Close).await.expect("runs");
    let (transcripts, end) = heard(&mut stream).await;
    assert_eq!((said(&transcripts).as_str(), end), (SENTENCE, Ok(())));
    assert!(transcripts.iter().any(|t| t.speech_final));
    let words: Vec<_> = transcripts
        .iter()
        .filter(|t| t.is_final)
        .flat_map(|t| &t.words)
        .collect();
    assert_eq!(words.len(), 6);
    let slack = Duration::from_millis(200);
    assert!(
        words[0].start + slack >= from && words[5].end <= from + long + slack,
        "{words:?}"
    );
    assert!(words.iter().all(|w| w.confidence > 0.0 && w.start <= w.end));
    let state = world.sim.state();
    let handshake = state.requests.back().expect("a request");
    assert_eq!(handshake.param("mip_opt_out"), Some("true"));
    assert_eq!(handshake.param("keyterm"), Some("Okafor"));

    // Refused, for good and for now.
    world.order(Service::Stt, refuse(401, None));
    assert_eq!(
        refused(pod.providers.stt.open(stt_request()).await),
        Fault::Refused
    );
    world.order(Service::Stt, refuse(429, Some(1000)));
    let begun = Instant::now();
    drop(world.listening(&pod).await);
    assert!(begun.elapsed() >= Duration::from_millis(995));
    world.order(Service::Stt, FaultKind::Hang);
    drop(world.listening(&pod).await);

    // Broken in mid-call.
    let close = FaultKind::Close {
        code: 1011,
        reason: "NET-0000".into(),
    };
    for (kind, fault) in [
        (FaultKind::Cut, Fault::Unavailable),
        (close, Fault::Unavailable),
        (FaultKind::Stall { ms: None }, Fault::Timeout),
    ] {
        let mut stream = world.listening(&pod).await;
        world.sim.add_fault(Order::open(Service::Stt, kind.clone()));
        let talk = async {
            for _ in 0..3 {
                world.say(&stream_input(&stream), CallTime::ZERO).await;
            }
        };
        talk.await;
        assert_eq!(heard(&mut stream).await.1, Err(fault), "{kind:?}");
    }
    pod.all_tasks_end().await;
}

/// The input alone, so that sound can be sent while events wait.
fn stream_input(stream: &SttStream) -> SttStream {
    SttStream {
        input: stream.input.clone(),
        events: tokio::sync::mpsc::channel(1).1,
    }
}

// --- text to speech ---------------------------------------------------------------------------------------------------------

async fn speaking(pod: &Pod) -> TtsStream {
    let request = TtsRequest { voice: None };
    pod.providers.tts.open(request).await.expect("opens")
}

async fn utter(stream: &TtsStream, text: &str) {
    for order in [TtsInput::Speak(Phi::new(text.into())), TtsInput::Flush] {
        stream.input.send(order).await.expect("runs");
    }
}

/// Sound up to the first event of another kind.
async fn sound(stream: &mut TtsStream) -> (Vec<i16>, TtsEvent) {
    let mut samples = Vec::new();
    loop {
        match within(stream.events.recv()).await.expect("an event") {
            TtsEvent::Audio(piece) => samples.extend(piece),
            other => return (samples, other),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_synthesiser() {
    let world = World::new().await;
    let pod = world.pod();

    let mut stream = speaking(&pod).await;
    utter(&stream, "You are booked for Tuesday at ten.").await;
    let (whole, end) = sound(&mut stream).await;
    assert!(matches!(end, TtsEvent::Flushed), "{end:?}");
    assert!(whole.len() > 16_000, "{} samples", whole.len());
    let handshake = world.sim.state();
    let handshake = handshake.requests.back().expect("a request");
    assert_eq!(handshake.param("mip_opt_out"), Some("true"));

    // Barge-in, then a new utterance on the same stream.
    utter(
        &stream,
        "This is a rather long sentence that the caller does not want to hear.",
    )
    .await;
    let first = within(stream.events.recv()).await;
    assert!(matches!(first, Some(TtsEvent::Audio(_))));
    stream.input.send(TtsInput::Clear).await.expect("runs");
    let (_old, end) = sound(&mut stream).await;
    assert!(matches!(end, TtsEvent::Cleared), "{end:?}");
    utter(&stream, "You are booked for Tuesday at ten.").await;
    let (again, end) = sound(&mut stream).await;
    assert!(matches!(end, TtsEvent::Flushed), "{end:?}");
    assert_eq!(again.len(), whole.len());
    stream.input.send(TtsInput::Close).await.expect("runs");
    assert!(matches!(
        sound(&mut stream).await.1,
        TtsEvent::Closed(Ok(()))
    ));

    world.order(Service::Tts, FaultKind::OddBytes);
    let mut stream = speaking(&pod).await;
    utter(&stream, "You are booked for Tuesday at ten.").await;
    let (odd, _) = sound(&mut stream).await;
    assert!(odd == whole, "samples were lost or shifted");

    world.order(Service::Tts, refuse(429, Some(1000)));
    drop(speaking(&pod).await);
    world.order(Service::Tts, refuse(402, None));
    let request = TtsRequest { voice: None };
    assert_eq!(
        refused(pod.providers.tts.open(request).await),
        Fault::Refused
    );

    for (kind, fault) in [
        (FaultKind::Cut, Fault::Unavailable),
        (FaultKind::Stall { ms: None }, Fault::Timeout),
    ] {
        world
            .sim
            .add_fault(Order::next(Service::Tts, kind.clone()).after_ms(50));
        let mut stream = speaking(&pod).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        utter_if_open(&stream).await;
        match sound(&mut stream).await.1 {
            TtsEvent::Closed(Err(e)) => assert_eq!(e.fault, fault, "{kind:?}"),
            other => panic!("{kind:?}: {other:?}"),
        }
    }
    drop(stream);
    pod.all_tasks_end().await;
}

/// The stream may have broken already.
async fn utter_if_open(stream: &TtsStream) {
    for order in [
        TtsInput::Speak(Phi::new("Hello there.".into())),
        TtsInput::Flush,
    ] {
        let _ = stream.input.send(order).await;
    }
}

// --- language models --------------------------------------------------------------------------------------------------------

fn coverage_tool() -> ToolSpec {
    ToolSpec {
        name: "check_insurance_coverage",
        description: "Whether a plan pays for a procedure.",
        parameters: json!({"type": "object", "required": ["payer", "procedure_code"], "properties": {
            "payer": {"type": "string"}, "plan": {"type": "string"}, "procedure_code": {"type": "string"}}}),
    }
}

fn question() -> LlmRequest {
    let user = "Hi, does my Blue Cross PPO plan cover a dental cleaning?";
    LlmRequest {
        messages: vec![
            Message::System(Phi::new(
                "You are a receptionist. Procedure: cleaning (D1110).".into(),
            )),
            Message::User(Phi::new(user.into())),
        ],
        tools: vec![coverage_tool()],
        cache_key: "tenant".into(),
    }
}

/// The same after the tool's answer.
fn answered(calls: Vec<ToolRequest>) -> LlmRequest {
    let mut request = question();
    let ids: Vec<ToolCallId> = calls.iter().map(|call| call.id.clone()).collect();
    request.messages.push(Message::Assistant {
        text: Phi::default(),
        tool_calls: calls,
    });
    request
        .messages
        .extend(ids.into_iter().map(|id| Message::Tool {
            id,
            content: Phi::new(r#"{"covered":true,"copay":"$20"}"#.into()),
        }));
    request
}

#[derive(Debug, Default)]
struct Reply {
    text: String,
    calls: Vec<ToolRequest>,
    end: Option<Result<Finish, Fault>>,
}

async fn ask(pod: &Pod, request: LlmRequest) -> Result<Reply, ProviderError> {
    let mut stream = within(pod.providers.llm.reply(request)).await?;
    let mut reply = Reply::default();
    while let Some(event) = within(stream.events.recv()).await {
        match event {
            LlmEvent::Text(text) => reply.text += text.expose(),
            LlmEvent::ToolCall(call) => reply.calls.push(call),
            LlmEvent::Done(finish) => reply.end = Some(Ok(finish)),
            LlmEvent::Failed(error) => reply.end = Some(Err(error.fault)),
        }
    }
    Ok(reply)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_language_models() {
    let mut world = World::new().await;
    let pod = world.pod();

    let reply = ask(&pod, question()).await.expect("answers");
    assert_eq!(reply.end, Some(Ok(Finish::ToolCalls)), "{reply:?}");
    let arguments = reply.calls[0].arguments.expose();
    let arguments: serde_json::Value = serde_json::from_str(arguments).expect("joined whole");
    assert!(
        arguments["payer"]
            .as_str()
            .is_some_and(|p| p.contains("Blue")),
        "{arguments}"
    );
    let state = world.sim.state();
    assert_eq!(state.requests.back().and_then(|r| r.store), Some(false));
    let reply = ask(&pod, answered(reply.calls)).await.expect("answers");
    assert_eq!(reply.end, Some(Ok(Finish::Stop)));
    assert!(!reply.text.is_empty());

    // A history that leaves a tool call unanswered is our fault and is not sent again.
    let mut broken = answered(vec![ToolRequest {
        id: ToolCallId("call_x".into()),
        name: "check_insurance_coverage".into(),
        arguments: Phi::new("{}".into()),
    }]);
    broken.messages.pop();
    let before = world.sim.state().requests_total[&Service::Llm];
    assert_eq!(refused(ask(&pod, broken).await), Fault::BadRequest);
    assert_eq!(world.sim.state().requests_total[&Service::Llm], before + 1);

    world.order(Service::Llm, FaultKind::LengthCut);
    let reply = ask(&pod, question()).await.expect("answers");
    assert_eq!(reply.end, Some(Ok(Finish::Length)));
    world.order(Service::Llm, FaultKind::BadArguments);
    let reply = ask(&pod, question()).await.expect("answers");
    let arguments = reply.calls[0].arguments.expose();
    assert!(serde_json::from_str::<serde_json::Value>(arguments).is_err());

    world.order(Service::Llm, refuse(429, Some(300)));
    let begun = Instant::now();
    assert!(ask(&pod, question()).await.is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(295));

    let error = FaultKind::ErrorEvent {
        message: "Maria".into(),
        code: "server_error".into(),
    };
    for (kind, fault) in [
        (FaultKind::Cut, Fault::Unavailable),
        (error, Fault::Unavailable),
    ] {
        let order = Order::next(Service::Llm, kind.clone()).after_ms(12);
        world.sim.add_fault(order);
        let reply = ask(&pod, answered(Vec::new())).await.expect("begins");
        assert!(
            !reply.text.is_empty() && reply.end == Some(Err(fault)),
            "{kind:?}: {reply:?}"
        );
    }
    pod.all_tasks_end().await;

    // With a second vendor no caller hears any of it.
    world.config.llm = vec![LlmVendor::OpenAi, LlmVendor::Azure];
    for kind in [
        refuse(500, None),
        refuse(429, Some(60_000)),
        FaultKind::Hang,
    ] {
        let pod = world.pod();
        let before = world
            .sim
            .state()
            .requests_total
            .get(&Service::Azure)
            .copied();
        world.order(Service::Llm, kind.clone());
        let reply = ask(&pod, question()).await.expect("answers");
        assert_eq!(reply.end, Some(Ok(Finish::ToolCalls)), "{kind:?}");
        let after = world.sim.state().requests_total[&Service::Azure];
        assert_eq!(after, before.unwrap_or(0) + 1, "{kind:?}");
    }
}
