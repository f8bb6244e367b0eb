//! The caller's sound on its way to the voice detector and the recogniser, and what they say about it.
//!
//! A recogniser that breaks is opened again, and hears again what the caller said since the last final transcript.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::mpsc::{self, error::TrySendError};

use super::turn::Input;
use crate::{
    domain::call_time::CallTime,
    media::{frame::AudioFrame, loudness::speech_end},
    providers::{
        BoxFuture, ProviderError,
        stt::{SpeechToText, SttEvent, SttInput, SttRequest, SttStream, Transcript},
        vad::{VadError, VadEvent},
    },
    telemetry::{labels::DropPoint, metrics::Metrics},
};

/// Sound kept for a recogniser that has to be opened again: ten seconds.
const KEPT_FRAMES: usize = 500;

/// Sound heard again before the first voiced frame: detection comes late.
const REPLAY_LEAD: Duration = Duration::from_millis(300);

/// Streams lost in a row, without a word understood between, after which the recogniser is given up.
const LOSS_LIMIT: u32 = 5;

/// One call's voice detection: frames in, edges of speech out.
pub struct VoiceActivity {
    /// Takes 20 ms without waiting.
    pub push: Box<dyn FnMut(&AudioFrame) + Send>,
    /// What it notices; an error is its end.
    pub events: mpsc::Receiver<Result<VadEvent, VadError>>,
}

/// See the module.
pub(super) struct Hearing {
    stt: Arc<dyn SpeechToText>,
    request: SttRequest,
    stream: Option<SttStream>,
    opening: Option<BoxFuture<'static, Result<SttStream, ProviderError>>>,
    losses: u32,
    vad: Option<VoiceActivity>,
    kept: VecDeque<AudioFrame>,
    speech_since: CallTime,
    /// From here on the recogniser owes a final transcript.
    owed_since: Option<CallTime>,
    /// Orders and sound that wait for room in the stream, oldest first.
    backlog: VecDeque<SttInput>,
    metrics: Arc<Metrics>,
}

/// What the senses delivered.
#[derive(Debug)]
pub(super) enum HearingEvent {
    Vad(Result<VadEvent, VadError>),
    Stt(SttEvent),
    Opened(Result<SttStream, ProviderError>),
}

impl Hearing {
    pub(super) fn new(
        stt: Arc<dyn SpeechToText>,
        request: SttRequest,
        stream: SttStream,
        vad: VoiceActivity,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            stt,
            request,
            stream: Some(stream),
            opening: None,
            losses: 0,
            vad: Some(vad),
            kept: VecDeque::with_capacity(KEPT_FRAMES),
            speech_since: CallTime::ZERO,
            owed_since: None,
            backlog: VecDeque::new(),
            metrics,
        }
    }

    /// 20 ms of the caller.
    pub(super) fn frame(&mut self, frame: AudioFrame) {
        if let Some(vad) = &mut self.vad {
            (vad.push)(&frame);
        }
        if self.kept.len() == KEPT_FRAMES {
            self.kept.pop_front();
        }
        self.kept.push_back(frame.clone());
        if self.stream.is_some() {
            self.send(SttInput::Audio(frame));
        }
    }

    /// Asks for the final transcript of what was sent so far.
    pub(super) fn finalize(&mut self) {
        if self.stream.is_some() {
            self.send(SttInput::Finalize);
        }
    }

    /// The call is over.
    pub(super) fn close(&mut self) {
        self.backlog.clear();
        self.opening = None;
        if let Some(stream) = self.stream.take()
            && stream.input.try_send(SttInput::Close).is_err()
        {
            tracing::debug!("the recogniser was busy or gone at the end");
        }
    }

    /// What comes next. Cancel-safe.
    pub(super) async fn next(&mut self) -> HearingEvent {
        tokio::select! {
            event = next_edge(&mut self.vad) => HearingEvent::Vad(event),
            event = next_transcript(&mut self.stream) => HearingEvent::Stt(event),
            stream = next_stream(&mut self.opening) => HearingEvent::Opened(stream),
        }
    }

    /// Books an event; returns what the turn machine has to know.
    pub(super) fn handle(&mut self, now: CallTime, event: HearingEvent) -> Option<Input> {
        match event {
            HearingEvent::Vad(Ok(VadEvent::SpeechStarted { at })) => {
                self.speech_since = at;
                self.owed_since.get_or_insert(at - REPLAY_LEAD);
                Some(Input::SpeechStarted { at })
            }
            HearingEvent::Vad(Ok(VadEvent::SpeechEnded { last_voiced })) => {
                // The ear's end of speech, not the detector's: waits and latencies count from it.
                let at = speech_end(self.kept.iter(), self.speech_since, last_voiced);
                Some(Input::SpeechEnded { at })
            }
            HearingEvent::Vad(Err(error)) => Some(self.vad_lost(now, &error)),
            HearingEvent::Stt(SttEvent::Transcript(transcript)) => {
                Some(self.understood(transcript))
            }
            HearingEvent::Stt(SttEvent::UtteranceEnd { last_word_end }) => {
                Some(Input::UtteranceEnd { last_word_end })
            }
            HearingEvent::Stt(SttEvent::SpeechStarted) => None,
            HearingEvent::Stt(SttEvent::Closed(result)) => Some(self.stt_lost(result)),
            HearingEvent::Opened(Ok(stream)) => Some(self.stt_opened(stream)),
            HearingEvent::Opened(Err(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the recogniser cannot be opened again"
                );
                Some(Input::SttDead)
            }
        }
    }

    /// Without voice detection the recogniser's words alone carry the conversation.
    fn vad_lost(&mut self, now: CallTime, error: &VadError) -> Input {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "voice detection is gone"
        );
        self.vad = None;
        Input::SpeechEnded { at: now }
    }

    fn understood(&mut self, transcript: Transcript) -> Input {
        if !transcript.text.expose().is_empty() {
            self.losses = 0;
        }
        if transcript.speech_final || transcript.from_finalize {
            self.owed_since = None;
        } else if transcript.is_final && self.owed_since.is_some() {
            self.owed_since = transcript.words.last().map(|w| w.end).or(self.owed_since);
        }
        Input::Transcript(transcript)
    }

    fn stt_lost(&mut self, result: Result<(), ProviderError>) -> Input {
        self.stream = None;
        self.backlog.clear();
        self.losses += 1;
        if let Err(error) = result {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                stt.losses = self.losses,
                "the recogniser broke"
            );
        }
        if self.losses > LOSS_LIMIT {
            return Input::SttDead;
        }
        let (stt, request) = (Arc::clone(&self.stt), self.request.clone());
        self.opening = Some(Box::pin(async move { stt.open(request).await }));
        Input::SttLost
    }

    fn stt_opened(&mut self, stream: SttStream) -> Input {
        self.stream = Some(stream);
        if let Some(since) = self.owed_since {
            let replayed: Vec<AudioFrame> = self
                .kept
                .iter()
                .filter(|f| f.at >= since)
                .cloned()
                .collect();
            tracing::info!(
                stt.replayed_frames = replayed.len(),
                "the recogniser is back"
            );
            for frame in replayed {
                self.send(SttInput::Audio(frame));
            }
        }
        Input::SttRestored
    }

    /// Sends in order. A replay may fill the stream: then the rest waits. Sound that has nothing to wait behind is dropped and counted.
    fn send(&mut self, input: SttInput) {
        self.backlog.push_back(input);
        self.drain_backlog();
        if self.backlog.len() > KEPT_FRAMES {
            self.backlog.pop_front();
            self.metrics.dropped(DropPoint::Stt);
        }
    }

    fn drain_backlog(&mut self) {
        let Some(stream) = &self.stream else { return };
        while let Some(input) = self.backlog.pop_front() {
            match stream.input.try_send(input) {
                Ok(()) => {}
                Err(TrySendError::Full(input)) => return self.backlog.push_front(input),
                // Its event says why.
                Err(TrySendError::Closed(_)) => return self.backlog.clear(),
            }
        }
    }
}

async fn next_edge(vad: &mut Option<VoiceActivity>) -> Result<VadEvent, VadError> {
    match vad {
        Some(vad) => vad.events.recv().await.unwrap_or(Err(VadError::Stopped)),
        None => std::future::pending().await,
    }
}

async fn next_transcript(stream: &mut Option<SttStream>) -> SttEvent {
    match stream {
        Some(stream) => stream
            .events
            .recv()
            .await
            .unwrap_or(SttEvent::Closed(Ok(()))),
        None => std::future::pending().await,
    }
}

async fn next_stream(
    opening: &mut Option<BoxFuture<'static, Result<SttStream, ProviderError>>>,
) -> Result<SttStream, ProviderError> {
    match opening {
        Some(future) => {
            let stream = future.await;
            *opening = None;
            stream
        }
        None => std::future::pending().await,
    }
}
