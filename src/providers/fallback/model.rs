//! Language models in the order they are tried.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::task::TaskTracker;

use super::{
    backoff,
    breaker::{Breaker, Gate},
};
use crate::{
    providers::{
        BoxFuture, Fault, ProviderError, Vendor,
        llm::{Finish, LanguageModel, LlmEvent, LlmRequest, LlmStream},
    },
    telemetry::metrics::Metrics,
};

const EVENT_CAPACITY: usize = 64;
/// Times that the whole chain is gone through.
const MAX_ROUNDS: u32 = 3;

/// A chain of models that is one model. Until the first word of the reply (or its tool call) has come a failure leads to the next vendor, or to
/// the same one again; after it the failure is passed on, since half an answer has been spoken. A reply that ends without a word is such a failure.
pub struct ModelChain {
    links: Vec<Arc<Link>>,
    /// For all attempts of one reply together.
    patience: Duration,
    /// A request ended, so that the next one may get through an open breaker.
    ended: Arc<Notify>,
    tasks: TaskTracker,
}

struct Link {
    model: Box<dyn LanguageModel>,
    breaker: Mutex<Breaker>,
    ended: Arc<Notify>,
    metrics: Arc<Metrics>,
}

/// A reply whose first word is here.
struct Begun {
    first: Vec<LlmEvent>,
    rest: LlmStream,
    link: Arc<Link>,
}

/// One time through the chain without an answer.
struct Round {
    /// Somebody was asked, so the round counts.
    asked: bool,
    /// When somebody may be asked again.
    again: Option<Duration>,
    /// Another call is finding out whether a vendor is well.
    is_probed: bool,
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
        let ended = Arc::new(Notify::new());
        let link = |model| {
            Arc::new(Link {
                model,
                breaker: Mutex::default(),
                ended: Arc::clone(&ended),
                metrics: Arc::clone(metrics),
            })
        };
        Self {
            links: models.into_iter().map(link).collect(),
            patience,
            ended: Arc::clone(&ended),
            tasks: tasks.clone(),
        }
    }

    async fn begin(
        &self,
        request: &LlmRequest,
        last: Option<Vendor>,
    ) -> Result<Begun, ProviderError> {
        let deadline = Instant::now() + self.patience;
        let mut error = ProviderError::new(self.vendor(), Fault::Unavailable);
        let mut rounds = 0;
        loop {
            // Listens before it looks, so that no end is missed.
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            let round = match self
                .go_round(request, last, rounds, deadline, &mut error)
                .await
            {
                Ok(begun) => return Ok(begun),
                Err(round) => round,
            };
            rounds += u32::from(round.asked);
            let Some(mut again) = round.again.map(|wait| Instant::now() + wait) else {
                return Err(error);
            };
            if round.is_probed {
                again = again.min(deadline);
            }
            if rounds >= MAX_ROUNDS || again > deadline || Instant::now() >= deadline {
                return Err(error);
            }
            tokio::select! {
                () = sleep_until(again) => {}
                () = ended, if round.is_probed => {}
            }
        }
    }

    /// Asks each vendor that its breaker lets through; if that is none, one of them all the same.
    async fn go_round(
        &self,
        request: &LlmRequest,
        last: Option<Vendor>,
        rounds: u32,
        deadline: Instant,
        error: &mut ProviderError,
    ) -> Result<Begun, Round> {
        let mut round = Round {
            asked: false,
            again: None,
            is_probed: false,
        };
        for gate in [Breaker::ask, Breaker::ask_anyway] {
            for link in self.order(last) {
                let again = match link.ask(gate) {
                    Gate::Pass => {
                        round.asked = true;
                        match Link::attempt(link, request, deadline).await {
                            Ok(begun) => return Ok(begun),
                            Err(failure) => {
                                let again = retry_in(failure.fault, rounds);
                                *error = failure;
                                again
                            }
                        }
                    }
                    Gate::Probed(wait) => {
                        round.is_probed = true;
                        Some(wait)
                    }
                    Gate::Wait(wait) => Some(wait),
                };
                round.again = [round.again, again].into_iter().flatten().min();
            }
            if round.asked || round.is_probed {
                break;
            }
            round.again = None;
        }
        Err(round)
    }

    /// The vendors as they are tried: `last` after the others.
    fn order(&self, last: Option<Vendor>) -> impl Iterator<Item = &Arc<Link>> {
        let is_last = move |link: &&Arc<Link>| Some(link.model.vendor()) == last;
        let others = self.links.iter().filter(move |link| !is_last(link));
        others.chain(self.links.iter().filter(is_last))
    }

    async fn answer(
        &self,
        request: LlmRequest,
        last: Option<Vendor>,
    ) -> Result<LlmStream, ProviderError> {
        let Begun { first, rest, link } = self.begin(&request, last).await?;
        let (events, out) = mpsc::channel(EVENT_CAPACITY);
        let span = tracing::Span::current();
        let vendor = link.model.vendor();
        let passing = pass_on(first, rest, link, events);
        self.tasks
            .spawn(tracing::Instrument::instrument(passing, span));
        Ok(LlmStream {
            vendor,
            events: out,
        })
    }
}

/// When the same vendor may be asked the same again.
fn retry_in(fault: Fault, round: u32) -> Option<Duration> {
    match fault {
        Fault::RateLimited(Some(wait)) => Some(wait),
        // Chance found no words; a third time it would not, either.
        Fault::Empty => (round == 0).then(|| backoff(round)),
        fault if fault.is_retryable() => Some(backoff(round)),
        _ => None,
    }
}

impl Link {
    fn ask(&self, gate: fn(&mut Breaker, std::time::Instant) -> Gate) -> Gate {
        gate(&mut self.breaker.lock(), Instant::now().into_std())
    }

    /// Asks the vendor and waits for its first word.
    async fn attempt(
        link: &Arc<Self>,
        request: &LlmRequest,
        deadline: Instant,
    ) -> Result<Begun, ProviderError> {
        let vendor = link.model.vendor();
        let probe = Probe(Some(link));
        let first = async {
            let mut rest = link.model.reply(request.clone()).await?;
            let first = first_word(vendor, &mut rest).await?;
            Ok((first, rest))
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
        self.ended.notify_waiters();
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
            link.ended.notify_waiters();
        }
    }
}

/// The reply up to its first word or tool call. What has no word in it may be all that comes: dots, a line break, a smile.
async fn first_word(vendor: Vendor, rest: &mut LlmStream) -> Result<Vec<LlmEvent>, ProviderError> {
    let mut first = Vec::new();
    loop {
        // Its task died: a bug, but not the caller's.
        let died = || LlmEvent::Failed(ProviderError::new(vendor, Fault::Protocol));
        let event = rest.events.recv().await.unwrap_or_else(died);
        let has_begun = match &event {
            LlmEvent::Text(text) => text.expose().chars().any(char::is_alphanumeric),
            LlmEvent::ToolCall(_) => true,
            LlmEvent::Done(Finish::Filtered) => {
                return Err(ProviderError::new(vendor, Fault::Filtered));
            }
            LlmEvent::Done(_) => return Err(ProviderError::new(vendor, Fault::Empty)),
            LlmEvent::Failed(_) => false,
        };
        match event {
            LlmEvent::Failed(error) => return Err(error),
            event => first.push(event),
        }
        if has_begun {
            return Ok(first);
        }
    }
}

/// Hands the reply on. Dropping the receiver drops the vendor's stream, which cancels the request.
async fn pass_on(
    first: Vec<LlmEvent>,
    mut rest: LlmStream,
    link: Arc<Link>,
    events: mpsc::Sender<LlmEvent>,
) {
    for event in first {
        if events.send(event).await.is_err() {
            return;
        }
    }
    loop {
        let next = tokio::select! {
            event = rest.events.recv() => event,
            () = events.closed() => return,
        };
        let event = next.unwrap_or_else(|| {
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
    }
}

impl LanguageModel for ModelChain {
    /// The vendor that is tried first.
    fn vendor(&self) -> Vendor {
        self.links
            .first()
            .map_or(Vendor::OpenAi, |link| link.model.vendor())
    }

    /// Returns when the first word of the reply is there.
    fn reply(&self, request: LlmRequest) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        Box::pin(self.answer(request, None))
    }

    fn reply_elsewhere(
        &self,
        request: LlmRequest,
        last: Vendor,
    ) -> BoxFuture<'_, Result<LlmStream, ProviderError>> {
        Box::pin(self.answer(request, Some(last)))
    }
}
