//! The task of one reply: reads the body, delivers the pieces.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{ChatClient, Deployment, StreamReader, failure};
use crate::{
    providers::{
        Fault, ProviderError, Vendor,
        llm::{Finish, LlmEvent},
        transport::TransportError,
    },
    telemetry::{
        labels::{CallResult, ProviderKind},
        metrics::Metrics,
    },
};

/// After the last piece the usage and the end of the body follow; read, they leave the connection fit for the next request.
const TAIL: Duration = Duration::from_millis(500);
/// Silence after a reason to end that may not have been one: some servers say it in every chunk.
const SETTLING: Duration = Duration::from_millis(250);

pub(super) struct Driver {
    vendor: Vendor,
    answer: reqwest::Response,
    events: mpsc::Sender<LlmEvent>,
    reader: StreamReader,
    /// What the reply is worth so far: nothing, until it has a word or a call.
    worth: Result<(), Fault>,
    deployment: Arc<Deployment>,
    started: Instant,
    deadline: Instant,
    patience: Duration,
    metrics: Arc<Metrics>,
}

/// What the body brings next.
enum Next {
    Chunk(Bytes),
    BodyEnded,
    /// Nothing more, and nothing is missing.
    Settled,
    Cancelled,
}

/// How reading ended, if not by a fault.
enum End {
    Complete,
    /// The stream was dropped: barge-in, or the call is over.
    Cancelled,
}

impl Driver {
    pub(super) fn new(
        client: &ChatClient,
        answer: reqwest::Response,
        reader: StreamReader,
        events: mpsc::Sender<LlmEvent>,
        started: Instant,
    ) -> Self {
        let patience = client.shared.patience;
        Self {
            vendor: client.vendor,
            answer,
            events,
            reader,
            worth: Err(Fault::Empty),
            deployment: Arc::clone(&client.deployment),
            started,
            deadline: started + patience,
            patience,
            metrics: Arc::clone(&client.shared.metrics),
        }
    }

    pub(super) async fn run(mut self) {
        let result = self.read().await;
        self.note_usage();
        let count = |result| {
            self.metrics
                .provider_call(ProviderKind::Llm, self.vendor, CallResult(result));
        };
        match result {
            Ok(End::Complete) => count(self.worth),
            Ok(End::Cancelled) => tracing::debug!("reply cancelled"),
            Err(e) => {
                count(Err(e.fault));
                if self.events.send(LlmEvent::Failed(e)).await.is_err() {
                    tracing::debug!("reply failed after it was dropped");
                }
            }
        }
    }

    async fn read(&mut self) -> Result<End, ProviderError> {
        let mut ready = Vec::new();
        loop {
            let next = self.next_chunk().await?;
            let is_over = matches!(next, Next::BodyEnded | Next::Settled);
            let result = match next {
                Next::Chunk(chunk) => self.take(&chunk, &mut ready),
                Next::Settled => self.reader.settle(&mut ready),
                Next::BodyEnded => self.reader.close(&mut ready),
                Next::Cancelled => return Ok(End::Cancelled),
            };
            for event in ready.drain(..) {
                self.weigh(&event);
                if self.events.send(event).await.is_err() {
                    return Ok(End::Cancelled);
                }
            }
            match result {
                Ok(()) if is_over || self.reader.has_ended() => return Ok(End::Complete),
                Ok(()) => {}
                Err(fault) => return Err(self.failure(fault, is_over)),
            }
        }
    }

    fn weigh(&mut self, event: &LlmEvent) {
        match event {
            LlmEvent::Text(text) if text.expose().chars().any(char::is_alphanumeric) => {
                self.worth = Ok(());
            }
            LlmEvent::ToolCall(_) => self.worth = Ok(()),
            LlmEvent::Done(Finish::Filtered) => self.worth = Err(Fault::Filtered),
            LlmEvent::Text(_) | LlmEvent::Done(_) | LlmEvent::Failed(_) => {}
        }
    }

    fn failure(&self, fault: Fault, is_over: bool) -> ProviderError {
        let error = ProviderError::new(self.vendor, fault);
        if is_over && fault == Fault::Unavailable {
            return error.because(TransportError::Ended);
        }
        error
    }

    async fn next_chunk(&mut self) -> Result<Next, ProviderError> {
        let (done, ending) = (self.reader.is_done(), self.reader.is_ending());
        let chunk = tokio::select! {
            chunk = timeout_at(self.deadline, self.answer.chunk()) => chunk,
            () = self.events.closed(), if !done => return Ok(Next::Cancelled),
        };
        match chunk {
            // The reply is complete; only its tail is missing.
            Err(_) | Ok(Err(_)) if done || ending => Ok(Next::Settled),
            Err(_) => Err(ProviderError::new(self.vendor, Fault::Timeout)),
            Ok(Err(e)) => Err(failure::of_transport(self.vendor, e)),
            Ok(Ok(None)) => Ok(Next::BodyEnded),
            Ok(Ok(Some(chunk))) => Ok(Next::Chunk(chunk)),
        }
    }

    fn take(&mut self, chunk: &[u8], ready: &mut Vec<LlmEvent>) -> Result<(), Fault> {
        let had_begun = self.reader.has_begun();
        let result = self.reader.push(chunk, ready);
        if self.reader.has_begun() && !had_begun {
            let took = self.started.elapsed();
            self.metrics
                .provider_latency(ProviderKind::Llm, self.vendor, took);
        }
        self.extend_deadline();
        result
    }

    /// A vendor that only says that it is busy gets no more time for its first token.
    fn extend_deadline(&mut self) {
        let more = if self.reader.is_done() {
            TAIL
        } else if self.reader.is_ending() {
            SETTLING
        } else if self.reader.has_begun() {
            self.patience
        } else {
            return;
        };
        self.deadline = Instant::now() + more;
    }

    fn note_usage(&self) {
        if let Some(usage) = self.reader.usage() {
            if usage.reasoning_tokens > 0 {
                self.deployment.thought();
            }
            tracing::debug!(
                llm.prompt_tokens = usage.prompt_tokens,
                llm.cached_tokens = usage.cached_tokens,
                llm.reasoning_tokens = usage.reasoning_tokens,
                llm.completion_tokens = usage.completion_tokens,
                "reply complete"
            );
        }
    }
}
