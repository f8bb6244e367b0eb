//! The task of one reply: reads the body, delivers the pieces.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{ChatClient, assemble::Assembler, failure, sse::SseParser};
use crate::{
    providers::{Fault, ProviderError, Vendor, llm::LlmEvent, transport::TransportError},
    telemetry::{
        labels::{CallResult, ProviderKind},
        metrics::Metrics,
    },
};

/// After the last piece the usage and the end of the body follow; read, they leave the connection fit for the next request.
const TAIL: Duration = Duration::from_millis(500);

pub(super) struct Driver {
    vendor: Vendor,
    answer: reqwest::Response,
    events: mpsc::Sender<LlmEvent>,
    assembler: Assembler,
    started: Instant,
    deadline: Instant,
    patience: Duration,
    metrics: Arc<Metrics>,
}

/// What the body brings next.
enum Next {
    Chunk(Bytes),
    BodyEnded,
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
        events: mpsc::Sender<LlmEvent>,
        started: Instant,
    ) -> Self {
        let patience = client.shared.patience;
        Self {
            vendor: client.vendor,
            answer,
            events,
            assembler: Assembler::default(),
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
            Ok(End::Complete) => count(Ok(())),
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
        let mut parser = SseParser::default();
        let mut ready = Vec::new();
        loop {
            let chunk = match self.next_chunk().await? {
                Next::Chunk(chunk) => chunk,
                Next::BodyEnded => return self.body_ended(),
                Next::Cancelled => return Ok(End::Cancelled),
            };
            self.parse(&mut parser, &chunk, &mut ready)?;
            for event in ready.drain(..) {
                if self.events.send(event).await.is_err() {
                    return Ok(End::Cancelled);
                }
            }
            if self.assembler.ended {
                return Ok(End::Complete);
            }
        }
    }

    async fn next_chunk(&mut self) -> Result<Next, ProviderError> {
        let done = self.assembler.done;
        let chunk = tokio::select! {
            chunk = timeout_at(self.deadline, self.answer.chunk()) => chunk,
            () = self.events.closed(), if !done => return Ok(Next::Cancelled),
        };
        match chunk {
            // The reply is complete; only its tail is missing.
            Err(_) | Ok(Err(_)) if done => Ok(Next::BodyEnded),
            Err(_) => Err(ProviderError::new(self.vendor, Fault::Timeout)),
            Ok(Err(e)) => Err(failure::of_transport(self.vendor, e)),
            Ok(Ok(None)) => Ok(Next::BodyEnded),
            Ok(Ok(Some(chunk))) => Ok(Next::Chunk(chunk)),
        }
    }

    fn parse(
        &mut self,
        parser: &mut SseParser,
        chunk: &[u8],
        ready: &mut Vec<LlmEvent>,
    ) -> Result<(), ProviderError> {
        let begun = self.assembler.begun;
        let mut result = Ok(());
        let parsed = parser.push(chunk, |data| {
            if result.is_ok() {
                result = self.assembler.push(data, ready);
            }
        });
        parsed.map_err(|e| ProviderError::new(self.vendor, Fault::Protocol).because(e))?;
        if self.assembler.begun && !begun {
            let took = self.started.elapsed();
            self.metrics
                .provider_latency(ProviderKind::Llm, self.vendor, took);
        }
        self.extend_deadline();
        result.map_err(|fault| ProviderError::new(self.vendor, fault))
    }

    /// A vendor that only says that it is busy gets no more time for its first token.
    fn extend_deadline(&mut self) {
        if self.assembler.done {
            self.deadline = Instant::now() + TAIL;
        } else if self.assembler.begun {
            self.deadline = Instant::now() + self.patience;
        }
    }

    fn body_ended(&self) -> Result<End, ProviderError> {
        if self.assembler.done {
            return Ok(End::Complete);
        }
        Err(ProviderError::new(self.vendor, Fault::Unavailable).because(TransportError::Ended))
    }

    fn note_usage(&self) {
        if let Some(usage) = self.assembler.usage {
            tracing::debug!(
                llm.prompt_tokens = usage.prompt_tokens,
                llm.cached_tokens = usage.cached_tokens(),
                llm.completion_tokens = usage.completion_tokens,
                "reply complete"
            );
        }
    }
}
