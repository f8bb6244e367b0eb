//! Start and stop: signals become cancellation tokens, every task is tracked, drain has a deadline.

use std::{future::Future, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The stop signals and the tasks of one process.
///
/// `drain` is cancelled first: take nothing new, finish what runs. `hard` is cancelled by a second signal or by the drain deadline. A task that fails may cancel
/// `drain` itself through [`Lifecycle::fail`]; the process then exits with a failure.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    drain: CancellationToken,
    hard: CancellationToken,
    failed: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Nothing runs, nothing stops.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process should take nothing new.
    #[must_use]
    pub fn drain(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Cancelled when the process must stop now.
    #[must_use]
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Runs a task that the process owns.
    pub fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// The tracker, for parts that spawn many tasks.
    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Stops the process because a task it cannot live without ended.
    pub fn fail(&self) {
        self.failed.cancel();
        self.drain.cancel();
    }

    /// Waits for SIGTERM or SIGINT (or [`Lifecycle::fail`]), then drains: tasks get `deadline`, a second signal hurries. Then they have [`HARD_STOP`]; one that still
    /// runs after that is a leak and makes the stop a failure.
    ///
    /// # Errors
    /// The signal handlers could not be installed.
    pub async fn run_until_stopped(&self, deadline: Duration) -> std::io::Result<Stopped> {
        let mut term = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
            () = self.drain.cancelled() => {}
        }
        tracing::info!(deadline_s = deadline.as_secs(), "draining");
        self.drain.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(deadline) => tracing::warn!("drain deadline passed"),
            _ = term.recv() => tracing::warn!("second signal"),
            _ = interrupt.recv() => tracing::warn!("second signal"),
        }
        self.hard.cancel();
        let leaked = tokio::time::timeout(HARD_STOP, self.tasks.wait())
            .await
            .is_err();
        if leaked {
            tracing::error!(tasks = self.tasks.len(), "tasks did not stop");
        }
        Ok(if self.failed.is_cancelled() || leaked {
            Stopped::Failed
        } else {
            Stopped::OnRequest
        })
    }
}

/// Time that tasks get to end after the hard stop: a caller finishes the sentence, is told that a person takes over, and is handed on.
pub const HARD_STOP: Duration = Duration::from_secs(15);

/// Why a process stopped; its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// By a signal.
    OnRequest,
    /// By a task's failure.
    Failed,
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    async fn stop(lifecycle: &Lifecycle) -> (Stopped, Duration) {
        let begin = Instant::now();
        let stopped = lifecycle.run_until_stopped(DEADLINE).await;
        (stopped.expect("signal handlers"), begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_finish_in_time_end_the_process_well_and_at_once() {
        let lifecycle = Lifecycle::new();
        let drain = lifecycle.drain();
        lifecycle.spawn(async move {
            drain.cancelled().await;
            sleep(Duration::from_secs(10)).await;
        });
        lifecycle.drain().cancel();
        let (stopped, took) = stop(&lifecycle).await;
        assert_eq!(stopped, Stopped::OnRequest);
        assert_eq!(took.as_secs(), 10);
        assert_eq!(lifecycle.tasks().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_tasks_that_would_go_on() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn(lifecycle.hard().cancelled_owned());
        lifecycle.drain().cancel();
        let (stopped, took) = stop(&lifecycle).await;
        assert_eq!((stopped, took.as_secs()), (Stopped::OnRequest, 60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_outlives_the_hard_stop_is_a_failure() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn(std::future::pending::<()>());
        lifecycle.drain().cancel();
        let (stopped, took) = stop(&lifecycle).await;
        assert_eq!((stopped, took), (Stopped::Failed, DEADLINE + HARD_STOP));
        assert_eq!(lifecycle.tasks().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_fails_stops_the_process() {
        let lifecycle = Lifecycle::new();
        let fails = lifecycle.clone();
        lifecycle.spawn(async move {
            sleep(Duration::from_secs(3)).await;
            fails.fail();
        });
        let (stopped, took) = stop(&lifecycle).await;
        assert_eq!((stopped, took.as_secs()), (Stopped::Failed, 3));
    }
}
