//! Language models in the order they are tried.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::task::TaskTracker;

use super::{
    backoff,
    breaker::{Breaker, Gate},
};
use crate::{
    providers::{
        BoxFuture, Fault, ProviderError, Vendor,
        llm::{LanguageModel, LlmEvent, LlmRequest, LlmStream},
    },
    telemetry::metrics::Metrics,
};

const EVENT_CAPACITY: usize = 64;
/// Times that the whole chain is gone through.
const MAX_ROUNDS: u32 = 3;

/// A chain of models that is one model. Until the first piece of the reply has come a failure leads to the next vendor, or to
/// the same one again; after it the failure is passed on, since half an answer has been spoken.
pub struct ModelChain {
    links: Vec<Arc<Link>>,
    /// For all attempts of one reply together.
    patience: Duration,
    tasks: TaskTracker,
}

struct Link {
    model: Box<dyn LanguageModel>,
    breaker: Mutex<Breaker>,
    metrics: Arc<Metrics>,
}

/// A reply whose first piece is here.
struct Begun {
    first: LlmEvent,
    rest: LlmStream,
    link: Arc<Link>,
}

impl ModelChain {
    /// A chain in this order; replies run on `tasks`.
    #[must_use]
    pub fn new(
        models: Vec<Box<dyn LanguageModel>>,
        patience: Duration,
        tasks: &TaskTracker,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let link = |model| {
            Arc::new(Link {
                model,
                breaker: Mutex::default(),
                metrics: Arc::clone(metrics),
            })
        };
        Self {
            links: models.into_iter().map(link).collect(),
            patience,
            tasks: tasks.clone(),
        }
    }

    async fn begin(&self, request: &LlmRequest) -> Result<Begun, ProviderError> {
        let deadline = Instant::now() + self.patience;
        let mut last = ProviderError::new(self.vendor(), Fault::Unavailable);
        for round in 0..MAX_ROUNDS {
            let mut ready_in: Option<Duration> = None;
            for link in &self.links {
                let again = match link.ask() {
                    Gate::Wait(wait) => Some(wait),
                    Gate::Pass => match Link::attempt(link, request, deadline).await {
                        Ok(begun) => return Ok(begun),
                        Err(error) => {
                            let again = retry_in(error.fault, round);
                            last = error;
                            again
                        }
                    },
                };
                ready_in = [ready_in, again].into_iter().flatten().min();
            }
            match ready_in {
                Some(wait) if round + 1 < MAX_ROUNDS && Instant::now() + wait < deadline => {
                    sleep(wait).await;
                }
                _ => break,
            }
        }
        Err(last)
    }

    async fn answer(&self, request: LlmRequest) -> Result<LlmStream, ProviderError> {
        let Begun { first, rest, link } = self.begin(&request).await?;
        let (events, out) = mpsc::channel(EVENT_CAPACITY);
        let span = tracing::Span::current();
        let passing = pass_on(first, rest, link, events);
        self.tasks
            .spawn(tracing::Instrument::instrument(passing, span));
        Ok(LlmStream { events: out })
    }
}

/// When the same vendor may be asked the same again.
fn retry_in(fault: Fault, round: u32) -> Option<Duration> {
    match fault {
        Fault::RateLimited(Some(wait)) => Some(wait),
        fault if fault.is_retryable() => Some(backoff(round)),
        _ => None,
    }
}

impl Link {
    fn ask(&self) -> Gate {
        self.breaker.lock().ask(Instant::now().into_std())
    }

    /// Asks the vendor and waits for its first piece.
    async fn attempt(
        link: &Arc<Self>,
        request: &LlmRequest,
        deadline: Instant,
    ) -> Result<Begun, ProviderError> {
        let vendor = link.model.vendor();
        let probe = Probe(Some(link));
        let first = async {
            let mut rest = link.model.reply(request.clone()).await?;
            match rest.events.recv().await {
                Some(LlmEvent::Failed(error)) => Err(error),
                Some(first) => Ok((first, rest)),
                // Its task died: a bug, but not the caller's.
                None => Err(ProviderError::new(vendor, Fault::Protocol)),
            }
        };
        let result = timeout_at(deadline, first)
            .await
            .unwrap_or_else(|_| Err(ProviderError::new(vendor, Fault::Timeout)));
        probe.report(result.as_ref().map(drop).map_err(|e| e.fault));
        let (first, rest) = result.inspect_err(|error| {
            tracing::warn!(vendor = vendor.as_str(), %error, "language model failed");
        })?;
        let link = Arc::clone(link);
        Ok(Begun { first, rest, link })
    }

    fn report(&self, result: Result<(), Fault>) {
        let now = Instant::now().into_std();
        let vendor = self.model.vendor();
        let mut breaker = self.breaker.lock();
        let was_open = breaker.is_open(now);
        match result {
            Ok(()) => breaker.succeeded(now),
            Err(fault) => breaker.failed(fault, now),
        }
        let open = breaker.is_open(now);
        drop(breaker);
        self.metrics.breaker_open(vendor, open);
        if open != was_open {
            tracing::warn!(vendor = vendor.as_str(), open, "breaker changed");
        }
    }
}

/// A request that the breaker let through; if its caller hangs up, the breaker is told.
struct Probe<'a>(Option<&'a Link>);

impl Probe<'_> {
    fn report(mut self, result: Result<(), Fault>) {
        if let Some(link) = self.0.take() {
            link.report(result);
        }
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.0 {
            link.breaker.lock().abandoned();
        }
    }
}

/// Hands the reply on. Dropping the receiver drops the vendor's stream, which cancels the request.
async fn pass_on(
    first: LlmEvent,
    mut rest: LlmStream,
    link: Arc<Link>,
    events: mpsc::Sender<LlmEvent>,
) {
    let mut next = Some(first);
    loop {
        let event = next.take().unwrap_or_else(|| {
            let error = ProviderError::new(link.model.vendor(), Fault::Protocol);
            LlmEvent::Failed(error)
        });
        let last = matches!(event, LlmEvent::Done(_) | LlmEvent::Failed(_));
        if let LlmEvent::Failed(error) = &event {
            link.report(Err(error.fault));
        }
        if events.send(event).await.is_err() || last {
            return;
        }
        next = tokio::select! {
            event = rest.events.recv() => event,
            () = events.closed() => return,
        };
    }
}

impl LanguageModel for ModelChain {
    /// The vendor that is tried first.
    fn vendor(&self) -> Vendor {
        self.links
            .first()
            .map_or(Vendor::OpenAi, |link| link.model.vendor())
    }

    /// Returns when the first piece of the reply is there.
    fn reply(&self, request: LlmRequest) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        Box::pin(self.answer(request))
    }
}
