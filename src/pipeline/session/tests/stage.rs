//! A session's surroundings as a script: the caller's voice, the vendors, the room. All of it in memory, on the paused clock.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::json;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::super::*;
use crate::{
    domain::{
        conversation::{ToolCallId, ToolRequest, Word},
        ids::TenantId,
        phi::Phi,
    },
    pipeline::{journal::SaveError, report::SessionReport, voice::OutFrame},
    providers::{
        BoxFuture, Fault, Vendor,
        llm::{Finish, LlmRequest, LlmStream, Message},
        stt::{SttEvent, SttInput, SttStream, Transcript},
        tts::{TtsEvent, TtsInput},
        vad::VadEvent,
    },
    tools::outcome::{ToolOutcome, ToolStatus},
};

/// Length of each spoken word.
pub(super) const WORD: Duration = Duration::from_millis(300);

/// One thing that the model does in an answer; it is done after the last.
#[derive(Clone, Copy)]
pub(super) enum Beat {
    /// Writes.
    Say(&'static str),
    /// Calls a tool.
    Call(&'static str),
    /// Thinks for so long, ms.
    Pause(u64),
    /// Breaks off.
    Break,
}

/// What the parts will do.
pub(super) struct Script {
    /// The model's answers, one for each time it is asked.
    pub(super) answers: Vec<Vec<Beat>>,
    /// How long tools run.
    pub(super) tool: Duration,
    /// How long the nth write takes, ms, and how it ends.
    pub(super) save: fn(usize) -> (u64, Result<(), SaveError>),
}

impl Script {
    pub(super) fn of(answers: &[&[Beat]]) -> Self {
        Self {
            answers: answers.iter().map(|beats| beats.to_vec()).collect(),
            tool: Duration::from_millis(100),
            save: |_| (5, Ok(())),
        }
    }
}

/// A running session and the ends of everything that it holds.
pub(super) struct Stage {
    pub(super) clock: CallClock,
    /// What the model was asked, each time, as short lines.
    pub(super) asked: Arc<Mutex<Vec<Vec<String>>>>,
    /// When the room got voice, and when it was told to drop it.
    pub(super) room: Arc<Mutex<Heard>>,
    events: mpsc::Sender<CallEvent>,
    vad: mpsc::Sender<Result<VadEvent, crate::providers::vad::VadError>>,
    stt: Arc<Mutex<Vec<Line>>>,
    session: JoinHandle<SessionReport>,
    _audio: mpsc::Sender<AudioFrame>,
}

/// What came to the room.
#[derive(Default)]
pub(super) struct Heard {
    /// Due times of the frames with voice.
    pub(super) voice: Vec<CallTime>,
    /// Times of clears.
    pub(super) clears: Vec<CallTime>,
}

impl Stage {
    /// A phone that rings.
    pub(super) async fn ringing(script: Script) -> Self {
        let tasks = TaskTracker::new();
        let clock = CallClock::new(Instant::now());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let ear = Ear::default();
        let stt = Arc::clone(&ear.0);
        let (vad, vad_events) = mpsc::channel(16);
        let llm = Model {
            answers: Mutex::new(script.answers.into()),
            asked: Arc::clone(&asked),
            tasks: tasks.clone(),
        };
        let deps = SessionDeps {
            stt: Arc::new(ear),
            llm: Arc::new(llm),
            tts: Arc::new(Mouth(tasks.clone())),
            toolbox: toolbox(script.tool),
            save: save(script.save),
            profile: Arc::new(profile()),
            config: PipelineConfig::default(),
            ring_limit: Duration::from_secs(30),
            call_limit: Duration::from_secs(600),
            started_at: DateTime::UNIX_EPOCH,
            tasks: tasks.clone(),
            stop: CancellationToken::new(),
            metrics: Arc::new(Metrics::new()),
        };
        let vad_of_the_call = VoiceActivity {
            push: Box::new(|_| {}),
            events: vad_events,
        };
        let warm = warm(deps, vad_of_the_call)
            .await
            .expect("the script's vendors open");
        let (audio, audio_in) = mpsc::channel(16);
        let (audio_out, frames) = mpsc::channel(16);
        let (events, seen) = mpsc::channel(16);
        let room = Arc::default();
        tasks.spawn(listen(clock, frames, Arc::clone(&room)));
        let io = SessionIo {
            audio_in,
            audio_out,
            events: seen,
            clock,
        };
        let session = tasks.spawn(warm.run(io, Beginning::New));
        Self {
            clock,
            asked,
            room,
            events,
            vad,
            stt,
            session,
            _audio: audio,
        }
    }

    /// A call whose greeting was heard.
    pub(super) async fn greeted(script: Script) -> Self {
        let stage = Self::ringing(script).await;
        stage.send(CallEvent::CallerActive).await;
        sleep(Duration::from_millis(2500)).await;
        stage
    }

    pub(super) async fn send(&self, event: CallEvent) {
        self.events.send(event).await.expect("the session listens");
    }

    /// The caller says it, and the recogniser understands when they are done. Returns the end of their voice.
    pub(super) async fn says(&self, text: &str) -> CallTime {
        let from = self.clock.now();
        self.notice(VadEvent::SpeechStarted { at: from }).await;
        sleep(WORD * u32::try_from(text.split(' ').count()).expect("few")).await;
        let to = self.clock.now();
        self.notice(VadEvent::SpeechEnded { last_voiced: to }).await;
        sleep(Duration::from_millis(50)).await;
        let line = self.stt.lock().last().expect("an open stream").said.clone();
        let final_words = SttEvent::Transcript(transcript(text, from, to));
        line.send(final_words).await.expect("the session listens");
        to
    }

    /// As [`Self::says`], and the endpointing wait passes.
    pub(super) async fn asks(&self, text: &str) -> CallTime {
        let end = self.says(text).await;
        sleep(Duration::from_millis(500)).await;
        end
    }

    async fn notice(&self, event: VadEvent) {
        self.vad.send(Ok(event)).await.expect("the session listens");
    }

    /// The time of the first voice in the room after `from`.
    pub(super) fn voice_after(&self, from: CallTime) -> Option<CallTime> {
        let room = self.room.lock();
        room.voice.iter().copied().find(|at| *at >= from)
    }

    /// What the model was asked last.
    pub(super) fn last_asked(&self) -> Vec<String> {
        self.asked.lock().last().expect("asked").clone()
    }

    /// Waits for the session's end.
    pub(super) async fn over(self) -> SessionReport {
        self.session.await.expect("no panic")
    }

    pub(super) async fn hang_up(self) -> SessionReport {
        self.send(CallEvent::CallerLeft).await;
        self.over().await
    }
}

async fn listen(clock: CallClock, mut frames: mpsc::Receiver<OutFrame>, room: Arc<Mutex<Heard>>) {
    while let Some(frame) = frames.recv().await {
        match frame {
            OutFrame::Sound(frame) if frame.samples[0] != 0 => room.lock().voice.push(frame.at),
            OutFrame::Sound(_) => {}
            OutFrame::Clear => room.lock().clears.push(clock.now()),
        }
    }
}

/// Streams that hear what the script says.
#[derive(Default)]
struct Ear(Arc<Mutex<Vec<Line>>>);

/// A recogniser's stream. Its orders fit without being read.
struct Line {
    said: mpsc::Sender<SttEvent>,
    _orders: mpsc::Receiver<SttInput>,
}

impl SpeechToText for Ear {
    fn open(&self, _: SttRequest) -> BoxFuture<'_, Result<SttStream, ProviderError>> {
        let (input, orders) = mpsc::channel(1000);
        let (said, events) = mpsc::channel(16);
        self.0.lock().push(Line {
            said,
            _orders: orders,
        });
        Box::pin(async move { Ok(SttStream { input, events }) })
    }
}

/// Speaks [`WORD`] for each word, at once.
struct Mouth(TaskTracker);

impl TextToSpeech for Mouth {
    fn open(&self, _: TtsRequest) -> BoxFuture<'_, Result<TtsStream, ProviderError>> {
        let (input, mut orders) = mpsc::channel(64);
        let (sound, events) = mpsc::channel(64);
        self.0.spawn(async move {
            let mut words = 0;
            while let Some(order) = orders.recv().await {
                let answers = match order {
                    TtsInput::Speak(text) => {
                        words += text.expose().split_whitespace().count();
                        Vec::new()
                    }
                    TtsInput::Flush => {
                        let samples = std::mem::take(&mut words) * 16 * WORD.as_millis() as usize;
                        vec![TtsEvent::Audio(vec![8000; samples]), TtsEvent::Flushed]
                    }
                    TtsInput::Clear => vec![TtsEvent::Cleared],
                    TtsInput::Close => return,
                };
                for event in answers {
                    if sound.send(event).await.is_err() {
                        return;
                    }
                }
            }
        });
        Box::pin(async move { Ok(TtsStream { input, events }) })
    }
}

/// Answers by the script.
struct Model {
    answers: Mutex<VecDeque<Vec<Beat>>>,
    asked: Arc<Mutex<Vec<Vec<String>>>>,
    tasks: TaskTracker,
}

impl LanguageModel for Model {
    fn vendor(&self) -> Vendor {
        Vendor::OpenAi
    }

    fn reply(&self, request: LlmRequest) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        self.asked.lock().push(lines(&request.messages));
        let beats = self.answers.lock().pop_front();
        let (pieces, events) = mpsc::channel(64);
        let Some(beats) = beats else {
            let refused = ProviderError::new(Vendor::OpenAi, Fault::Unavailable);
            return Box::pin(async move { Err(refused) });
        };
        self.tasks.spawn(play(beats, pieces));
        Box::pin(async move { Ok(LlmStream { events }) })
    }
}

async fn play(beats: Vec<Beat>, pieces: mpsc::Sender<LlmEvent>) {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let mut finish = Finish::Stop;
    for beat in beats {
        let event = match beat {
            Beat::Say(text) => LlmEvent::Text(Phi::new(text.to_owned())),
            Beat::Call(name) => {
                finish = Finish::ToolCalls;
                let number = CALLS.fetch_add(1, Ordering::Relaxed);
                LlmEvent::ToolCall(ToolRequest {
                    id: ToolCallId(format!("call_{number}")),
                    name: name.to_owned(),
                    arguments: Phi::new("{}".to_owned()),
                })
            }
            Beat::Pause(ms) => {
                sleep(Duration::from_millis(ms)).await;
                continue;
            }
            Beat::Break => LlmEvent::Failed(ProviderError::new(Vendor::OpenAi, Fault::Unavailable)),
        };
        let over = matches!(event, LlmEvent::Failed(_));
        if pieces.send(event).await.is_err() || over {
            return;
        }
    }
    // A reply that was cancelled is not waited for.
    pieces.send(LlmEvent::Done(finish)).await.ok();
}

/// The conversation as the model is told it, without the house rules.
fn lines(messages: &[Message]) -> Vec<String> {
    messages[1..]
        .iter()
        .map(|message| match message {
            Message::System(_) => "system".to_owned(),
            Message::User(text) => format!("user: {}", text.expose()),
            Message::Assistant { text, tool_calls } => tool_calls
                .iter()
                .fold(format!("agent: {}", text.expose()), |line, call| {
                    format!("{line} [{}]", call.name)
                }),
            Message::Tool { content, .. } => format!("tool: {}", content.expose()),
        })
        .collect()
}

fn toolbox(took: Duration) -> Toolbox {
    Toolbox {
        specs: Vec::new(),
        is_mutating: Arc::new(|name| name == "book"),
        run: Arc::new(move |request, _, _| {
            Box::pin(async move {
                sleep(took).await;
                ToolOutcome {
                    id: request.id,
                    content: Phi::new(json!({ "done": request.name })),
                    status: ToolStatus::Done,
                    effect: None,
                    took,
                }
            })
        }),
    }
}

fn save(script: fn(usize) -> (u64, Result<(), SaveError>)) -> SaveSession {
    let written = AtomicUsize::new(0);
    Arc::new(move |_| {
        let (takes, result) = script(written.fetch_add(1, Ordering::Relaxed));
        Box::pin(async move {
            sleep(Duration::from_millis(takes)).await;
            result
        })
    })
}

fn transcript(text: &str, from: CallTime, to: CallTime) -> Transcript {
    let word = |text: &str| Word {
        text: Phi::new(text.to_owned()),
        start: from,
        end: to,
        confidence: 0.9,
    };
    Transcript {
        text: Phi::new(text.to_owned()),
        words: text.split(' ').map(word).collect(),
        is_final: true,
        speech_final: false,
        from_finalize: true,
    }
}

fn profile() -> TenantProfile {
    TenantProfile {
        id: TenantId::generate(),
        name: "Clinic".into(),
        time_zone: chrono_tz::UTC,
        greeting: "Hello, this is the clinic.".into(),
        instructions: String::new(),
        voice: None,
        fallback_number: None,
        transfer: None,
        max_concurrent_calls: 1,
        max_calls_per_minute: 1,
        procedures: std::collections::BTreeMap::default(),
        keyterms: Vec::new(),
        region: None,
        livekit_project: None,
    }
}
