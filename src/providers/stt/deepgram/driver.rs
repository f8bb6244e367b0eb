//! The task of one recogniser stream.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{
    batch::Batch,
    clock::StreamClock,
    wire::{self, Heard},
};
use crate::{
    media::frame::{AudioFrame, PTIME},
    providers::{
        Fault, ProviderError, Vendor,
        outbox::Outbox,
        socket::{Incoming, Socket},
        stt::{SttEvent, SttInput},
    },
    telemetry::{
        labels::{CallResult, ProviderKind},
        metrics::Metrics,
    },
};

/// Deepgram closes after 10 s without sound or this message.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// How long the last results may take after `CloseStream`.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Joins a call's channels to the socket. While the call does not read, the socket is not read either, but the call's sound and
/// orders still go out.
pub(super) struct Driver {
    socket: Socket,
    input: mpsc::Receiver<SttInput>,
    outbox: Outbox<SttEvent>,
    clock: StreamClock,
    batch: Batch,
    last_sent: Instant,
    /// Sound sent since the last result.
    unheard: Duration,
    stall: Duration,
    finalize_sent: Option<Instant>,
    metrics: Arc<Metrics>,
}

/// Why the driver's loop ended without an error.
enum End {
    /// The call is over: the rest is wanted.
    Asked,
    /// Nobody reads the events any more.
    Deserted,
}

impl Driver {
    pub(super) fn new(
        socket: Socket,
        input: mpsc::Receiver<SttInput>,
        events: mpsc::Sender<SttEvent>,
        stall: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            socket,
            input,
            outbox: Outbox::new(events),
            clock: StreamClock::default(),
            batch: Batch::new(),
            last_sent: Instant::now(),
            unheard: Duration::ZERO,
            stall,
            finalize_sent: None,
            metrics,
        }
    }

    pub(super) async fn run(mut self) {
        let result = match self.drive().await {
            Ok(end) => self.finish(&end).await,
            Err(e) => Err(e),
        };
        let label = CallResult(result.as_ref().map(drop).map_err(|e| e.fault));
        self.metrics
            .provider_call(ProviderKind::Stt, Vendor::Deepgram, label);
        self.outbox.push(SttEvent::Closed(result));
        if self.outbox.deliver_all().await.is_err() {
            tracing::debug!("recogniser closed after its call");
        }
    }

    async fn drive(&mut self) -> Result<End, ProviderError> {
        loop {
            let timer = self.next_timer();
            let reading = self.outbox.is_empty();
            tokio::select! {
                delivered = self.outbox.deliver_one(), if !reading => if delivered.is_err() {
                    return Ok(End::Deserted);
                },
                input = self.input.recv() => match input {
                    Some(SttInput::Audio(frame)) => self.audio(&frame).await?,
                    Some(SttInput::Finalize) => self.finalize().await?,
                    Some(SttInput::Close) | None => return Ok(End::Asked),
                },
                message = self.socket.next(), if reading => self.message(message?)?,
                () = sleep_until(timer) => self.timer().await?,
            }
        }
    }

    async fn audio(&mut self, frame: &AudioFrame) -> Result<(), ProviderError> {
        self.clock.frame(frame.at);
        self.unheard += PTIME;
        if self.unheard > self.stall {
            return Err(ProviderError::new(Vendor::Deepgram, Fault::Timeout));
        }
        match self.batch.push(frame, Instant::now()) {
            Some(message) => self.send_sound(message).await,
            None => Ok(()),
        }
    }

    async fn send_sound(&mut self, sound: bytes::Bytes) -> Result<(), ProviderError> {
        self.last_sent = Instant::now();
        self.socket.binary(sound).await
    }

    async fn flush(&mut self) -> Result<(), ProviderError> {
        let rest = self.batch.take();
        self.send_sound(rest).await
    }

    async fn finalize(&mut self) -> Result<(), ProviderError> {
        self.flush().await?;
        self.finalize_sent = Some(Instant::now());
        self.socket.text(wire::FINALIZE).await
    }

    fn next_timer(&self) -> Instant {
        let keep_alive = self.last_sent + KEEP_ALIVE;
        self.batch
            .due()
            .map_or(keep_alive, |due| due.min(keep_alive))
    }

    async fn timer(&mut self) -> Result<(), ProviderError> {
        if self.batch.due().is_some_and(|due| due <= Instant::now()) {
            return self.flush().await;
        }
        self.last_sent = Instant::now();
        self.socket.text(wire::KEEP_ALIVE).await
    }

    fn message(&mut self, message: Incoming) -> Result<(), ProviderError> {
        match message {
            Incoming::Text(text) => self.heard(text.as_str()),
            Incoming::Binary(_) => Err(self.socket.nonsense("sound from a recogniser")),
            Incoming::Closed(code) => Err(self.socket.closed(code)),
        }
    }

    fn heard(&mut self, text: &str) -> Result<(), ProviderError> {
        // The parser's error quotes the text, so it is not kept.
        let Ok(heard) = serde_json::from_str(text) else {
            return Err(self.socket.nonsense("unreadable message"));
        };
        match heard {
            Heard::Results(results) => {
                self.unheard = Duration::ZERO;
                self.note_final(results.from_finalize);
                let transcript = results.into_transcript(&mut self.clock);
                self.outbox.push(SttEvent::Transcript(transcript));
            }
            Heard::SpeechStarted => self.outbox.push(SttEvent::SpeechStarted),
            Heard::UtteranceEnd(gap) => self.outbox.push(SttEvent::UtteranceEnd {
                last_word_end: gap.last_word_end(&self.clock),
            }),
            Heard::Error => {
                return Err(ProviderError::new(Vendor::Deepgram, Fault::Unavailable));
            }
            Heard::Metadata | Heard::Other => {}
        }
        Ok(())
    }

    fn note_final(&mut self, from_finalize: bool) {
        if let Some(sent) = self.finalize_sent.take_if(|_| from_finalize) {
            let took = sent.elapsed();
            self.metrics
                .provider_latency(ProviderKind::Stt, Vendor::Deepgram, took);
        }
    }

    /// Asks for the rest and waits for it, a little. A vendor that is late now does no harm: the stream ends well.
    async fn finish(&mut self, end: &End) -> Result<(), ProviderError> {
        self.input.close();
        self.flush().await?;
        self.socket.text(wire::CLOSE_STREAM).await?;
        match timeout(CLOSE_GRACE, self.rest(end)).await {
            Ok(Err(e)) if e.fault != Fault::Unavailable => Err(e),
            _ => Ok(()),
        }
    }

    async fn rest(&mut self, end: &End) -> Result<(), ProviderError> {
        loop {
            match self.socket.next().await? {
                Incoming::Closed(_) => return Ok(()),
                message => self.message(message)?,
            }
            match end {
                End::Deserted => self.outbox.retain(|_| false),
                End::Asked if self.outbox.deliver_all().await.is_err() => return Ok(()),
                End::Asked => {}
            }
        }
    }
}
