//! The task of one synthesiser stream.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{
    flushes::Flushes,
    pcm::PcmJoiner,
    wire::{self, Said, Speak},
};
use crate::{
    providers::{
        Fault, ProviderError, Vendor,
        outbox::Outbox,
        socket::{Incoming, Socket},
        tts::{TtsEvent, TtsInput},
    },
    telemetry::{
        labels::{CallResult, ProviderKind},
        metrics::Metrics,
    },
};

/// An abandoned socket keeps its concurrency slot for a while, so the vendor's close is waited for; not for long.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Joins a call's channels to the socket. While the call does not read its sound, the socket is not read either (the vendor
/// waits), but a `Clear` gets through at once and takes the waiting sound with it.
pub(super) struct Driver {
    socket: Socket,
    input: mpsc::Receiver<TtsInput>,
    outbox: Outbox<TtsEvent>,
    pcm: PcmJoiner,
    flushes: Flushes,
    /// `Clear`s that the vendor has not confirmed: until then what comes is old.
    clearing: u32,
    /// Text that no flush has covered.
    unflushed: bool,
    /// When the first text of an utterance went out, until its first sound.
    spoken: Option<Instant>,
    /// Since when the vendor has owed us something without sending anything.
    silent_since: Instant,
    patience: Duration,
    metrics: Arc<Metrics>,
}

impl Driver {
    pub(super) fn new(
        socket: Socket,
        input: mpsc::Receiver<TtsInput>,
        events: mpsc::Sender<TtsEvent>,
        patience: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            socket,
            input,
            outbox: Outbox::new(events),
            pcm: PcmJoiner::default(),
            flushes: Flushes::default(),
            clearing: 0,
            unflushed: false,
            spoken: None,
            silent_since: Instant::now(),
            patience,
            metrics,
        }
    }

    pub(super) async fn run(mut self) {
        let result = match self.drive().await {
            Ok(()) => self.finish().await,
            Err(e) => Err(e),
        };
        let label = CallResult(result.as_ref().map(drop).map_err(|e| e.fault));
        self.metrics
            .provider_call(ProviderKind::Tts, Vendor::Deepgram, label);
        self.outbox.push(TtsEvent::Closed(result));
        if self.outbox.deliver_all().await.is_err() {
            tracing::debug!("synthesiser closed after its call");
        }
    }

    /// Until the call is over, or nobody reads the sound any more.
    async fn drive(&mut self) -> Result<(), ProviderError> {
        loop {
            let overdue = self.silent_since + self.patience;
            let reading = self.outbox.is_empty();
            let owed = self.clearing > 0 || self.flushes.any_owed();
            tokio::select! {
                // An order to be silent goes before the sound that it concerns.
                biased;
                input = self.input.recv() => match input {
                    Some(TtsInput::Speak(text)) => self.speak(text.expose()).await?,
                    Some(TtsInput::Flush) => self.flush().await?,
                    Some(TtsInput::Clear) => self.clear().await?,
                    Some(TtsInput::Close) | None => return Ok(()),
                },
                delivered = self.outbox.deliver_one(), if !reading => {
                    if delivered.is_err() {
                        return Ok(());
                    }
                    self.silent_since = Instant::now();
                }
                message = self.socket.next(), if reading => self.message(message?)?,
                () = sleep_until(overdue), if reading && owed => {
                    return Err(ProviderError::new(Vendor::Deepgram, Fault::Timeout));
                }
            }
        }
    }

    async fn speak(&mut self, text: &str) -> Result<(), ProviderError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let message = serde_json::to_string(&Speak { text })
            .map_err(|e| ProviderError::new(Vendor::Deepgram, Fault::BadRequest).because(e))?;
        self.unflushed = true;
        self.spoken.get_or_insert_with(Instant::now);
        self.socket.text(message).await
    }

    async fn flush(&mut self) -> Result<(), ProviderError> {
        if !self.unflushed {
            // The vendor does not promise an answer to a flush of nothing.
            if !self.flushes.join_last() {
                self.outbox.push(TtsEvent::Flushed);
            }
            return Ok(());
        }
        self.unflushed = false;
        self.silent_since = Instant::now();
        self.flushes.sent(Instant::now());
        self.socket.text(wire::FLUSH).await
    }

    async fn clear(&mut self) -> Result<(), ProviderError> {
        self.outbox
            .retain(|event| matches!(event, TtsEvent::Cleared));
        self.flushes.forget();
        self.unflushed = false;
        self.spoken = None;
        self.clearing += 1;
        self.silent_since = Instant::now();
        self.socket.text(wire::CLEAR).await
    }

    fn message(&mut self, message: Incoming) -> Result<(), ProviderError> {
        self.silent_since = Instant::now();
        match message {
            Incoming::Binary(_) if self.clearing > 0 => Ok(()),
            Incoming::Binary(sound) => {
                self.sound(&sound);
                Ok(())
            }
            Incoming::Text(text) => self.said(text.as_str()),
            Incoming::Closed(code) => Err(self.socket.closed(code)),
        }
    }

    fn sound(&mut self, bytes: &[u8]) {
        if let Some(spoken) = self.spoken.take() {
            let took = spoken.elapsed();
            self.metrics
                .provider_latency(ProviderKind::Tts, Vendor::Deepgram, took);
        }
        let samples = self.pcm.push(bytes);
        if !samples.is_empty() {
            self.outbox.push(TtsEvent::Audio(samples));
        }
    }

    fn said(&mut self, text: &str) -> Result<(), ProviderError> {
        // The parser's error quotes the text, so it is not kept.
        let Ok(said) = serde_json::from_str(text) else {
            return Err(self.socket.nonsense("unreadable message"));
        };
        match said {
            Said::Flushed if self.clearing == 0 => {
                self.pcm.reset();
                self.spoken = None;
                let orders = self.flushes.answered();
                (0..orders).for_each(|_| self.outbox.push(TtsEvent::Flushed));
            }
            Said::Cleared if self.clearing > 0 => {
                self.pcm.reset();
                self.clearing -= 1;
                self.outbox.push(TtsEvent::Cleared);
            }
            Said::Warning => return self.warned(),
            Said::Error => return Err(ProviderError::new(Vendor::Deepgram, Fault::Unavailable)),
            Said::Flushed | Said::Cleared | Said::Other => {}
        }
        Ok(())
    }

    /// Over the flush limit the vendor ignores flushes: a new stream speaks sooner than this one.
    fn warned(&self) -> Result<(), ProviderError> {
        let wait = self.flushes.over_limit(Instant::now());
        tracing::warn!(flush_limit = wait.is_some(), "synthesiser warned");
        match wait {
            Some(_) => Err(ProviderError::new(
                Vendor::Deepgram,
                Fault::RateLimited(wait),
            )),
            None => Ok(()),
        }
    }

    async fn finish(&mut self) -> Result<(), ProviderError> {
        self.input.close();
        self.outbox.retain(|_| false);
        self.socket.text(wire::CLOSE).await?;
        match timeout(CLOSE_GRACE, self.until_closed()).await {
            Ok(Err(e)) if e.fault != Fault::Unavailable => Err(e),
            _ => Ok(()),
        }
    }

    async fn until_closed(&mut self) -> Result<(), ProviderError> {
        while !matches!(self.socket.next().await?, Incoming::Closed(_)) {}
        Ok(())
    }
}
