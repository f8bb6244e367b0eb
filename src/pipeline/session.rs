//! The call's one task: waits for whatever comes next, lets the turn machine decide, does it.

mod answer;
mod beginning;
mod claim;
mod covered;
mod obey;
mod record;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::beginning::Beginning;
use self::record::Record;
use super::{
    clock::CallClock,
    context::{AgentEntry, Context},
    cover::{Cover, Wish},
    hearing::{Hearing, HearingEvent, VoiceActivity},
    journal::{Journal, SaveError, SaveSession},
    latency::LatencyMeter,
    prompt::{system_prompt, today},
    reply::ReplyRun,
    report::SessionReport,
    toolbox::{ToolRuns, Toolbox},
    turn::{EndReason, Input, Opening, TurnConfig, TurnMachine},
    voice::{OutFrame, Voice, VoiceInput},
};
use crate::{
    config::PipelineConfig,
    domain::{call_time::CallTime, conversation::Speaker, tenant::TenantProfile},
    media::frame::AudioFrame,
    providers::{
        ProviderError,
        llm::{LanguageModel, LlmEvent},
        stt::{SpeechToText, SttRequest},
        tts::{TextToSpeech, TtsRequest, TtsStream},
    },
    telemetry::metrics::Metrics,
    tools::outcome::ToolOutcome,
};

/// The vendor's own endpointing only backs up our `Finalize`, which voice detection sends about 200 ms after the last voice.
const VENDOR_ENDPOINTING: Duration = Duration::from_millis(300);

/// Sound on its way to the caller when the last word is played: network, jitter buffers, the phone leg.
const TAIL: Duration = Duration::from_millis(400);

/// What a conversation needs.
pub struct SessionDeps {
    /// Hears.
    pub stt: Arc<dyn SpeechToText>,
    /// Thinks; the chain of vendors with its fallbacks.
    pub llm: Arc<dyn LanguageModel>,
    /// Speaks.
    pub tts: Arc<dyn TextToSpeech>,
    /// Acts.
    pub toolbox: Toolbox,
    /// Writes through.
    pub save: SaveSession,
    /// Silences the agent while the network plays something to the caller.
    pub cover: Cover,
    /// The clinic.
    pub profile: Arc<TenantProfile>,
    /// Turn-taking.
    pub config: PipelineConfig,
    /// Longest wait for the caller to come on the line.
    pub ring_limit: Duration,
    /// Longest conversation.
    pub call_limit: Duration,
    /// Wall time of the call clock's zero.
    pub started_at: DateTime<Utc>,
    /// Owns what outlives the conversation: mutating tools.
    pub tasks: TaskTracker,
    /// Cancelled when the pod must stop: the caller is told.
    pub stop: CancellationToken,
    /// The catalogue.
    pub metrics: Arc<Metrics>,
}

/// What happens in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// The caller hears us.
    CallerActive,
    /// The caller's leg had vanished and is back.
    CallerBack,
    /// The caller hung up, or their leg has ended.
    CallerLeft,
    /// A key: `0`-`9`, `*`, `#`, `A`-`D`.
    Dtmf(char),
    /// The room is gone without our doing; the end of `events` means the same.
    RoomLost,
    /// A newer epoch owns the call: fall silent.
    Fenced,
    /// An heir is ready: leave the call to it as soon as nobody has the floor.
    Yield,
}

impl CallEvent {
    /// Whether the conversation does not go on here after it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::CallerLeft | Self::RoomLost | Self::Fenced)
    }
}

/// The room's side of the conversation. Frames are stamped by `clock`.
pub struct SessionIo {
    /// The caller's sound.
    pub audio_in: mpsc::Receiver<AudioFrame>,
    /// The agent's sound; must be taken at once, so a capacity of 16 is plenty.
    pub audio_out: mpsc::Sender<OutFrame>,
    /// What happens.
    pub events: mpsc::Receiver<CallEvent>,
    /// The call's clock.
    pub clock: CallClock,
}

/// A conversation whose vendors are connected: publish the track (which answers the phone), then run it.
pub struct WarmSession {
    deps: SessionDeps,
    pub(super) hearing: Hearing,
    tts: TtsStream,
}

/// Opens the recogniser and the synthesiser.
///
/// # Errors
/// [`ProviderError`] of the one that cannot be opened: the call should go back to the queue or to its fallback, unanswered.
pub async fn warm(deps: SessionDeps, vad: VoiceActivity) -> Result<WarmSession, ProviderError> {
    let (stt, tts) = tokio::try_join!(
        deps.stt.open(stt_request(&deps.profile)),
        deps.tts.open(tts_request(&deps.profile))
    )?;
    let hearing = Hearing::new(
        Arc::clone(&deps.stt),
        stt_request(&deps.profile),
        stt,
        vad,
        Arc::clone(&deps.metrics),
    );
    Ok(WarmSession { deps, hearing, tts })
}

fn stt_request(profile: &TenantProfile) -> SttRequest {
    SttRequest {
        keyterms: profile.keyterms.clone(),
        endpointing: VENDOR_ENDPOINTING,
    }
}

fn tts_request(profile: &TenantProfile) -> TtsRequest {
    TtsRequest {
        voice: profile.voice.clone(),
    }
}

impl WarmSession {
    /// Holds the conversation to its end, and waits for mutating tools that still run.
    pub async fn run(self, io: SessionIo, beginning: Beginning) -> SessionReport {
        let mut session = Session::new(self, io, beginning);
        let why = session.converse().await;
        session.finish(why).await
    }
}

/// The running conversation.
struct Session {
    clock: CallClock,
    turn: TurnMachine,
    hearing: Hearing,
    voice: Voice,
    llm: Arc<dyn LanguageModel>,
    runs: ToolRuns,
    reply: Option<ReplyRun>,
    /// Replies that broke off but are still being heard.
    fading: Vec<ReplyRun>,
    /// What an earlier pod's reply had asked its tools for, without an answer.
    unfinished: Vec<AgentEntry>,
    /// The caller was told that we lost them, and has not spoken since.
    is_resuming: bool,
    started_at: DateTime<Utc>,
    context: Context,
    /// The clinic's date of which the prompt speaks.
    prompt_day: NaiveDate,
    record: Record,
    latency: LatencyMeter,
    journal: Journal,
    cover: Cover,
    wishes: watch::Receiver<Wish>,
    profile: Arc<TenantProfile>,
    max_tool_steps: u32,
    inputs: VecDeque<Input>,
    audio_in: mpsc::Receiver<AudioFrame>,
    is_audio_over: bool,
    events: mpsc::Receiver<CallEvent>,
    stop: CancellationToken,
    is_stopping: bool,
    is_yielding: bool,
    ended: Option<EndReason>,
    metrics: Arc<Metrics>,
}

/// Whatever came next.
#[expect(
    clippy::large_enum_variant,
    reason = "one lives at a time, on the stack; a box would be an allocation for each of 50 frames a second"
)]
enum Event {
    Tick,
    Cover,
    Stop,
    Call(CallEvent),
    Frame(Option<AudioFrame>),
    Hearing(HearingEvent),
    Llm(LlmEvent),
    Voice(VoiceInput),
    Tool(u32, Option<ToolOutcome>),
    Saved(Result<(), SaveError>),
}

impl Session {
    fn new(warm: WarmSession, io: SessionIo, beginning: Beginning) -> Self {
        let WarmSession { deps, hearing, tts } = warm;
        let now = io.clock.now();
        let wall_clock = deps.started_at + now.since_start();
        let (opening, mut restored, inputs) = beginning.into_parts();
        let unfinished = restored.take_unfinished();
        let config = TurnConfig::new(&deps.config, deps.ring_limit, deps.call_limit);
        let mut turn = TurnMachine::new(now, config, opening, restored.turns);
        let last_words = restored
            .utterances
            .iter()
            .rfind(|u| u.speaker == Speaker::Agent);
        last_words.inspect(|said| turn.remember(&said.text));
        let metrics = deps.metrics;
        let budget = Duration::from_millis(deps.config.session_write_budget_ms);
        Self {
            clock: io.clock,
            turn,
            hearing,
            voice: Voice::new(now, deps.tts, tts_request(&deps.profile), tts, io.audio_out),
            llm: deps.llm,
            runs: ToolRuns::new(
                deps.toolbox,
                deps.tasks,
                restored.traces,
                Arc::clone(&metrics),
            ),
            reply: None,
            fading: Vec::new(),
            context: Context::new(
                system_prompt(&deps.profile, deps.started_at, wall_clock),
                restored.entries,
            ),
            prompt_day: today(&deps.profile, wall_clock),
            record: Record::new(restored.turns, restored.utterances).with_unknown(restored.unknown),
            unfinished,
            is_resuming: opening == Opening::Apology,
            started_at: deps.started_at,
            latency: LatencyMeter::resumed(restored.latencies),
            journal: Journal::new(deps.save, budget, Arc::clone(&metrics)),
            wishes: deps.cover.wishes(),
            cover: deps.cover,
            profile: deps.profile,
            max_tool_steps: deps.config.max_tool_steps,
            inputs: inputs.into(),
            audio_in: io.audio_in,
            is_audio_over: false,
            events: io.events,
            stop: deps.stop,
            is_stopping: false,
            is_yielding: false,
            ended: None,
            metrics,
        }
    }

    async fn converse(&mut self) -> EndReason {
        loop {
            let now = self.clock.now();
            self.settle(now);
            if let Some(why) = self.ended {
                return why;
            }
            let event = self.next_event().await;
            self.take(self.clock.now(), event);
        }
    }

    /// Cancel-safe: what is not taken stays where it is.
    async fn next_event(&mut self) -> Event {
        let wake = self.clock.instant(self.deadline());
        tokio::select! {
            biased;
            event = self.events.recv() => Event::Call(event.unwrap_or(CallEvent::RoomLost)),
            () = self.stop.cancelled(), if !self.is_stopping => Event::Stop,
            () = sleep_until(wake) => Event::Tick,
            // The sender lives as long as `self.cover`.
            Ok(()) = self.wishes.changed() => Event::Cover,
            event = self.hearing.next() => Event::Hearing(event),
            frame = self.audio_in.recv(), if !self.is_audio_over => Event::Frame(frame),
            result = self.journal.next() => Event::Saved(result),
            event = next_of_model(&mut self.reply) => Event::Llm(event),
            input = self.voice.next() => Event::Voice(input),
            (run, outcome) = self.runs.next() => Event::Tool(run, outcome),
        }
    }

    fn deadline(&self) -> CallTime {
        let timers = [self.turn.deadline(), self.journal.deadline()];
        timers
            .into_iter()
            .flatten()
            .fold(self.voice.deadline(), CallTime::min)
    }

    fn take(&mut self, now: CallTime, event: Event) {
        match event {
            Event::Tick => self.inputs.push_back(Input::Timeout),
            Event::Cover => {}
            Event::Stop => {
                self.is_stopping = true;
                self.inputs.push_back(Input::Stop);
            }
            Event::Call(event) => self.call_event(now, event),
            Event::Frame(Some(frame)) => self.hearing.frame(frame),
            Event::Frame(None) => self.is_audio_over = true,
            Event::Hearing(event) => {
                let input = self.hearing.handle(now, event);
                self.record.hears(input.as_ref());
                self.inputs.extend(input);
            }
            Event::Llm(event) => self.model_event(now, event),
            Event::Voice(input) => self.voice.handle(now, input),
            Event::Tool(run, outcome) => self.tool_ended(now, run, outcome),
            Event::Saved(result) => {
                if self.journal.ended(now, result) {
                    self.inputs.push_back(Input::Lost(EndReason::Fenced));
                }
            }
        }
    }

    fn call_event(&mut self, now: CallTime, event: CallEvent) {
        self.inputs.push_back(match event {
            CallEvent::CallerActive => {
                self.record.answered(now);
                Input::CallerActive
            }
            CallEvent::CallerBack => Input::CallerBack,
            CallEvent::CallerLeft => Input::CallerLeft,
            CallEvent::Dtmf(key) => Input::Dtmf(key),
            CallEvent::RoomLost => Input::Lost(EndReason::RoomLost),
            CallEvent::Fenced => Input::Lost(EndReason::Fenced),
            CallEvent::Yield => {
                self.is_yielding = true;
                return;
            }
        });
    }

    /// Does all that can be done now.
    fn settle(&mut self, now: CallTime) {
        self.journal.tick(now);
        loop {
            let late = self.voice.pump(now);
            late.inspect(|late| self.metrics.vitals().frame_sent(*late));
            self.voice_events(now);
            while let Some(input) = self.inputs.pop_front() {
                self.turn.handle_input(now, input);
                self.obey(now);
            }
            self.advance_reply(now);
            self.heed_cover(now);
            self.yield_if_quiet();
            if self.inputs.is_empty() || self.ended.is_some() {
                return;
            }
        }
    }

    /// Between two turns, with nothing under way and all of it saved, the call passes to its heir.
    fn yield_if_quiet(&mut self) {
        let is_quiet = self.inputs.is_empty()
            && self.turn.is_quiet()
            && self.reply.is_none()
            && !self.runs.is_any_running()
            && self.journal.is_idle()
            && !self.journal.is_unreplicated();
        if self.is_yielding && is_quiet && self.ended.is_none() {
            tracing::info!("the call is left to its heir");
            self.ended = Some(EndReason::HandedOver);
        }
    }

    /// Lets the last words arrive, waits for what may not be cancelled, and reports.
    async fn finish(mut self, why: EndReason) -> SessionReport {
        if !matches!(
            why,
            EndReason::CallerLeft
                | EndReason::NeverCame
                | EndReason::RoomLost
                | EndReason::Fenced
                | EndReason::HandedOver
        ) {
            self.play_tail().await;
        }
        let now = self.clock.now();
        self.abandon_reply(now);
        self.stop_voice(now);
        self.hearing.close();
        self.voice.close();
        // Nothing more is said: whoever waits for the last words need not.
        self.cover.is_silent(true);
        while self.runs.is_mutation_running() {
            let (run, outcome) = self.runs.next().await;
            self.tool_ended(self.clock.now(), run, outcome);
        }
        if why != EndReason::Fenced {
            self.save_last().await;
        }
        self.into_report(why)
    }

    /// A write that is under way goes on meanwhile: one that nobody polls would look late.
    async fn play_tail(&mut self) {
        let end = self.clock.now() + TAIL;
        while self.clock.now() < end {
            self.voice.pump(self.clock.now());
            let wake = self.clock.instant(self.voice.deadline().min(end));
            tokio::select! {
                () = sleep_until(wake) => {}
                result = self.journal.next() => {
                    self.journal.ended(self.clock.now(), result);
                }
            }
        }
    }

    async fn save_last(&mut self) {
        self.save(self.clock.now());
        while !self.journal.is_idle() && self.journal.deadline().is_some() {
            let due = self.journal.deadline().unwrap_or_default();
            tokio::select! {
                result = self.journal.next() => {
                    self.journal.ended(self.clock.now(), result);
                }
                () = sleep_until(self.clock.instant(due)) => self.journal.tick(self.clock.now()),
            }
        }
    }
}

async fn next_of_model(reply: &mut Option<ReplyRun>) -> LlmEvent {
    match reply {
        Some(reply) => reply.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
