//! One conversation: the real session between the hostile vendors, the real tools, and the script's caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use chrono::Utc;
use loadtest::{sim::hostile::Line, stack::workspace_root};
use neurality::{
    config::{EndpointingConfig, LlmVendor, PipelineConfig, ProvidersConfig, Secret},
    pipeline::{
        clock::CallClock,
        cover::Cover,
        hearing::VoiceActivity,
        report::SessionReport,
        session::{self, Beginning, SessionDeps, SessionIo},
        toolbox::Toolbox,
        voice::OutFrame,
    },
    providers::Providers,
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    caller::{Phone, script},
    cast::Cast,
    world::World,
};
use crate::support::TestCall;

/// Longest conversation that is configured.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Beyond it the last words (20 s), a tool (30 s) and a full machine.
const PATIENCE: Duration = Duration::from_secs(75);

/// What is left of a conversation.
pub(super) struct Conversation {
    pub(super) cast: Cast,
    pub(super) call: String,
    pub(super) line: Arc<Line>,
    /// Wall time of the call clock's zero.
    pub(super) began: SystemTime,
    /// Why there is none, if there is none.
    pub(super) report: Result<SessionReport, String>,
}

/// Holds the conversation of a seed to its end.
pub(super) async fn hold(world: &World, seed: u64) -> Conversation {
    let cast = Cast::of(world, seed).await;
    let line = world.vendors.enrol(cast.role.clone());
    let call = world.rig.call(&cast.phone);
    let tasks = TaskTracker::new();
    let began = now().into();
    let clock = CallClock::new(Instant::now());
    let report = converse(world, &cast, &call, &line, &tasks, clock).await;
    tasks.close();
    if timeout(Duration::from_secs(10), tasks.wait())
        .await
        .is_err()
    {
        eprintln!(
            "seed {seed}: {} tasks outlived the conversation",
            tasks.len()
        );
    }
    world.vendors.dismiss(seed);
    Conversation {
        cast,
        call: call.id.to_string(),
        line,
        began,
        report,
    }
}

async fn converse(
    world: &World,
    cast: &Cast,
    call: &TestCall,
    line: &Arc<Line>,
    tasks: &TaskTracker,
    clock: CallClock,
) -> Result<SessionReport, String> {
    let (voice, vad_events) = mpsc::channel(16);
    let vad = VoiceActivity {
        push: Box::new(|_| {}),
        events: vad_events,
    };
    let deps = deps(world, cast, call, tasks);
    let warm = session::warm(deps, vad)
        .await
        .map_err(|e| format!("warm: {e}"))?;
    // No sound comes from the caller: their voice and words are given to the session directly.
    let (_sound, audio_in) = mpsc::channel(1);
    let (audio_out, frames) = mpsc::channel(16);
    let (events, seen) = mpsc::channel(32);
    let heard_ms = Arc::new(AtomicU64::new(0));
    tasks.spawn(listen(clock, frames, Arc::clone(&heard_ms)));
    let io = SessionIo {
        audio_in,
        audio_out,
        events: seen,
        clock,
    };
    let session = tasks.spawn(warm.run(io, Beginning::New));
    let phone = Phone {
        clock,
        line: Arc::clone(line),
        events,
        voice,
        heard_ms,
    };
    let abort = session.abort_handle();
    let held = timeout(PATIENCE, async {
        tokio::join!(session, phone.follow(script(cast))).0
    });
    let Ok(ended) = held.await else {
        abort.abort();
        return Err("it does not end".to_owned());
    };
    ended.map_err(|e| format!("the session's task failed: {e}"))
}

/// The agent's sound, as far as the caller cares.
async fn listen(clock: CallClock, mut frames: mpsc::Receiver<OutFrame>, heard_ms: Arc<AtomicU64>) {
    while let Some(frame) = frames.recv().await {
        if matches!(&frame, OutFrame::Sound(frame) if frame.samples[0] != 0) {
            heard_ms.store(clock.now().as_millis(), Ordering::Relaxed);
        }
    }
}

fn deps(world: &World, cast: &Cast, call: &TestCall, tasks: &TaskTracker) -> SessionDeps {
    let config = providers_config(world, cast.role.seed);
    // One set for each conversation: what a vendor did to one must not pause it for another.
    let providers = Providers::build(&config, 1, tasks, &world.metrics).expect("providers");
    SessionDeps {
        stt: providers.stt,
        llm: providers.llm,
        tts: providers.tts,
        toolbox: toolbox(call),
        save: Arc::new(|_| Box::pin(async { Ok(()) })),
        cover: Cover::default(),
        profile: Arc::clone(&world.rig.dental.profile),
        config: pipeline_config(),
        ring_limit: Duration::from_secs(2),
        call_limit: CALL_LIMIT,
        started_at: now(),
        tasks: tasks.clone(),
        stop: CancellationToken::new(),
        metrics: Arc::clone(&world.metrics),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge of the test: here time enters"
)]
fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}

/// As in production, in a fifth of the time.
fn pipeline_config() -> PipelineConfig {
    PipelineConfig {
        endpointing: EndpointingConfig {
            min_delay_ms: 80,
            max_delay_ms: 500,
        },
        barge_in_min_speech_ms: 60,
        caller_away_ms: 1_500,
        filler_after_ms: 400,
        ..PipelineConfig::default()
    }
}

fn providers_config(world: &World, seed: u64) -> ProvidersConfig {
    let addr = world.vendors.addr();
    let url = |text: String| text.parse().expect("url");
    let tools = workspace_root().join("target/tools");
    let mut config = ProvidersConfig {
        onnxruntime: tools.join("onnx/libonnxruntime.so"),
        silero_model: tools.join("models/silero_vad.onnx"),
        llm_first_token_timeout_ms: 1_000,
        llm_total_timeout_ms: 2_000,
        ..ProvidersConfig::default()
    };
    if seed.is_multiple_of(2) {
        config.llm.push(LlmVendor::Azure);
    }
    config.deepgram.base_url = url(format!("ws://{addr}/{seed}"));
    config.openai.base_url = url(format!("http://{addr}/{seed}/v1/"));
    config.azure.base_url = url(format!("http://{addr}/{seed}"));
    for key in [
        &mut config.deepgram.api_key,
        &mut config.openai.api_key,
        &mut config.azure.api_key,
    ] {
        *key = Secret::new("key");
    }
    config
}

fn toolbox(call: &TestCall) -> Toolbox {
    let [set, mutating, closing, step] = std::array::from_fn(|_| call.tools.clone());
    Toolbox {
        specs: set.specs(),
        is_mutating: Arc::new(move |name| mutating.is_mutating(name)),
        is_closing: Arc::new(move |name| closing.is_closing(name)),
        run: Arc::new(move |request, turn, at| {
            let set = set.clone();
            Box::pin(async move { set.run(request, turn, at).await })
        }),
        run_step: Arc::new(move |requests, turn, at| {
            let set = step.clone();
            Box::pin(async move { set.run_step(requests, turn, at).await })
        }),
    }
}
