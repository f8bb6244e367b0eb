//! Runs tools beside the conversation. A mutating tool, once begun, is never cancelled: it outlives barge-in and hang-up.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use serde_json::json;
use tokio::{sync::oneshot, task::AbortHandle};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    domain::{call_time::CallTime, conversation::ToolRequest, phi::Phi},
    providers::{BoxFuture, llm::ToolSpec},
    telemetry::metrics::Metrics,
    tools::{
        hand_over,
        outcome::{ToolOutcome, ToolStatus, ToolTrace},
    },
};

/// A tool has a timeout of its own; this one covers a tool that breaks that rule.
const LIMIT: Duration = Duration::from_secs(30);

/// A question about a tool, by its name.
pub type Is = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Runs a call for a turn at a time.
pub type RunTool =
    Arc<dyn Fn(ToolRequest, u32, CallTime) -> BoxFuture<'static, ToolOutcome> + Send + Sync>;

/// Runs calls of one step of the model, and answers each.
pub type RunStep = Arc<
    dyn Fn(Vec<ToolRequest>, u32, CallTime) -> BoxFuture<'static, Vec<ToolOutcome>> + Send + Sync,
>;

/// The tools of one call.
#[derive(Clone)]
pub struct Toolbox {
    /// As the model sees them.
    pub specs: Vec<ToolSpec>,
    /// Whether a tool changes anything.
    pub is_mutating: Is,
    /// Whether a tool ends the conversation: with one that changes something, it waits for the result.
    pub is_closing: Is,
    /// Runs one that stands for itself.
    pub run: RunTool,
    /// Runs those of a step that depend on each other.
    pub run_step: RunStep,
}

/// One execution of a tool within the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RunId(pub(super) u32);

/// A run that ended.
#[derive(Debug)]
pub(super) struct RunEnded {
    pub(super) run: RunId,
    pub(super) outcome: ToolOutcome,
}

struct Running {
    run: RunId,
    request: ToolRequest,
    mutating: bool,
    turn: u32,
    started: CallTime,
    abort: AbortHandle,
}

type Joined = (RunId, Option<ToolOutcome>);

/// The runs of one call.
pub(super) struct ToolRuns {
    toolbox: Toolbox,
    tasks: TaskTracker,
    running: Vec<Running>,
    joined: FuturesUnordered<BoxFuture<'static, Joined>>,
    begun: u32,
    traces: Vec<ToolTrace>,
    metrics: Arc<Metrics>,
}

impl ToolRuns {
    pub(super) fn new(
        toolbox: Toolbox,
        tasks: TaskTracker,
        traces: Vec<ToolTrace>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            toolbox,
            tasks,
            running: Vec::new(),
            joined: FuturesUnordered::new(),
            begun: 0,
            traces,
            metrics,
        }
    }

    pub(super) fn specs(&self) -> &[ToolSpec] {
        &self.toolbox.specs
    }

    pub(super) fn is_mutating(&self, request: &ToolRequest) -> bool {
        (self.toolbox.is_mutating)(&request.name)
    }

    pub(super) fn is_closing(&self, request: &ToolRequest) -> bool {
        (self.toolbox.is_closing)(&request.name)
    }

    /// Begins a call. Its task belongs to the pod, not to the reply that asked for it.
    pub(super) fn start(&mut self, now: CallTime, request: ToolRequest, turn: u32) -> RunId {
        let mutating = self.is_mutating(&request);
        let task =
            (self.toolbox.run)(request.clone(), turn, now).instrument(tracing::Span::current());
        let task = self
            .tasks
            .spawn(async move { tokio::time::timeout(LIMIT, task).await.ok() });
        let abort = task.abort_handle();
        // A panic is joined as an error and answered like a timeout: the result is unknown.
        let joined = async move { task.await.ok().flatten() };
        self.joins(now, request, turn, mutating, abort, joined)
    }

    /// Begins the calls of a step that depend on each other, as one task that is never cancelled; each has a run of its own, in their order.
    pub(super) fn start_step(
        &mut self,
        now: CallTime,
        requests: Vec<ToolRequest>,
        turn: u32,
    ) -> Vec<RunId> {
        let task = (self.toolbox.run_step)(requests.clone(), turn, now)
            .instrument(tracing::Span::current());
        let limit = LIMIT * u32::try_from(requests.len()).unwrap_or(u32::MAX);
        let (senders, receivers): (Vec<_>, Vec<_>) =
            requests.iter().map(|_| oneshot::channel()).unzip();
        let task = self.tasks.spawn(async move {
            let outcomes = tokio::time::timeout(limit, task).await.unwrap_or_default();
            for (sender, outcome) in senders.into_iter().zip(outcomes) {
                // Nobody listens when the session is over.
                drop(sender.send(outcome));
            }
        });
        let abort = task.abort_handle();
        let begin = |(request, receiver): (ToolRequest, oneshot::Receiver<ToolOutcome>)| {
            let joined = async move { receiver.await.ok() };
            self.joins(now, request, turn, true, abort.clone(), joined)
        };
        requests.into_iter().zip(receivers).map(begin).collect()
    }

    /// Enters a run in the books.
    fn joins(
        &mut self,
        now: CallTime,
        request: ToolRequest,
        turn: u32,
        mutating: bool,
        abort: AbortHandle,
        joined: impl Future<Output = Option<ToolOutcome>> + Send + 'static,
    ) -> RunId {
        self.begun += 1;
        let run = RunId(self.begun);
        self.joined
            .push(Box::pin(async move { (run, joined.await) }));
        self.running.push(Running {
            run,
            request,
            mutating,
            turn,
            started: now,
            abort,
        });
        run
    }

    /// Whether a tool that may not be cancelled still runs.
    pub(super) fn is_mutation_running(&self) -> bool {
        self.running.iter().any(|r| r.mutating)
    }

    /// Whether any tool runs that was not given up.
    pub(super) fn is_any_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// The next end of a run; never, if none runs. Cancel-safe.
    pub(super) async fn next(&mut self) -> (u32, Option<ToolOutcome>) {
        match self.joined.next().await {
            Some((run, outcome)) => (run.0, outcome),
            None => std::future::pending().await,
        }
    }

    /// Books a run's end; none for a run that was cancelled.
    pub(super) fn ended(
        &mut self,
        now: CallTime,
        run: u32,
        outcome: Option<ToolOutcome>,
    ) -> Option<RunEnded> {
        let place = self.running.iter().position(|r| r.run.0 == run)?;
        let running = self.running.swap_remove(place);
        let outcome = outcome.unwrap_or_else(|| unknown_result(&running, now));
        self.metrics.tool_call(outcome.status, outcome.took);
        tracing::info!(
            tool.status = outcome.status.as_str(),
            tool.took_ms = u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            turn.index = running.turn,
            "tool ended"
        );
        let trace = ToolTrace {
            request: running.request,
            outcome: outcome.clone(),
            started: running.started,
            turn: running.turn,
        };
        if let Some(result) = hand_over::result(&trace) {
            self.metrics.transfer(result);
        }
        self.traces.push(trace);
        Some(RunEnded {
            run: running.run,
            outcome,
        })
    }

    /// Gives up a run that changes nothing. Returns false for one that goes on.
    pub(super) fn cancel(&mut self, run: RunId) -> bool {
        let Some(place) = self
            .running
            .iter()
            .position(|r| r.run == run && !r.mutating)
        else {
            return false;
        };
        self.running.swap_remove(place).abort.abort();
        true
    }

    pub(super) fn traces(&self) -> &[ToolTrace] {
        &self.traces
    }
}

fn unknown_result(running: &Running, now: CallTime) -> ToolOutcome {
    tracing::error!(turn.index = running.turn, "tool gave no result");
    ToolOutcome {
        id: running.request.id.clone(),
        content: Phi::new(
            json!({"error": "internal", "message": "The result is unknown. Do not claim that it was done."}),
        ),
        status: ToolStatus::Failed,
        effect: None,
        took: now.since(running.started),
    }
}
